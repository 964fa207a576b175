"""Export of a model to another runtime, with a proof that its predictions are the same.

The exported model takes uint8 pixels and returns calibrated probabilities: scaling, normalization
and temperature are inside. Augmentation, dropout and the optimizer are not. `export` loads the file
on its own runtime and compares it with Keras on the whole test split, or on the validation images
of data without a test split. It removes a file that differs by more than the format's limits.
"""

import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ankleboot import __version__
from ankleboot.core import plugins
from ankleboot.core.errors import AnklebootError, ModelError, UsageError, first_line
from ankleboot.core.files import total_bytes
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.temporary import moved_to
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.evaluation.select_split import (
    DataSource,
    dataset_for,
    judged_images,
    training_images,
)
from ankleboot.evaluation.test_set_usage import count_evaluation
from ankleboot.export.deployable import DeployableModel, calibration_images
from ankleboot.export.parity import Latency, ParityResult, check_parity, measure_latency
from ankleboot.inference.ensemble import EnsemblePredictor
from ankleboot.inference.formats import ExportFormat
from ankleboot.inference.load import Model, ResolvedModel, load_predictor, resolve_model
from ankleboot.inference.predictor import Predictor
from ankleboot.models.files import examined
from ankleboot.models.pretrained import catalog

KNOWN_SUFFIXES = (".tflite", ".onnx", ".keras")


@dataclass(frozen=True)
class ExportResult:
    """An exported file or folder, its differences from Keras, its latency and its cost.

    Attributes:
        parameters: Number of parameters, of all members of an ensemble.
        passes: Passes of a network for each image: the members of an ensemble.
        weights: Type of the weights: float32, float16 or int8.
    """

    path: Path
    format: str
    bytes: int
    parity: ParityResult
    latency_ms: Latency
    parameters: int
    passes: int
    weights: str

    def to_json(self) -> dict[str, Any]:
        """Return the document of `export --json`."""
        return asdict(self) | {"path": str(self.path)}


def export_model(
    model: Model, format: str, path: AnyPath | None = None, data: DataSource = None
) -> ExportResult:
    """Write a model in another format, and keep the file only if its predictions are the same.

        ankleboot.export_model("runs/first", "litert", "model.tflite")

    Args:
        model: A run, a `.keras` file, "pretrained", or an ensemble of these. An adopted `.tflite`
            or `.onnx` file has no network to convert: it is copied, in its own format.
        format: Name of the format, or "package.module:attribute".
        path: File or folder to write, which must not exist; by default in the folder exports of
            the run, or of the working directory.
        data: Data whose training images calibrate int8, and whose test split (or validation
            images, or all images of data that are new to the model) serves for the comparison; None
            for the data the model was trained on.

    Raises:
        UsageError: If the format is unknown or holds no ensemble, `path` exists, or Keras runs on
            another backend.
        ModelError: If the model cannot be loaded, or the file exceeds the format's limits.
        EnvironmentFailure: If the disk is full, or a download for the web page fails.
    """
    export_format: ExportFormat = plugins.resolve("formats", format)
    resolved = resolve_model(model)
    target = expand(path) if path is not None else _default_path(resolved, export_format)
    _check_target(target, format, export_format)
    _check_members(resolved, format, export_format)
    reference = _load_reference(resolved, format)
    dataset = dataset_for(resolved, data)
    judged = judged_images([resolved], dataset, "test" if len(dataset.test) else "validation")
    images, split = judged.of(dataset), judged.split
    deployable = _deployable(resolved, reference, dataset, split, format)
    task = _Export(resolved, reference, deployable, images, split, format, target)
    try:
        return task.write(export_format)
    except ModelError:
        if export_format.fallback is None:
            raise
        return task.write(export_format.fallback)


