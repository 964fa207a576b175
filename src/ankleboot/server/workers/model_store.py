"""The models to serve, where nobody changes them while they are served.

Files of the user's are copied: a worker that has to be started anew must find what the others have,
also when the file has been replaced meanwhile.
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
"""What is shown of a run, and goes with its model."""

Say = Callable[[str], None]


class Placed:
    """Models in a folder of ours, by the names that they are asked for.

    Args:
        models: As on the command line.
        say: Called with a line where something takes its time.

    Raises:
        ModelError: If one is missing, or of a kind that only TensorFlow runs.
        EnvironmentFailure: If it cannot be copied or exported.
    """

    def __init__(self, models: Sequence[str], say: Say) -> None:
        self._folder: Path | None = None
        self.paths: dict[str, str] = {}
        try:
            for model in models:
                name = self._free_name(model)
                self.paths[name] = model if _is_shipped(model) else self._copied(model, name, say)
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

    def _free_name(self, model: str) -> str:
        name = model if _is_shipped(model) else Path(model).resolve().stem
        if name in self.paths:
            if _is_shipped(model):
                raise UsageError(f"--model {model} is there twice")
            number = 2
            while f"{name}-{number}" in self.paths:
                number += 1
            name = f"{name}-{number}"
        return name

    def _copied(self, model: str, name: str, say: Say) -> str:
        source = Path(model)
        if not source.exists():
            raise ModelError(f"{model}: no such model file or run folder")
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="ankleboot-serve-"))
        target = self._folder / name
        if (source / "recipe.json").is_file():
            return _run_copied(source, target, say)
        if source.is_dir() and (source / "ankleboot.json").is_file():
            return str(shutil.copytree(source, target))
        if source.suffix not in SERVABLE_SUFFIXES:
            raise ModelError(
                f"{model}: the server runs LiteRT, ONNX and OpenVINO; name a run folder, or what "
                "ankleboot export made of it"
            )
        target.mkdir()
        return str(shutil.copy(source, target))


def _is_shipped(model: str) -> bool:
    return model in catalog.NAMES and not Path(model).exists()


def _run_copied(run: Path, target: Path, say: Say) -> str:
    """The run's LiteRT file, made now if it has none that fits, and what is known of it."""
    exported = run / "exports" / catalog.LITERT
    target.mkdir()
    for name in SIDE_FILES:
        with suppress(FileNotFoundError):
            shutil.copy(run / name, target)
    if _fits(exported, run):
        return str(shutil.copy(exported, target))
    say(f"{run}: exporting to LiteRT; `ankleboot export {run} --format litert` does it for good")
    made = target / catalog.LITERT
    command = ["export", str(run), "--format", "litert", "--output", str(made)]
    done = subprocess.run(
        [sys.executable, "-m", "ankleboot", *command], capture_output=True, text=True, check=False
    )
    if done.returncode:
        words = (done.stderr.strip().splitlines() or ["no message"])[-1]
        failure = ModelError if done.returncode == ModelError.exit_code else EnvironmentFailure
        raise failure(f"{run}: cannot be exported: {words.removeprefix('error: ')}")
    return str(made)


def _fits(exported: Path, run: Path) -> bool:
    """Whether the file was made of the run's model."""
    if not exported.is_file():
        return False
    from ankleboot.core.files import sha256_of_file  # these know NumPy, which the server needs not
    from ankleboot.models.files.checksums import read_verified_tflite

    try:
        _, info = read_verified_tflite(exported)
        return info.model_sha256 == sha256_of_file(run / "model.keras")
    except (ModelError, OSError):
        return False
