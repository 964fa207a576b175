"""Deferral of SIGINT and SIGTERM to the next safe point."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopFlag:
    """Flag that a signal sets; `signum` is its number, or None before."""

    signum: int | None = None


@contextmanager
def stop_on_signal() -> Iterator[StopFlag]:
    """Record the first SIGINT or SIGTERM in a flag; a second one acts as usual.

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
        number: signal.signal(number, record)
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) is not signal.SIG_IGN  # set by nohup, for example
    }
    try:
        yield flag
    finally:
        restore()
