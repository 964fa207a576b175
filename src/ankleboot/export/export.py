"""One model in the formats of other runtimes, each proven to give the same answers.

    exported = export(Path("runs/first"), "litert", Path("model.tflite"), load())

Pixels go in as they are stored (uint8), calibrated probabilities come out: scaling, normalisation
and temperature are inside the graph. Nothing that belongs to training travels. What was written is
loaded again by its own runtime and must answer as Keras does on the whole test split (on the
validation images where there is none), or it is removed (`parity.py`).
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import keras

from ankleboot import __version__
from ankleboot.core.errors import AnklebootError, ModelError, UsageError, first_line
from ankleboot.core.files import make_folder, write_failure
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation import test_set_usage
from ankleboot.evaluation.evaluate import recipe_of, select_split
from ankleboot.export import litert, offline_app, onnx, openvino, parity, playground, saved_model
from ankleboot.export.deployable import DeployableModel, calibration_images
from ankleboot.export.parity import Latency, ParityResult
from ankleboot.inference.keras import KerasPredictor
from ankleboot.inference.load import load_predictor
from ankleboot.models.pretrained import catalog


@dataclass(frozen=True)
class ExportFormat:
    """One way to write a model.

    Attributes:
        file_name: What it is called where the user names nothing; a folder if without suffix.
        write: Writes network to path (a file, or a folder that does not exist yet), sealed.
        limits: How far its answers may be from those of Keras.
    """

    file_name: str
    write: Callable[[DeployableModel, Path], None]
    limits: parity.ParityLimits


FORMATS: Mapping[str, ExportFormat] = MappingProxyType(
    {
        "litert": ExportFormat("model.tflite", litert.write, parity.FLOAT32),
        "litert-fp16": ExportFormat("model-fp16.tflite", litert.write_float16, parity.FLOAT16),
        "litert-int8": ExportFormat("model-int8.tflite", litert.write_int8, parity.INT8),
        "onnx": ExportFormat("model.onnx", onnx.write, parity.FLOAT32),
        "onnx-int8": ExportFormat("model-int8.onnx", onnx.write_int8, parity.INT8),
        "openvino": ExportFormat("openvino", openvino.write, parity.FLOAT32),
        "saved-model": ExportFormat("saved-model", saved_model.write, parity.FLOAT32),
        "web": ExportFormat("web", offline_app.write, parity.FLOAT32),
        "playground": ExportFormat("playground", playground.write, parity.FLOAT32),
    }
)


@dataclass(frozen=True)
class ExportResult:
    """What `export` wrote and measured."""

    path: Path
    format: str
    bytes: int
    parity: ParityResult
    latency_ms: Latency

    def to_json(self) -> dict[str, Any]:
        """The document of `export --json`."""
        return {
            "path": str(self.path),
            "format": self.format,
            "bytes": self.bytes,
            "parity": self.parity.to_json(),
            "latency_ms": self.latency_ms.to_json(),
        }


def export(model: Path, format: str, path: Path, data: Dataset) -> ExportResult:
    """Write a model in another format, and keep the file only if its answers are the same.

    Args:
        model: A run folder, a `.keras` file or "pretrained".
        format: A key of `FORMATS`.
        path: The file or folder to make; it must not exist.
        data: Its training images calibrate int8, its test images (validation images where there
            are none) are what answers are compared on.

    Raises:
        UsageError: If the format is unknown, `path` exists, or Keras runs on another backend.
        ModelError: If the model cannot be loaded, or answers differ beyond the format's limits.
        EnvironmentFailure: If the disk is full, or a download that the web page needs fails.
    """
    if format not in FORMATS:
        raise UsageError(f"unknown format {format!r}; valid: {', '.join(FORMATS)}")
    check_target(path, format)
    if keras.backend.backend() != "tensorflow":
        raise UsageError("exporting needs Keras on TensorFlow: unset ANKLEBOOT_BACKEND")
    reference = load_predictor(catalog.resolve(model))
    if not isinstance(reference, KerasPredictor):
        raise ModelError(f"{model}: export begins with a run folder or a .keras file")
    info = replace(reference.info, format=format, version=__version__)
    gate = "test" if len(data.test) else "validation"
    part, known = select_split(data, gate, info), data.train
    if gate == "validation":  # what the gate sees must not have set the ranges
        known = known.take(data.split(recipe_of(info)).train)
    photo = catalog.photo_model(model)
    network = DeployableModel(reference.model, info, calibration_images(known.images), photo)
    limits, what = FORMATS[format].limits, f"{format} of {model}"
    make_folder(path.parent)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            written = Path(folder) / path.name
            _write(network, format, written, what)
            predictor = load_predictor(written)
            if limits.max_accuracy_loss is not None and gate == "test":
                test_set_usage.record_test_evaluation(model, info)  # the gate asks for labels
            measured = replace(
                parity.check_parity(reference, predictor, part, limits, what), split=gate
            )
            latency = parity.measure_latency(predictor, part.images)
            check_target(path, format)  # somebody else may have come first
            written.rename(path)  # what failed is removed with the folder
    except OSError as error:
        raise write_failure(path, error, None) from error
    return ExportResult(path, format, total_bytes(path), measured, latency)


def check_target(path: Path, format: str) -> None:
    """Refuse a place that is taken, or a name that says another format.

    Raises:
        UsageError: Naming what would do.
    """
    wanted = Path(FORMATS[format].file_name).suffix
    if path.suffix != wanted and (wanted or path.suffix in (".tflite", ".onnx", ".keras")):
        kind = f"a file that ends in {wanted}" if wanted else "a folder"
        raise UsageError(f"--output {path}: {format} is {kind}")
    if path.exists():
        raise UsageError(f"{path} exists already; name another place with --output")


def _write(network: DeployableModel, format: str, path: Path, what: str) -> None:
    try:
        FORMATS[format].write(network, path)
    except (AnklebootError, OSError, ModuleNotFoundError):
        raise
    except Exception as error:  # converters raise many types for what they do not know
        raise ModelError(f"{what} cannot be converted ({first_line(error)})") from error


def total_bytes(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
