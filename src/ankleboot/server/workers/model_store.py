"""Model store: copies of the served models, which stay unchanged while the server runs.

A worker that starts later must load the same file as the others, even if the user has replaced it.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ankleboot.core.errors import EnvironmentFailure, ModelError, UsageError
from ankleboot.models.pretrained import catalog

SERVABLE_SUFFIXES = (".tflite", ".onnx")
SIDE_FILES = ("README.md", "result.json", "evaluation-validation.json", "evaluation-test.json")
"""Files of a run that describe its model; the store copies them with it."""


class ModelStore:
    """Models in a temporary folder.

    Args:
        models: Names of shipped models and paths, as the command takes them.
        on_message: Called with a line before a slow step.

    Attributes:
        paths: Paths to the models by their names in requests.

    Raises:
        ModelError: If a model is missing, or only TensorFlow runs its format.
        EnvironmentFailure: If a file cannot be copied or exported.
    """

    def __init__(self, models: Sequence[str], on_message: Callable[[str], None]) -> None:
        self._folder: Path | None = None
        self.paths: dict[str, str] = {}
        try:
            for model in models:
                name = self._unused_name(model)
                is_shipped = catalog.shipped_folder(model) is not None
                self.paths[name] = model if is_shipped else self._copy(model, name, on_message)
        except OSError as error:
            self.remove()
            raise EnvironmentFailure(f"{error.filename}: {error.strerror}") from error
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Delete the copies."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _unused_name(self, model: str) -> str:
        is_shipped = catalog.shipped_folder(model) is not None
        name = model if is_shipped else Path(model).resolve().stem
        if name in self.paths:
            if is_shipped:
                raise UsageError(f"--model {model} is given twice; give it once")
            number = 2
            while f"{name}-{number}" in self.paths:
                number += 1
            name = f"{name}-{number}"
        return name

    def _copy(self, model: str, name: str, on_message: Callable[[str], None]) -> str:
        source = Path(model)
        if not source.exists():
            raise ModelError(f"{model}: no such model file or run folder")
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="ankleboot-serve-"))
        target = self._folder / name
        if (source / "recipe.json").is_file():
            return _copy_run(source, target, on_message)
        if source.is_dir() and (source / "ankleboot.json").is_file():
            return str(shutil.copytree(source, target))
        if source.suffix not in SERVABLE_SUFFIXES:
            raise ModelError(
                f"{model}: the server runs LiteRT, ONNX and OpenVINO models; give a run folder, or "
                "a file that ankleboot export made from it"
            )
        target.mkdir()
        return str(shutil.copy(source, target))


def _copy_run(run: Path, target: Path, on_message: Callable[[str], None]) -> str:
    """Copy a run's LiteRT model and side files; export the model if the run has no current one."""
    target.mkdir()
    for name in SIDE_FILES:
        with suppress(FileNotFoundError):
            shutil.copy(run / name, target)
    exported = run / "exports" / catalog.MODEL_FILE
    if _is_current(exported, run):
        return str(shutil.copy(exported, target))
    on_message(
        f"{run}: exporting to LiteRT; to do this once, run: ankleboot export {run} --format litert"
    )
    return _export(run, target / catalog.MODEL_FILE)


def _export(run: Path, path: Path) -> str:
    """Export a run's model in a process of its own, since it needs TensorFlow."""
    command = ["export", str(run), "--format", "litert", "--output", str(path)]
    process = subprocess.run(
        [sys.executable, "-m", "ankleboot", *command], capture_output=True, text=True, check=False
    )
    if process.returncode:
        message = (process.stderr.strip().splitlines() or ["no message"])[-1]
        is_model_error = process.returncode == ModelError.exit_code
        failure = ModelError if is_model_error else EnvironmentFailure
        raise failure(f"{run}: cannot be exported: {message.removeprefix('error: ')}")
    return str(path)


def _is_current(exported: Path, run: Path) -> bool:
    """Return whether an exported file was made from the run's model."""
    if not exported.is_file():
        return False
    from ankleboot.core.files import sha256_of_file  # both import NumPy, which takes 0.1 s
    from ankleboot.models.files.checksums import read_verified_tflite

    try:
        _, info = read_verified_tflite(exported)
        return info.model_sha256 == sha256_of_file(run / "model.keras")
    except (ModelError, OSError):
        return False
