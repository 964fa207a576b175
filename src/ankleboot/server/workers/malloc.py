"""Memory that is free goes back to the system."""

import ctypes
import sys

MMAP_THRESHOLD_BYTES = 2**20
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc


def give_back() -> None:
    """Let glibc ask the system for each large piece by itself, and return it when it is free.

    Its own threshold rises to 32 MiB with the pieces that it sees; requests of many megabytes, one
    with other pieces behind it, then leave a process as large as it ever was.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # another C library has none
        mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
        mallopt(M_TRIM_THRESHOLD, MMAP_THRESHOLD_BYTES)
