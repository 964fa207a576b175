"""Run folder: the files of a training run, each of them complete at any moment.

recipe.json       recipe of the run; rebuilds the Recipe exactly
manifest.json     hashes of data and split, versions, threads, processor, commit
checkpoint.npz    state that --resume continues from, written after every epoch
best.keras        best epoch on the validation images so far
history.csv       one line per epoch
tensorboard/      the same metrics for TensorBoard
model.keras       the result, written at the end
result.json       metrics and hashes of the result; it marks a run as complete
calibration.json  temperature and abstention threshold, fitted on the validation images
ood_check.json    centers of the training photos, from which foreign photos are told
verdict.json      diagnosis of over- and underfitting
curves.png        learning curves
samples.png       some training images
known_images.npy  fingerprints of the training images, by which new data are told from them
labels.csv        copy of the label file, if one corrected the labels of the data
"""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np

from ankleboot.core.boundary import library_errors
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.documents import parse_document, read_document
from ankleboot.core.errors import ModelError, UsageError
from ankleboot.core.files import atomic_write, read_bytes, remove, write_json
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.records import Record
from ankleboot.core.types import Fingerprints, npy_bytes
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.files.keras_seal import model_sha256, read_seal, sealed
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.history import History, history_csv, read_history
from ankleboot.models.pretrained import catalog
from ankleboot.models.run_documents import (
    MANIFEST_FORMAT,
    ManifestDocument,
    ResultDocument,
    VerdictDocument,
)
from ankleboot.recipes.parse import from_json
from ankleboot.recipes.recipe import Recipe


