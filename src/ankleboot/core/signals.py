"""Let SIGINT and SIGTERM end work at a good moment instead of in the middle of it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopFlag:
    """Set once a signal has come; `signum` says which."""

    signum: int | None = None


@contextmanager
def stop_on_signal() -> Iterator[StopFlag]:
    """Note the first SIGINT or SIGTERM instead of obeying it; a second one acts as usual.

    Only the main thread may handle signals; elsewhere nothing is caught.
    """
    request = StopFlag()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def note(signum: int, _frame: FrameType | None) -> None:
        request.signum = signum
        restore()

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    previous = {
        number: signal.signal(number, note)
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) is not signal.SIG_IGN  # nohup and the like: leave it so
    }
    try:
        yield request
    finally:
        restore()
