"""Model store: copies of the served models, which stay unchanged while the server runs.

A worker that starts later must load the same file as the others, even if the user has replaced it.
"""

import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from itertools import chain, count
from pathlib import Path

from ankleboot.core.errors import EnvironmentFailure, ModelError, UsageError
from ankleboot.core.splits import EVALUATION_FILES, SPLITS
from ankleboot.core.subprocesses import run_to_end
from ankleboot.core.temporary import temp_folder
from ankleboot.models.pretrained import catalog

SERVABLE_SUFFIXES = (".tflite", ".onnx")
EXPORTS = (
    *("model.tflite", "model.onnx", "openvino"),
    *("model-fp16.tflite", "model-int8.tflite", "model-int8.onnx"),
)
"""Files in a run's folder exports that the server runs, the most exact first."""

SIDE_FILES = ("README.md", "result.json", *(EVALUATION_FILES[split] for split in SPLITS))
"""Files of a run that describe its model; the store copies them with it."""


class ModelStore:
    """Models in a temporary folder.

    Args:
        models: Names of shipped models and paths, as the command takes them.
        on_message: Called with a line before a slow step.
        trust: Whether the export of a run may import code from outside the package.

    Raises:
        ModelError: If a model is missing, or only TensorFlow runs its format.
        EnvironmentFailure: If a file cannot be copied or exported.
    """

    def __init__(
        self, models: Sequence[str], on_message: Callable[[str], None], *, trust: bool = False
    ) -> None:
        self._on_message, self._trust = on_message, trust
        self._cleanup = ExitStack()
        self._folder: Path | None = None
        self.paths: dict[str, str] = {}  # by the names in requests
        try:
            for model in models:
                self._add(model)
        except BaseException as error:
            self.remove()
            if isinstance(error, OSError):
                raise EnvironmentFailure(f"{error.filename}: {error.strerror}") from error
            raise

    def remove(self) -> None:
        """Delete the copies."""
        self._cleanup.close()

    def _add(self, model: str) -> None:
        if catalog.shipped_folder(model) is not None:
            if model in self.paths:
                raise UsageError(f"--model {model} is given twice; give it once")
            self.paths[model] = model
            return
        source = Path(model)
        if not source.exists():
            raise catalog.missing_model(model)
        stem = source.resolve().stem
        names = chain([stem], (f"{stem}-{number}" for number in count(2)))
        name = next(name for name in names if name not in self.paths)
        self.paths[name] = self._copy(source, name)

    def _copy(self, source: Path, name: str) -> str:
        is_run = (source / "recipe.json").is_file()
        is_exported_folder = source.is_dir() and (source / "ankleboot.json").is_file()
        if not (is_run or is_exported_folder or source.suffix in SERVABLE_SUFFIXES):
            raise ModelError(
                f"{source}: the server runs LiteRT, ONNX and OpenVINO models; give a run folder, "
                "or a file that ankleboot export made from it"
            )
        target = self._make_target(source, name)
        return self._copy_run(source, target) if is_run else _copied(source, target)

    def _make_target(self, source: Path, name: str) -> Path | None:
        """Return a folder for the copies of a model; None if no folder can be written."""
        try:
            if self._folder is None:
                self._folder = self._cleanup.enter_context(temp_folder())
        except EnvironmentFailure as error:
            self._on_message(f"{error}; {source} is served where it is, so do not change it")
            return None
        target = self._folder / name
        target.mkdir()
        return target

    def _copy_run(self, run: Path, target: Path | None) -> str:
        """Copy a run's exported model and side files; export the model if there is no current one.

        The new file stays in the run's folder, for the next start.
        """
        if target is not None:
            for name in SIDE_FILES:
                with suppress(FileNotFoundError):
                    shutil.copy(run / name, target)
        for suffix in SERVABLE_SUFFIXES:  # an adopted model, which the runtimes take as it is
            if (own := run / f"model{suffix}").is_file() and not (run / "model.keras").exists():
                return _copied(own, target)
        kept = run / "exports" / catalog.MODEL_FILE
        if (exported := self._current_export(run)) is None:
            if target is None:
                raise EnvironmentFailure(
                    f"{run}: has no export to serve, and no folder for one can be written"
                )
            self._on_message(
                f"{run}: exporting to LiteRT, once, which takes a while; the file is kept as {kept}"
            )
            path = Path(_export(run, target / catalog.MODEL_FILE, self._trust))
            self._keep(path, kept)
            return str(path)
        if exported != kept:
            self._on_message(f"{run}: serving {exported}")
        return _copied(exported, target)

    def _current_export(self, run: Path) -> Path | None:
        """Return the most exact of the exported files that were made from the run's model."""
        model = run / "model.keras"
        for path in (run / "exports" / name for name in EXPORTS):
            if path.exists() and model.is_file():
                if (reason := _misfit(path, model)) is None:
                    return path
                self._on_message(f"{reason}; the file is not served")
        return None

    def _keep(self, exported: Path, kept: Path) -> None:
        """Copy a new export into the run's folder, unless that has another file or is read-only."""
        if kept.exists():
            self._on_message(f"the export is not kept: {kept} exists; remove it")
            return
        from ankleboot.core.files import atomic_write, make_folder

        try:
            make_folder(kept.parent)
            atomic_write(kept, exported.read_bytes())
        except EnvironmentFailure as error:
            self._on_message(f"the export is not kept: {error}")


def _copied(source: Path, folder: Path | None) -> str:
    """Copy a file or folder into a folder; without one return its own path."""
    if folder is None:
        return str(source)
    copy = shutil.copytree if source.is_dir() else shutil.copy
    return str(copy(source, folder / source.name))


def _export(run: Path, path: Path, trust: bool) -> str:
    """Export a run's model in a process of its own, since it needs TensorFlow."""
    command = [sys.executable, "-m", "ankleboot", "export", str(run), "--format", "litert"]
    command += [*(["--trust"] if trust else []), "--output", str(path)]
    process = run_to_end(command)
    if process.returncode:
        message = (process.stderr.strip().splitlines() or ["no message"])[-1]
        is_model_error = process.returncode == ModelError.exit_code
        failure = ModelError if is_model_error else EnvironmentFailure
        raise failure(f"{run}: cannot be exported: {message.removeprefix('error: ')}")
    return str(path)


def _misfit(exported: Path, model: Path) -> str | None:
    """Return why a file is no export of a run's model as it is now; None if it is one."""
    from ankleboot.inference.load import load_predictor
    from ankleboot.models.files.checksums import read_verified_folder, read_verified_tflite
    from ankleboot.models.files.keras_seal import model_sha256, read_seal

    try:
        if exported.suffix == ".tflite":
            info = read_verified_tflite(exported)[1]
        elif exported.is_dir():
            info = read_verified_folder(exported)
        else:
            info = load_predictor(exported).info
    except (ModelError, OSError) as error:
        return str(error)
    if info.model_sha256 != model_sha256(model):
        return f"{exported}: made from another model than {model} is now"
    seal = read_seal(model)
    return f"{exported}: other labels than {model}" if seal and seal.labels != info.labels else None
