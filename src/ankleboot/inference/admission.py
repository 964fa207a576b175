"""Admission of model files that this machine does not know.

A checksum is no signature: a stranger can seal any file. So `load_predictor` verifies, scans and
loads such a file in a process with limits and without network first (`inference/trial.py`), which
predicts a few images. If that ends well, the hash of the file is remembered, and the file is loaded
here. Shipped models are known, and so is what this machine trained, exported or adopted.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ankleboot.core.errors import (
    ModelError,
    ProcessKilledError,
    error_type,
)
from ankleboot.core.subprocesses import run_isolated
from ankleboot.inference.keras import metadata_of
from ankleboot.models.files import examined
from ankleboot.models.files.checksums import (
    read_verified_folder,
    read_verified_onnx,
    read_verified_tflite,
)
from ankleboot.models.pretrained import catalog

TRIAL = "ankleboot.inference.trial"
WALL_S = 600.0  # a busy machine imports TensorFlow for minutes; processor time is limited too
READERS: Mapping[str, Callable[[Path], object]] = {
    ".keras": metadata_of,
    ".tflite": read_verified_tflite,
    ".onnx": read_verified_onnx,
}


def admit(path: Path) -> None:
    """Examine a model file or an exported folder, unless this machine knows it.

    Raises:
        ModelError: If it is damaged or unsafe, or ends the process that loads it.
        ForeignModelError: If another tool made it.
    """
    if catalog.is_shipped(path.parent) or (not path.is_dir() and path.suffix not in READERS):
        return
    key = examined.key_of(path)
    if examined.is_known(key):
        return
    read = read_verified_folder if path.is_dir() else READERS[path.suffix]
    read(path)
    _try_out(path)
    if examined.key_of(path) != key:
        raise ModelError(f"{path}: changed while it was examined")
    examined.remember_key(key)


def _try_out(path: Path) -> None:
    """Load a file in a process of its own."""
    try:
        result: dict[str, Any] = run_isolated(TRIAL, str(path.absolute()), wall_s=WALL_S)
    except ProcessKilledError as error:
        reason = str(error).removeprefix(f"{TRIAL}: ")
        raise ModelError(f"{path}: the process that tried it out failed ({reason})") from error
    if "error" in result:
        message = str(result["error"]).removeprefix(f"{path.absolute()}: ")
        raise error_type(result["exit_code"])(f"{path}: {message}")
    if "missing" in result:
        raise ModuleNotFoundError(f"{result['missing']} is not installed", name=result["missing"])
