"""Loading of a model on its runtime, whatever its format.

Evaluation, export and prediction use `Predictor` alone, so that a Keras model, a file of another
runtime and a fake of a test are interchangeable. A runtime is imported when a model needs it.
"""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ankleboot.core import plugins
from ankleboot.core.errors import ForeignModelError, ModelError, UsageError
from ankleboot.core.paths import AnyPath, expand
from ankleboot.inference.ensemble import EnsemblePredictor
from ankleboot.inference.formats import ExportFormat
from ankleboot.inference.predictor import Predictor
from ankleboot.models.files.checksums import format_of_folder
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import Run, find_run

FORMAT_OF_SUFFIX = {".tflite": "litert", ".onnx": "onnx"}
FOREIGN_SUFFIXES = (".h5", ".hdf5")
SAVED_MODEL_FILE = "saved_model.pb"  # in a folder without our metadata


@dataclass(frozen=True)
class ResolvedModel:
    """A model that a user named, its path and its run; loaded at the first use.

    Attributes:
        name: Path or name, as the user wrote it.
        path: Path to the run folder, exported folder or file; None for a predictor without one.
        run: Run whose folder `path` is or lies in; None if there is none.
        notes: What was assumed about a foreign file that was not adopted, for the user.
        members: Models of an ensemble; empty for a single model.
    """

    name: str
    path: Path | None
    run: Run | None
    load: Callable[[], Predictor]
    notes: tuple[str, ...] = ()
    members: tuple["ResolvedModel", ...] = ()

    @cached_property
    def predictor(self) -> Predictor:
        """The model on its runtime."""
        return self.load()

    @property
    def info(self) -> ModelMetadata:
        """Labels, image spec and data; those of a run folder are read without its runtime."""
        if self.run is not None and self.path == self.run.folder:
            return self.run.metadata()
        return self.predictor.info

    @cached_property
    def reference(self) -> Predictor:
        """The model as it was trained; shipped ones predict with an export, which loads faster."""
        from ankleboot.inference.keras import KerasPredictor

        if self.run and self.is_shipped and not isinstance(self.predictor, KerasPredictor):
            return load_predictor(self.run.folder)
        return self.predictor

    @property
    def network(self) -> Any:
        """Keras network of the reference: gradients, layers, conversion to other formats.

        None if the model gives predictions alone, as files of other runtimes do.
        """
        from ankleboot.inference.keras import KerasPredictor

        return self.reference.model if isinstance(self.reference, KerasPredictor) else None

    @property
    def is_shipped(self) -> bool:
        """True if the model ships with the package; nothing is written to its folder."""
        return self.run is not None and catalog.is_shipped(self.run.folder)


Model = Run | Predictor | ResolvedModel | AnyPath
"""A run, a predictor, a path, or the name of a shipped model."""


def resolve_model(model: Model, *, trust: bool = False) -> ResolvedModel:
    """Find the path and the run of a model.

    Raises:
        ModelError: If there is no such model.
    """
    if isinstance(model, ResolvedModel):
        return model
    if isinstance(model, EnsemblePredictor):
        return ResolvedModel(model.name, None, None, lambda: model, members=model.members)
    if isinstance(model, Predictor):
        path = Path(model.name) if Path(model.name).exists() else None
        return ResolvedModel(model.name, path, find_run(path) if path else None, lambda: model)
    name = model.folder if isinstance(model, Run) else model
    path = catalog.shipped_folder(name) or expand(name)
    if not path.exists():
        raise catalog.missing_model(name)
    load = partial(load_predictor, name, trust=trust)
    return ResolvedModel(str(name), path, find_run(path), load)


def load_predictor(
    path_or_name: AnyPath, *, num_threads: int = 1, trust: bool = False
) -> Predictor:
    """Load a model after verifying its checksum.

        predictor = ankleboot.load_predictor("pretrained")     # needs no TensorFlow
        predictor.predict(images)                              # (n, 28, 28) uint8 -> (n, 10)

    A file that this machine neither wrote nor has examined before is scanned, and loaded in a
    process with limits first; see docs/deploy.md.

    Args:
        path_or_name: A run folder, a model file, an exported folder, or the name of a shipped
            model: "pretrained", "pocket", "photo" or "zero-shot".
        num_threads: Threads of one call of `predict`, on runtimes that have a choice.
        trust: Whether the model comes from a trusted source: it is not examined, and an exported
            folder may import its format from outside the package.

    Raises:
        ModelError: If there is no such model, its run is incomplete, or its file is damaged or
            unsafe.
    """
    folder = catalog.shipped_folder(path_or_name)
    if folder == catalog.FOLDERS[catalog.ZERO_SHOT]:
        from ankleboot.inference.zero_shot import load_zero_shot

        return load_zero_shot(num_threads)
    if folder:
        return load_path(folder / catalog.MODEL_FILE, num_threads)
    path = model_path(expand(path_or_name))
    if not trust:
        from ankleboot.inference.admission import admit

        admit(path)
    return load_path(path, num_threads, trust=trust)


def model_path(path: Path) -> Path:
    """Return the model file of a run folder; other paths as they are.

    Raises:
        ModelError: If there is nothing, the run is incomplete, or its model file is not the one
            that it wrote.
    """
    if not path.exists():
        raise catalog.missing_model(path)
    if path.is_dir() and not format_of_folder(path):
        if (path / SAVED_MODEL_FILE).is_file():
            raise _foreign(path)
        return Run(path).check_model()
    run = find_run(path) if path.suffix == ".keras" else None
    if run and path == run.model_path and run.is_complete:
        return run.check_model()
    return path


def load_path(path: Path, num_threads: int, *, trust: bool = False) -> Predictor:
    """Load a model file or an exported folder that this machine knows.

    Raises:
        ModelError: If it is damaged or no model.
    """
    format_name = FORMAT_OF_SUFFIX.get(path.suffix) or format_of_folder(path)
    if not format_name:
        return _load_keras(path)
    if path.suffix in FORMAT_OF_SUFFIX and not catalog.is_shipped(path.parent):
        from ankleboot.inference.adopted import load_adopted

        if adopted := load_adopted(path, num_threads):
            return adopted
    try:
        export_format: ExportFormat = plugins.resolve("formats", format_name, trust=trust)
    except (UsageError, ModelError) as error:
        raise ModelError(f"{path}: {error}") from error
    return export_format.load(path, num_threads)


def _load_keras(path: Path) -> Predictor:
    from ankleboot.inference.keras import KerasPredictor

    if path.suffix in FOREIGN_SUFFIXES:
        raise _foreign(path)
    if path.suffix != ".keras":
        expected = "a run folder, a .keras, .tflite or .onnx file, or an exported folder"
        raise ModelError(f"{path}: expected {expected}")
    run = find_run(path)
    is_result = run is not None and path == run.model_path and run.is_complete
    return KerasPredictor(path, run if is_result else None)


def _foreign(path: Path) -> ForeignModelError:
    return ForeignModelError(
        f"{path}: made by another tool; take it in with ankleboot adopt {shlex.quote(str(path))}"
    )
