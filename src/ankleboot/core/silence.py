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

from ankleboot.core.garbage import collections_paused, skip_collections_at_exit
from ankleboot.core.tensorflow_settings import is_own_process, set_up_tensorflow
from ankleboot.core.text import escape_lines

UNUSED = ("matplotlib.pyplot", "sklearn")
"""Modules that Keras imports for plots and wrappers of its own, if they are installed: a second."""

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
    """Import Keras and its backend without the banners of TensorFlow.

    A process of this package needs no `UNUSED`, and no collections at its end; others may.
    """
    if "keras" in sys.modules:
        return
    set_up_tensorflow()
    absent = UNUSED if is_own_process() else ()
    with silenced(), collections_paused(), _kept_out(absent):
        import keras  # noqa: F401
    if is_own_process():
        skip_collections_at_exit()


@contextmanager
def _kept_out(names: tuple[str, ...]) -> Iterator[None]:
    """Let imports of modules fail that are not imported yet, as if they were not installed."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


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
