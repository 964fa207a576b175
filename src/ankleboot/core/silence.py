"""Libraries that greet or report home, used so that they do neither."""

import io
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def silenced(*, show_failures: bool = True) -> Iterator[None]:
    """Keep what libraries print off the terminal.

    Args:
        show_failures: Show their stderr after all if an exception comes out.

    They write to the file descriptor before any setting of theirs is read, so it is the descriptor
    that is turned away, for the whole process: what other threads print meanwhile goes the same
    way, and one thread at a time may do this.
    """
    with _ONE_AT_A_TIME:
        yield from _hushed(show_failures)


def _hushed(show_failures: bool) -> Iterator[None]:
    try:
        stderr = os.dup(2)
    except OSError:  # closed: nobody listens
        yield
        return
    with tempfile.TemporaryFile() as words:
        sys.stderr.flush()
        os.dup2(words.fileno(), 2)
        try:
            # stdout is for our one document
            with redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
                yield
        except BaseException:
            words.seek(0)
            if show_failures:
                os.write(stderr, words.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def import_keras() -> None:
    """Import Keras and its backend without TensorFlow's greetings."""
    if "keras" not in sys.modules:
        with silenced():
            import keras  # noqa: F401


def import_openvino() -> None:
    """Import OpenVINO without its telemetry, which else reports every import and conversion."""
    if "openvino" not in sys.modules:
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        import openvino  # noqa: F401


@contextmanager
def without_glyph_warnings() -> Iterator[None]:
    """Let matplotlib draw a box, in silence, for a letter that its font lacks."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield
