"""Start of a child process that ends with its parent.

    python -m ankleboot.core.child MODULE [ARGUMENT]...

On Linux the kernel terminates the process when the thread that started it ends, even by SIGKILL;
elsewhere it is `python -m MODULE`.
"""

import ctypes
import os
import runpy
import signal
import sys

from ankleboot.core.signals import received_signal, unwind_on_signals
from ankleboot.core.temporary import remove_all

PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Let the kernel end this process when its parent does (Linux).

    Raises:
        SystemExit: If the parent has already ended.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit("the process that started this one is gone")


def main() -> None:
    """Bind this process to its parent, and run the module in it."""
    unwind_on_signals()
    end_with(int(os.environ["ANKLEBOOT_PARENT"]))
    del sys.argv[0]
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:  # the parent reads the signal from the exit status
        remove_all()
        signal.raise_signal(received_signal() or signal.SIGINT)


if __name__ == "__main__":
    main()
