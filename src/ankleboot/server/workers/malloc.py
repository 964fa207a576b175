"""Tune glibc malloc so that freed memory is returned to the OS."""

import ctypes
import sys

MMAP_THRESHOLD_BYTES = 2**20
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc


def limit_malloc_cache() -> None:
    """Fix glibc's thresholds for memory mapping and trimming.

    By default the threshold for mapping rises to 32 MiB with the sizes that it sees. Requests of
    many megabytes then leave a process at its largest size.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none
        mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
        mallopt(M_TRIM_THRESHOLD, MMAP_THRESHOLD_BYTES)
