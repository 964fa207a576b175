"""Signals that end a process: deferral to the next safe point, and an end that cleans up."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Signals of Ctrl-C, of service managers, and of a terminal that closes."""

_received: int | None = None


class StopFlag:
    """Flag that a signal sets; `signum` is its number, or None before."""

    signum: int | None = None


@contextmanager
def stop_on_signal() -> Iterator[StopFlag]:
    """Record the first of STOP_SIGNALS in a flag; a second one acts as usual.

    Only the main thread can handle signals; in other threads the flag is never set.
    """
    flag = StopFlag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return

    def record(signum: int, _frame: FrameType | None) -> None:
        flag.signum = signum
        restore()

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    previous = {
        number: signal.signal(number, record) for number in STOP_SIGNALS if not is_ignored(number)
    }
    try:
        yield flag
    finally:
        restore()


def is_ignored(number: int) -> bool:
    """Return whether this process was told to ignore a signal, by nohup for example."""
    return signal.getsignal(number) is signal.SIG_IGN


def received_signal() -> int | None:
    """Return the signal that unwinds this process, or None.

    An error that arrives after it may come from code that the signal interrupted.
    """
    return _received


def unwind_on_signals() -> None:
    """Let every stop signal raise KeyboardInterrupt, so that temporary files are removed.

    The second signal ends the process at once.
    """
    for number in STOP_SIGNALS:
        if not is_ignored(number):
            signal.signal(number, _unwind)
    sys.unraisablehook = _end_if_interrupted


def restore_defaults() -> None:
    """Let every stop signal end the process at once."""
    for number in STOP_SIGNALS:
        if not is_ignored(number):
            signal.signal(number, signal.SIG_DFL)


def _unwind(signum: int, _frame: FrameType | None) -> None:
    global _received
    _received = signum
    restore_defaults()
    raise KeyboardInterrupt


def _end_if_interrupted(failure: "sys.UnraisableHookArgs", /) -> None:
    """End the process if Python could not raise the interrupt, as in a method __del__."""
    if not isinstance(failure.exc_value, KeyboardInterrupt) or _received is None:
        sys.__unraisablehook__(failure)
        return
    from ankleboot.core.temporary import remove_all

    remove_all()
    os.write(2, b"error: interrupted\n")
    os._exit(128 + _received)
