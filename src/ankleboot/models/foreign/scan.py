"""Scan of a model before anything loads it.

A model file can be a program: a Lambda layer, a class of another module, a link to another file, an
array that declares more bytes than the machine has. The scan reads names, sizes, operations and the
configuration, and refuses everything that is not on a list of what image classifiers need.
`adopt` scans every foreign file, and `inference/admission.py` every file that this machine does not
know.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from ankleboot.core.errors import ModelError
from ankleboot.models.files.checksums import model_files
from ankleboot.models.foreign.kinds import SAVED_MODEL_FILE
from ankleboot.models.foreign.layers import INPUT_SHAPES
from ankleboot.models.foreign.scanners import keras, onnx, openvino, tflite
from ankleboot.models.foreign.scanners.limits import MAX_BYTES

SAVED_MODEL_FILES = ("saved_model.pb", "fingerprint.pb", "keras_metadata.pb", "ankleboot.json")
VARIABLES = "variables"
KIND_OF_SUFFIX = {".keras": "keras", ".tflite": "tflite", ".onnx": "onnx"}


def scan(path: Path, kind: str) -> keras.Weights | None:
    """Scan a model file or folder; return what a file of Keras declares.

    Raises:
        ModelError: If it is damaged, too large, or asks for anything that is not allowed.
    """
    scanners: Mapping[str, Callable[[Path], object]] = {
        "keras": keras.scan_keras,
        "h5": keras.scan_h5,
        "saved-model": _scan_saved_model,
        "tflite": tflite.scan_tflite,
        "onnx": onnx.scan_onnx,
        "folder": scan_folder,
    }
    try:
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise ModelError(f"larger than the allowed {MAX_BYTES >> 20} MiB")
        found = scanners[kind](path)
    except RecursionError as error:
        raise ModelError(f"{path}: nested too deeply") from error
    except ModelError as error:
        raise ModelError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error
    return found if isinstance(found, keras.Weights) else None


def scan_folder(folder: Path) -> None:
    """Scan an exported folder and the models in it."""
    files = model_files(folder)
    if folder / SAVED_MODEL_FILE in files:
        _scan_saved_model(folder)
    for path in files:
        if kind := KIND_OF_SUFFIX.get(path.suffix):
            scan(path, kind)
        elif path.name == openvino.NETWORK:
            openvino.scan_openvino(path.parent)


def _scan_saved_model(folder: Path) -> None:
    """Scan the files of a SavedModel; its graph is checked by `saved_model.py`.

    TensorFlow prefers a `saved_model.cpb`, if there is one, to the file that is checked.
    """
    for path in model_files(folder):
        is_known = path.parent == folder and path.name in SAVED_MODEL_FILES
        if not is_known and path.parent != folder / VARIABLES:
            raise ModelError(f"{folder}: holds {path.name!r}, which no image classifier has")


def input_shape(path: Path, kind: str) -> tuple[int, ...] | None:
    """Read the input shape from the configuration of a scanned Keras file, without the batch axis.

    Sizes that are open are 0; None if the file is of another kind, or does not state the shape.
    """
    config = keras.read_config(path, kind)
    while isinstance(config, dict) and isinstance(config.get("config"), dict):
        arguments = config["config"]
        for key in INPUT_SHAPES:
            shape = arguments.get(key)
            if isinstance(shape, list) and all(isinstance(n, int | None) for n in shape):
                return tuple(size or 0 for size in shape[1:])
        layers = arguments.get("layers")
        config = layers[0] if isinstance(layers, list) and layers else {}
    return None