@dataclass(frozen=True, repr=False)
class Run(Record):
    """Run folder, complete or in training."""

    folder: Path

    @property
    def model_path(self) -> Path:
        """Model of the run; an adopted one may be of another format than Keras'."""
        paths = [self.folder / f"model{suffix}" for suffix in (".keras", ".tflite", ".onnx")]
        return next((path for path in paths if path.exists()), paths[0])

    @property
    def best_path(self) -> Path:
        return self.folder / "best.keras"

    @property
    def checkpoint_path(self) -> Path:
        return self.folder / "checkpoint.npz"

    @property
    def label_path(self) -> Path:
        """Copy of the label file; there is none if the run learned the original labels."""
        return self.folder / "labels.csv"

    @property
    def is_complete(self) -> bool:
        return (self.folder / "result.json").is_file()

    def recipe(self) -> Recipe:
        """Read the recipe."""
        try:
            return from_json(self._read("recipe.json", dict))
        except UsageError as error:
            raise ModelError(f"{self.folder / 'recipe.json'}: {error}") from error

    def manifest(self) -> dict[str, Any]:
        """Read the manifest: data, split, versions and hardware.

        Raises:
            ModelError: If it is missing or damaged, or was not shipped with the model.
        """
        if self.folder == catalog.FOLDERS[catalog.PHOTO]:
            self._refuse_shipped_file()
        return self._read("manifest.json", ManifestDocument, newest_format=MANIFEST_FORMAT)

    def metadata(self) -> ModelMetadata:
        """Return what every model file of the run carries: labels, image spec, data and split."""
        recipe, manifest = self.recipe(), self.manifest()
        return ModelMetadata(
            recipe=recipe.name,
            labels=tuple(manifest.get("labels", CLASS_NAMES)),
            split=recipe.split,
            validation_fraction=recipe.validation_fraction,
            split_seed=recipe.split_seed,
            folds=recipe.folds,
            fold=recipe.fold,
            data=manifest["data"]["name"],
            data_sha256=manifest["data"]["train_sha256"],
            adopted=manifest.get("adopted", {}).get("file", ""),
            ood_check=self.ood_check(),
            **asdict(recipe.image_spec),
        )

    def result(self) -> dict[str, Any]:
        """Read the metrics and hashes of the complete run."""
        return self._read("result.json", ResultDocument)

    def calibration(self) -> Calibration | None:
        """Read temperature and abstention threshold; None if they are not fitted."""
        path = self.folder / "calibration.json"
        if not path.exists():
            return None
        return Calibration.from_json(self._read(path.name, dict), path)

    def ood_check(self) -> dict[str, Any]:
        """Read the document of the out-of-distribution check; empty if the run has none."""
        path = self.folder / "ood_check.json"
        return self._read(path.name, dict) if path.exists() else {}

    def seal(self, calibration: Calibration) -> None:
        """Write calibration and check into the model file too, which keeps them elsewhere."""
        info = replace(
            read_seal(self.model_path) or self.metadata(),
            temperature=calibration.temperature,
            abstain_below=calibration.abstain_below,
            ood_check=self.ood_check(),
        )
        atomic_write(self.model_path, sealed(self.model_path.read_bytes(), info))

    def history(self) -> History:
        """Read the metrics of the epochs so far."""
        return read_history(self.folder / "history.csv")

    def _refuse_shipped_file(self) -> None:
        """Refuse a shipped model that is no whole run: an exported file without its Keras model."""
        if catalog.is_shipped(self.folder) and self.model_path.suffix != ".keras":
            name = next(name for name, folder in catalog.FOLDERS.items() if folder == self.folder)
            raise ModelError(
                f"{name} ships as an exported file and is no whole run; its accuracy on photos: "
                "ankleboot bench photos --photos DIR"
            )

    def _read(self, name: str, schema: Any, *, newest_format: int | None = None) -> dict[str, Any]:
        """Read a JSON document of the folder.

        Raises:
            EnvironmentFailure: If it cannot be read.
            ModelError: If it is missing or damaged.
        """
        path = self.folder / name
        advice = "" if path.exists() else self._advice(name)
        missing = ModelError(f"{self.folder}: not a run folder, {name} is missing{advice}")
        document = read_document(path, schema, newest_format=newest_format, missing=missing)
        return dict(document)

    def _advice(self, name: str) -> str:
        """Return the runs that a folder holds where one of them was expected; empty if none."""
        first = self.folder / "fold-1"
        if (first / name).is_file():
            return f"; it is a cross-validation; name one of its runs, such as {first}"
        runs = sorted(map(str, (file.parent for file in self.folder.glob("*/recipe.json"))))
        return f"; name one of the runs in it, such as {', '.join(runs[:3])}" if runs else ""

    def summary(self) -> dict[str, str]:
        """Return the folder, and the main results of a complete run."""
        figures = {"folder": str(self.folder)}
        if not self.is_complete:
            return figures | {"state": "not complete"}
        try:
            result = self.result()
        except ModelError:
            return figures | {"state": "damaged"}
        figures |= {name: str(result[name]) for name in ("recipe", "seed", "data", "epochs")}
        if "accuracy" in result["validation"]:  # unknown for an adopted model
            accuracy = result["validation"]["accuracy"]
            figures["validation_accuracy"] = f"{100 * accuracy:.2f} %"
        return figures

    def to_json(self) -> dict[str, Any]:
        """Return the document of `train --json`: the result, calibration and verdict."""
        document = {"run_dir": str(self.folder)} | self.result()
        document["arithmetic"] = self.manifest().get("arithmetic", "")
        for name, schema in (("calibration", dict), ("verdict", VerdictDocument)):
            if (self.folder / f"{name}.json").exists():
                document[name] = self._read(f"{name}.json", schema)
        return document

    def start(
        self, recipe: Recipe, manifest: Mapping[str, Any], label_file: bytes | None = None
    ) -> None:
        """Write the files that precede the first step; recipe.json, the last, makes it a run."""
        write_json(self.folder / "manifest.json", manifest)
        remove(self.label_path)  # of an attempt that was killed
        if label_file is not None:
            atomic_write(self.label_path, label_file)
        write_json(self.folder / "recipe.json", recipe.to_json())

    def known_images(self) -> Fingerprints:
        """Read the fingerprints of the images that the run and its parents learned."""
        path = self.folder / "known_images.npy"
        if not path.exists():
            return np.zeros(0, np.uint64)
        content = read_bytes(path)
        with library_errors(lambda why: ModelError(f"{path}: damaged list of images ({why})")):
            # np.load would take a zip archive for one of arrays, and return no array
            known: np.ndarray = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
        if known.dtype != np.uint64 or known.ndim != 1:
            raise ModelError(f"{path}: damaged list of images ({known.dtype})")
        return known

    def write_known_images(self, known: Fingerprints) -> None:
        """Write the fingerprints of the images that the run and its parents learned."""
        atomic_write(self.folder / "known_images.npy", npy_bytes(np.unique(known)))

    def write_history(self, history: History) -> None:
        """Replace history.csv."""
        atomic_write(self.folder / "history.csv", history_csv(history).encode())

    def write_checkpoint(
        self, arrays: Mapping[str, np.ndarray], progress: Mapping[str, Any]
    ) -> None:
        """Replace the checkpoint; a single file keeps weights and progress consistent."""
        buffer = io.BytesIO()
        text = np.frombuffer(json.dumps(progress).encode(), np.uint8)
        # names of variables contain slashes, which would become folders inside the archive
        entries = {quote(key, safe=""): value for key, value in arrays.items()}
        np.savez(buffer, allow_pickle=False, **entries, progress=text)
        atomic_write(self.checkpoint_path, buffer.getvalue())

    def read_checkpoint(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Read arrays and progress of the checkpoint; None if there is none.

        Raises:
            ModelError: If the file is damaged (every array has a checksum).
        """
        path = self.checkpoint_path
        if not path.exists():
            return None
        content = read_bytes(path)
        with library_errors(lambda why: ModelError(f"{path}: damaged checkpoint ({why})")):
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                arrays = {unquote(key): archive[key] for key in archive.files}
            return arrays, parse_document(arrays.pop("progress").tobytes(), dict)

    def check_model(self) -> Path:
        """Verify the hash of the complete run's model file, and return its path.

        Raises:
            ModelError: If the run is not complete, or the file is not the one it wrote.
        """
        self._refuse_shipped_file()
        if not self.is_complete:
            self.recipe()  # raises if this is not a run folder
            raise ModelError(
                f"{self.folder}: the run is not complete; finish it with --resume {self.folder}, "
                f"or name {self.best_path.name} in it"
            )
        expected = self.result()["model_sha256"]
        if not self.model_path.is_file() or model_sha256(self.model_path) != expected:
            raise ModelError(
                f"{self.model_path}: missing, or not the file that training wrote (sha256)"
            )
        return self.model_path


def load_run(path: AnyPath) -> Run:
    """Open a run folder to read it.

        run = ankleboot.load_run("runs/sprint-seed0-001")

    Raises:
        ModelError: If it is not a run folder, or its recipe is damaged.
    """
    run = Run(expand(path))
    run.recipe()
    return run


def find_run(path: Path) -> Run | None:
    """Return the run that a model file or folder belongs to, if any.

    Raises:
        ModelError: If its recipe is damaged.
    """
    folder = path if path.is_dir() else path.parent
    return load_run(folder) if (folder / "recipe.json").is_file() else None
