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

from ankleboot import pretrained
from ankleboot.arrays import Images, Probs
from ankleboot.errors import ModelError
from ankleboot.model_info import ModelInfo
from ankleboot.runs import Run, run_of
from ankleboot.sealed import INFO_NAME, open_folder


@runtime_checkable
class Predictor(Protocol):
    """Images in, calibrated probabilities out; everything between is its own business."""

    name: str
    info: ModelInfo

    def predict(self, images: Images) -> Probs:
        """Return one row of probabilities per image, in order."""


STREET_WEIGHT = 2.0  # of the network made for photographs, beside the usual one (docs/photos.md)
KINDS = "a run folder, a .keras, .tflite or .onnx file, or an exported folder"


def load_predictor(path: Path, *, num_threads: int = 1) -> Predictor:
    """Load a model after checking its hash.

    Args:
        path: A run folder, a model file, an exported folder, or a shipped model's name:
            "pretrained", "photo" or "zero-shot".
        num_threads: For one call of `predict`, where the runtime can be told.

    Raises:
        ModelError: If there is none, the run is not complete, or the file is damaged or refused.
    """
    if str(path) == pretrained.ZERO_SHOT and not path.exists():
        return _zero_shot(num_threads)
    path = pretrained.resolve(path, pretrained.LITERT)
    if not path.exists():
        raise ModelError(f"{path}: no such model file or run folder")
    if path.suffix == ".tflite":
        from ankleboot.predictors.litert import LiteRTPredictor

        return LiteRTPredictor(path, num_threads=num_threads)
    if path.suffix == ".onnx":
        from ankleboot.predictors.onnx import OnnxPredictor

        return OnnxPredictor(path, num_threads=num_threads)
    if (path / INFO_NAME).is_file():
        return _from_folder(path, num_threads)

    from ankleboot.predictors.keras import KerasPredictor

    if path.is_dir():
        run: Run | None = Run(path)
        path = Run(path).check_model()
    elif path.suffix != ".keras":
        raise ModelError(f"{path}: expected {KINDS}")
    elif (run := run_of(path)) is not None and path.name == run.model_path.name and run.is_complete:
        run.check_model()
    else:
        run = None
    return KerasPredictor(path, run)


def _zero_shot(num_threads: int) -> Predictor:
    from ankleboot.predictors.litert import LiteRTPredictor
    from ankleboot.predictors.views import ViewsPredictor

    folder = pretrained.NAMES[pretrained.ZERO_SHOT]
    paths = (pretrained.FOLDER / pretrained.LITERT, folder / pretrained.LITERT)
    usual, street = (LiteRTPredictor(path, num_threads=num_threads) for path in paths)
    fitted = Run(folder).calibration()
    info = replace(
        street.info,
        recipe=pretrained.ZERO_SHOT,
        parameters=usual.info.parameters + street.info.parameters,
        temperature=fitted.temperature if fitted else 1.0,
        abstain_below=fitted.abstain_below if fitted else 0.0,
    )
    return ViewsPredictor([(usual, 1.0), (street, STREET_WEIGHT)], info)


def _from_folder(folder: Path, num_threads: int) -> Predictor:
    info = open_folder(folder)
    if info.format == "openvino":
        from ankleboot.predictors.openvino import OpenVINOPredictor

        return OpenVINOPredictor(folder, info, num_threads=num_threads)
    if info.format == "saved-model":
        from ankleboot.predictors.saved_model import SavedModelPredictor

        return SavedModelPredictor(folder, info)
    if info.format == "playground":
        from ankleboot.predictors.chain import ChainPredictor

        return ChainPredictor(folder, info)
    if info.format == "web":
        return load_predictor(folder / "model.tflite", num_threads=num_threads)
    raise ModelError(f"{folder}: {info.format!r} is no format that can be run; expected {KINDS}")
