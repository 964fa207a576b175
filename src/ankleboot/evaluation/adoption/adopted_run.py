"""Run folder of an adopted model: the files of a training run, without the training."""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ankleboot import __version__
from ankleboot.core import environment
from ankleboot.core.files import atomic_write, sha256_of, sha256_of_file, write_json
from ankleboot.core.git import git_commit
from ankleboot.data.dataset import Dataset
from ankleboot.models.files import examined
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.files.checksums import add_onnx_metadata, add_tflite_checksum
from ankleboot.models.files.keras_seal import model_sha256, sealed
from ankleboot.models.run import Run
from ankleboot.models.run_dir import create_run, next_run_dir
from ankleboot.models.run_documents import MANIFEST_FORMAT
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.recipes.recipe import Recipe

BUILT_IN_DATA = ("fashion-mnist", "sample")
"""Data sets with the images of Fashion-MNIST: one garment, cropped, 28 x 28 gray pixels."""

TARGET_PRECISION = 0.95  # as trained runs have it; no threshold of an adopted one rests on it


@dataclass(frozen=True)
class AdoptedModel:
    """A foreign model and what the examination found.

    Attributes:
        source: File or folder that the user named.
        path: File to keep: a rebuilt `.keras`, or the foreign `.tflite` or `.onnx`.
        kind: Kind of the source.
        labels: Class names in the order of the probabilities.
        signature: Input and output of the foreign model.
        convention: Convention that was chosen.
        trials: Candidates with their accuracies, the best first.
        num_tried: Number of conventions that were tried.
        accuracy: Accuracy of the chosen one on the examined images; None without labeled images.
        num_images: Number of examined images.
    """

    source: Path
    path: Path
    kind: str
    labels: tuple[str, ...]
    signature: dict[str, Any]
    convention: dict[str, Any]
    trials: list[dict[str, Any]]
    num_tried: int
    accuracy: float | None
    num_images: int

    def to_json(self) -> dict[str, Any]:
        """Return what the manifest keeps under "adopted"."""
        is_file = self.source.is_file()
        return {
            "file": self.source.name,
            "sha256": sha256_of_file(self.source) if is_file else "",
            "kind": self.kind,
            "input_shape": self.signature["input_shape"],
            "num_outputs": self.signature["num_outputs"],
            "convention": self.convention,
            "trials": self.trials,
            "num_tried": self.num_tried,
            "accuracy": self.accuracy,
            "num_images": self.num_images,
            "notes": self.signature["notes"],
        }


def write_run(model: AdoptedModel, data: Dataset | None, run_dir: Path | str | None) -> Run:
    """Write the run folder of an adopted model.

    Raises:
        UsageError: If `run_dir` is not empty.
        EnvironmentFailure: If the folder cannot be written.
    """
    recipe = _recipe(model, data)
    folder = next_run_dir(Path("runs"), recipe) if run_dir is None else Path(run_dir)
    with create_run(folder) as run:
        run.start(recipe, _manifest(recipe, model, data))
        _write_model(run, model)
        examined.remember(run.model_path)
        run.write_history(())
        write_json(run.folder / "calibration.json", asdict(_no_calibration(model)))
        write_json(run.folder / "result.json", _result(run, model))
        return run


def _recipe(model: AdoptedModel, data: Dataset | None) -> Recipe:
    """Return a recipe with the model's name and images; how it was trained is unknown."""
    if data is None:
        size, channels = model.convention["size"], model.convention["channels"]
        spec = ImageSpec(size, color=channels == 3, crop="none")
    elif data.name in BUILT_IN_DATA:
        spec = ImageSpec()
    else:
        spec = ImageSpec(data.image_shape[0], color=len(data.image_shape) == 3, crop="none")
    return Recipe(name=f"adopted-{model.source.stem}", architecture="mlp", **asdict(spec))


def _manifest(recipe: Recipe, model: AdoptedModel, data: Dataset | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "format": MANIFEST_FORMAT,
        "recipe": recipe.to_json(),
        "data": {"name": "", "train_sha256": ""},
        "split": {"sha256": "", "num_train": 0, "num_validation": 0},
        "versions": environment.versions(),
        "arithmetic": "unknown",
        "plugins": {},
        "hardware": environment.hardware(),
        "git_commit": git_commit(),
        "data_source": "",
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "labels": list(model.labels),
        "adopted": model.to_json(),
    }
    if data is not None:
        split = data.split(recipe.split_rule)
        numbers = {"num_train": len(split.train), "num_validation": len(split.validation)}
        document["split"] = {"sha256": split.sha256} | numbers
        document["data"] = {"name": data.name, "train_sha256": data.train_sha256}
        document["data_source"] = data.source
        if data.folder_report is not None:
            document["image_counts"] = data.image_counts
            document["num_unreadable"] = len(data.folder_report.unreadable)
    return document


def _write_model(run: Run, model: AdoptedModel) -> None:
    """Write the model file with its metadata; a file of another runtime keeps its convention."""
    content = model.path.read_bytes()
    parameters = model.signature["parameters"]
    info = replace(run.metadata(), parameters=parameters, version=__version__)
    path = run.folder / f"model{model.path.suffix}"
    if path.suffix == ".keras":
        atomic_write(path, sealed(content, info))
        return
    formats = {".tflite": ("litert", add_tflite_checksum), ".onnx": ("onnx", add_onnx_metadata)}
    name, add_metadata = formats[path.suffix]
    digest = sha256_of(content)
    info = replace(info, format=name, model_sha256=digest, convention=model.convention)
    atomic_write(path, add_metadata(content, info))


def _no_calibration(model: AdoptedModel) -> Calibration:
    """Return a calibration that changes nothing: which images are new to the model is unknown."""
    return Calibration(
        temperature=1.0,
        abstain_below=0.0,
        precision_wanted=TARGET_PRECISION,
        precision=model.accuracy or 0.0,
        coverage=1.0,
        num_examples=0,
        loss=(0.0, 0.0),
        ece=(0.0, 0.0),
    )


def _result(run: Run, model: AdoptedModel) -> dict[str, Any]:
    """Return the document of result.json; the metrics of training and validation are unknown."""
    return {
        "recipe": run.recipe().name,
        "seed": 0,
        "data": run.manifest()["data"]["name"],
        "parameters": model.signature["parameters"],
        "epochs": 0,
        "best_epoch": 0,
        "model_epoch": 0,
        "train_seconds": 0.0,
        "stages": {},
        "train": {},
        "validation": {},
        "model_sha256": model_sha256(run.model_path),
    }