@dataclass(frozen=True)
class _Export:
    """A model, the images of the comparison, and the target of a file that passes it."""

    model: ResolvedModel
    reference: Predictor
    deployable: DeployableModel | None
    images: LabeledImages
    split: str
    format: str
    target: Path

    def write(self, export_format: ExportFormat) -> ExportResult:
        """Write and verify the file.

        Raises:
            ModelError: If it cannot be converted or exceeds the format's limits.
        """
        name, limits = f"{self.format} of {self.model.name}", export_format.limits
        with moved_to(self.target) as written:
            if self.deployable is None:  # an adopted file, whose convention is sealed into it
                shutil.copyfile(self.reference.name, written)
            else:
                _write(self.deployable, export_format, written, name)
            candidate = load_predictor(written, trust=True)
            if limits.max_accuracy_loss is not None and self.split == "test":
                count_evaluation(self.model, "test")  # the comparison uses the labels
            parity = check_parity(
                self.reference, candidate, self.images, limits, name=name, split=self.split
            )
            latency = measure_latency(candidate, self.images.images)
            # another process may have written it
            _check_target(self.target, self.format, export_format)
        examined.remember(self.target)
        info = candidate.info
        return ExportResult(
            path=self.target,
            format=self.format,
            bytes=total_bytes(self.target),
            parity=parity,
            latency_ms=latency,
            parameters=info.parameters,
            passes=info.passes,
            weights=export_format.weights,
        )


def _default_path(model: ResolvedModel, export_format: ExportFormat) -> Path:
    folder = model.run.folder if model.run and not model.is_shipped else Path()
    return folder / "exports" / export_format.file_name


def _check_target(path: Path, name: str, export_format: ExportFormat) -> None:
    """Refuse a path that exists, or has the suffix of another format."""
    suffix = export_format.suffix
    if path.suffix != suffix and (suffix or path.suffix in KNOWN_SUFFIXES):
        kind = f"a file that ends in {suffix}" if suffix else "a folder"
        raise UsageError(f"--output {path}: {name} is {kind}")
    if path.exists():
        raise UsageError(f"{path} exists already; choose another path with --output")


def _check_members(model: ResolvedModel, name: str, export_format: ExportFormat) -> None:
    """Refuse an ensemble in a format of one network, or of models without a Keras network."""
    if model.members and not export_format.holds_ensembles:
        raise UsageError(
            f"--format {name} holds one network, no ensemble of {len(model.members)}; take a "
            "format such as litert or onnx"
        )
    for member in model.members:
        if member.network is None:
            raise ModelError(f"{member.name}: expected a run folder or a .keras file to export")


def _load_reference(model: ResolvedModel, format: str) -> Predictor:
    """Load the model that the exported file has to match, and refuse what cannot be converted."""
    if model.members or model.network is not None:
        import keras

        if keras.backend.backend() != "tensorflow":
            raise UsageError("export needs Keras on TensorFlow; unset ANKLEBOOT_BACKEND")
    if isinstance(model.predictor, EnsemblePredictor):
        from ankleboot.export.ensemble import reference_of  # imports Keras

        return reference_of(model.predictor)
    info = model.reference.info
    if model.network is not None:
        return model.reference
    if not info.convention:
        raise ModelError(f"{model.name}: expected a run folder or a .keras file to export")
    if info.format != format:
        raise ModelError(
            f"{model.name}: {info.adopted} cannot be converted, since it has no Keras network; "
            f"expected --format {info.format}, got {format}"
        )
    return model.reference


def _deployable(
    model: ResolvedModel, reference: Predictor, data: Dataset, split: str, format: str
) -> DeployableModel | None:
    """Return the network to convert; None for an adopted file, which has none."""
    network = model.network
    if isinstance(reference, EnsemblePredictor):
        from ankleboot.export.ensemble import network_of

        network = network_of(reference)
    if network is None:
        return None
    info = replace(reference.info, format=format, version=__version__)
    train = data.train
    # neither the images of the comparison nor a held-out fold may set the ranges
    if split != "test" or info.folds:
        train = training_images(model, data, split)
    photo = catalog.photo_model(model.name)
    return DeployableModel(network, info, calibration_images(train.images), photo)


def _write(model: DeployableModel, export_format: ExportFormat, path: Path, name: str) -> None:
    try:
        export_format.write(model, path)
    except (AnklebootError, OSError, ModuleNotFoundError):
        raise
    except Exception as error:  # converters raise many types for what they do not support
        raise ModelError(f"{name} cannot be converted ({first_line(error)})") from error
