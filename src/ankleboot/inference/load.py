"""The one seam: a Predictor turns images into probabilities, whatever stands behind it.

Evaluation, export, prediction and all that follows see only this, so that a Keras model, a file of
another runtime and a test's fake are interchangeable.

    predictor = load_predictor(Path("pretrained"))     # the shipped model; no TensorFlow
    predictor.predict(images)                          # (n, 28, 28) uint8 -> (n, 10)

Its `info` tells the classes and what images it takes; `photos.prepare` makes them.

One file per runtime, imported when it is needed. A predictor may be used from many threads at once.
"""

from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Images, Probs
from ankleboot.models.files.checksums import INFO_NAME, read_verified_folder
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import Run, find_run


@runtime_checkable
class Predictor(Protocol):
    """Images in, calibrated probabilities out; everything between is its own business."""

    name: str
    info: ModelMetadata

    def predict(self, images: Images) -> Probs:
        """Return one row of probabilities per image, in order."""


SIMULATED_MODEL_WEIGHT = (
    2.0  # of the network made for photographs, beside the usual one (docs/photos.md)
)
ACCEPTED_MODELS = "a run folder, a .keras, .tflite or .onnx file, or an exported folder"


def load_predictor(path: Path, *, num_threads: int = 1) -> Predictor:
    """Load a model after checking its hash.

    Args:
        path: A run folder, a model file, an exported folder, or a shipped model's name:
            "pretrained", "photo" or "zero-shot".
        num_threads: For one call of `predict`, where the runtime can be told.

    Raises:
        ModelError: If there is none, the run is not complete, or the file is damaged or refused.
    """
    if str(path) == catalog.ZERO_SHOT and not path.exists():
        return _zero_shot(num_threads)
    path = catalog.resolve(path, catalog.LITERT)
    if not path.exists():
        raise ModelError(f"{path}: no such model file or run folder")
    if path.suffix == ".tflite":
        from ankleboot.inference.litert import LiteRTPredictor

        return LiteRTPredictor(path, num_threads=num_threads)
    if path.suffix == ".onnx":
        from ankleboot.inference.onnx import OnnxPredictor

        return OnnxPredictor(path, num_threads=num_threads)
    if (path / INFO_NAME).is_file():
        return _from_folder(path, num_threads)

    from ankleboot.inference.keras import KerasPredictor

    if path.is_dir():
        run: Run | None = Run(path)
        path = Run(path).check_model()
    elif path.suffix != ".keras":
        raise ModelError(f"{path}: expected {ACCEPTED_MODELS}")
    elif (
        (run := find_run(path)) is not None and path.name == run.model_path.name and run.is_complete
    ):
        run.check_model()
    else:
        run = None
    return KerasPredictor(path, run)


def _zero_shot(num_threads: int) -> Predictor:
    from ankleboot.inference.ensemble import EnsemblePredictor
    from ankleboot.inference.litert import LiteRTPredictor

    folder = catalog.NAMES[catalog.ZERO_SHOT]
    paths = (catalog.FOLDER / catalog.LITERT, folder / catalog.LITERT)
    usual, simulated = (LiteRTPredictor(path, num_threads=num_threads) for path in paths)
    fitted = Run(folder).calibration()
    info = replace(
        simulated.info,
        recipe=catalog.ZERO_SHOT,
        parameters=usual.info.parameters + simulated.info.parameters,
        temperature=fitted.temperature if fitted else 1.0,
        abstain_below=fitted.abstain_below if fitted else 0.0,
    )
    return EnsemblePredictor([(usual, 1.0), (simulated, SIMULATED_MODEL_WEIGHT)], info)


def _from_folder(folder: Path, num_threads: int) -> Predictor:
    info = read_verified_folder(folder)
    if info.format == "openvino":
        from ankleboot.inference.openvino import OpenVINOPredictor

        return OpenVINOPredictor(folder, info, num_threads=num_threads)
    if info.format == "saved-model":
        from ankleboot.inference.saved_model import SavedModelPredictor

        return SavedModelPredictor(folder, info)
    if info.format == "playground":
        from ankleboot.inference.numpy_network import NumpyPredictor

        return NumpyPredictor(folder, info)
    if info.format == "web":
        return load_predictor(folder / "model.tflite", num_threads=num_threads)
    raise ModelError(
        f"{folder}: {info.format!r} is no format that can be run; expected {ACCEPTED_MODELS}"
    )
