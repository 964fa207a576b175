"""Entry point of `ankleboot` and `python -m ankleboot`.

A signal during the imports ends the process at once: a module in the middle of its import would
turn an exception into another one, and there is nothing to clean up yet.
"""

import os
import signal


def main() -> None:
    """Run the command line and exit."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _leave)
    try:
        from ankleboot.cli.main import main as run_command_line
        from ankleboot.core.signals import received_signal, restore_defaults, unwind_on_signals
    except OSError as error:  # no free descriptor or memory
        _end(5, f"cannot start: {error}")
    unwind_on_signals()
    try:
        run_command_line()
    except KeyboardInterrupt:  # between two lines that would have handled it
        _leave(received_signal() or signal.SIGINT, None)
    finally:
        restore_defaults()


def _leave(signum: int, _frame: object) -> None:
    _end(128 + signum, "interrupted")


def _end(exit_code: int, message: str) -> None:
    try:
        os.write(2, f"error: {message}\n".encode(errors="replace"))
    finally:
        os._exit(exit_code)


if __name__ == "__main__":
    main()
