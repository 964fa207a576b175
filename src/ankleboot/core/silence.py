"""Suppression of the banners and telemetry of other libraries."""

import io
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import IO

from ankleboot.core.tensorflow_settings import set_up_tensorflow
from ankleboot.core.text import escape_lines

_LOCK = threading.RLock()  # the redirection is global to the process


@contextmanager
def silenced(*, show_failures: bool = True) -> Iterator[None]:
    """Discard what libraries print; show their stderr if the block fails.

    Libraries write to the file descriptor before they read any setting, so the descriptor is
    redirected, for all threads of the process. One thread at a time can do this.
    """
    with _LOCK:
        try:
            stderr = os.dup(2)
        except OSError:  # stderr is closed
            yield
            return
        try:
            with _capture_file() as captured:
                sys.stderr.flush()
                os.dup2(captured.fileno(), 2)
                try:
                    # stdout is reserved for the result of the command
                    with redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
                        yield
                except Exception:  # an interrupt is no failure of the block
                    captured.seek(0)
                    if show_failures:
                        text = captured.read().decode(errors="backslashreplace")
                        os.write(stderr, escape_lines(text).encode())
                    raise
                finally:
                    os.dup2(stderr, 2)
        finally:
            os.close(stderr)


def _capture_file() -> IO[bytes]:
    """Open a file for what is suppressed, which needs no folder where memory can hold it."""
    if hasattr(os, "memfd_create"):  # Linux
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    try:
        return tempfile.TemporaryFile()
    except OSError:  # no folder can be written
        return open(os.devnull, "w+b")


def import_keras() -> None:
    """Import Keras and its backend without the banners of TensorFlow."""
    if "keras" not in sys.modules:
        set_up_tensorflow()
        with silenced():
            import keras  # noqa: F401


def import_openvino() -> None:
    """Import OpenVINO without its telemetry, which reports every import and conversion."""
    if "openvino" not in sys.modules:
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        import openvino  # noqa: F401


@contextmanager
def without_glyph_warnings() -> Iterator[None]:
    """Suppress the warnings of matplotlib about characters that its font lacks."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield
