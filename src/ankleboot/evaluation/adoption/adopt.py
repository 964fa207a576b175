"""Adoption of a model that another tool made: a foreign file and labeled images to a run folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.classes import CLASS_NAMES, PIXEL_MEAN, PIXEL_STD
from ankleboot.core.environment import require_modules
from ankleboot.core.errors import (
    AnklebootError,
    EnvironmentFailure,
    ModelError,
    UsageError,
    error_type,
)
from ankleboot.core.paths import expand
from ankleboot.core.subprocesses import run_isolated
from ankleboot.core.temporary import temp_folder
from ankleboot.core.types import IMAGE_SIZE, Images, batch_size_for
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import Progress, load_data, no_progress
from ankleboot.evaluation.adoption.adopted_run import BUILT_IN_DATA, AdoptedModel, write_run
from ankleboot.evaluation.select_split import DataLoader
from ankleboot.models.files.checksums import read_verified_onnx, read_verified_tflite
from ankleboot.models.files.keras_seal import read_seal
from ankleboot.models.foreign.candidates import Signature
from ankleboot.models.foreign.child import LIMITS, NUM_NOISE_IMAGES
from ankleboot.models.foreign.kinds import kind_of
from ankleboot.models.foreign.scalings import Pixels, parse_input
from ankleboot.models.run import Run
from ankleboot.recipes.image_spec import ImageSpec

CHILD = "ankleboot.models.foreign.child"
NUM_IMAGES = 2_000  # training images that the candidates are tried on; fewer large ones
MORE_IMAGES = 5  # times as many for those that remain open
MIN_IMAGES = 200
NEEDS_KERAS = ("keras", "h5", "saved-model")

AdoptionData = Dataset | DataLoader | Path | str | None
"""A data set, a function that loads one, or a name for `load_data`."""


@dataclass(frozen=True)
class _Foreign:
    """A foreign file that was scanned; the child reads `path`."""

    source: Path
    path: Path
    kind: str
    input_shape: tuple[int, ...]

    @property
    def axes(self) -> tuple[str, int, int]:
        try:
            return Signature(self.input_shape, 1).axes
        except ModelError as error:
            raise ModelError(f"{self.source}: {error}") from error


def adopt(
    model: Path | str,
    data: AdoptionData = None,
    run_dir: Path | str | None = None,
    *,
    input: str = "auto",
    labels: Sequence[str] | None = None,
    progress: Progress = no_progress,
) -> Run:
    """Make a run folder of a model that another tool made.

        run = ankleboot.adopt("mine.keras")
        print(ankleboot.evaluate(run).accuracy)

    The file is scanned, loaded in a process with limits, and examined on labeled training images:
    scale of the pixels, layout of the input, meaning of the outputs, order of the classes. The
    manifest of the run has all that was found, under "adopted".

    Args:
        model: A `.keras`, `.h5`, `.tflite` or `.onnx` file, or the folder of a SavedModel.
        data: Data that the model learned, or a name for `load_data`; by default Fashion-MNIST (or
            its sample, offline) for a model of 28 x 28 pixels.
        run_dir: Path to a new folder; None for the next one in runs/.
        input: Scale of the pixels: "auto" to find it on the data, "unit", "byte", "signed",
            "standard", "imagenet", "caffe", or "MEAN,STD".
        labels: Class names in the order of the outputs; None to find the order on the data.
        progress: Function that receives a line about each assumption and before long work.

    Raises:
        ModelError: If the file is damaged, unsafe, too large or no image classifier.
        UsageError: If images cannot tell the convention; the message names the missing option.
    """
    source, choice = expand(model), parse_input(input)
    kind = kind_of(source)
    _refuse_own(source, kind)
    if kind in NEEDS_KERAS:
        require_modules("tensorflow")
    if labels is not None:
        _check_labels(labels)
    with temp_folder() as folder:
        foreign = _inspect(source, kind, folder)
        dataset = _load_data(foreign, data, labels, choice, progress)
        if dataset is None and labels is None:
            raise UsageError(_missing(foreign))
        progress(f"{source}: loading it in a process of its own, and trying it on images")
        found = _convert(foreign, dataset, choice, labels, folder)
        adopted = AdoptedModel(
            source=source,
            path=folder / "model.keras" if foreign.kind in NEEDS_KERAS else foreign.path,
            kind=kind,
            labels=dataset.class_names if dataset is not None else tuple(labels or ()),
            **found,
        )
        return write_run(adopted, dataset, run_dir)


def _refuse_own(path: Path, kind: str) -> None:
    """Refuse a file that carries our metadata already."""
    readers: dict[str, Callable[[Path], object]] = {
        "keras": read_seal,
        "tflite": read_verified_tflite,
        "onnx": read_verified_onnx,
    }
    found: object = None
    with suppress(ModelError, KeyError):
        found = readers[kind](path)
    if found is not None or (path / "ankleboot.json").is_file():
        raise UsageError(f"{path}: made by Ankleboot already; use it as it is")


def _check_labels(labels: Sequence[str]) -> None:
    names = [name.strip() for name in labels]
    if len(names) < 2 or len(set(names)) < len(names) or not all(names):
        raise UsageError(
            f"--labels: expected two or more different names, got {', '.join(labels) or 'none'}"
        )


def _run_child(source: Path, job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Run a job in a process with limits, and raise its error in this one."""
    job_path = folder / "job.json"
    job_path.write_text(json.dumps(job))
    try:
        result = run_isolated(CHILD, str(job_path), wall_s=LIMITS.wall_s)
    except EnvironmentFailure as error:
        reason = str(error).removeprefix(f"{CHILD} {job_path}: ").removeprefix(f"{CHILD}: ")
        raise ModelError(
            f"{source}: the process that loaded it failed ({reason}); the limits are "
            f"{LIMITS.memory_bytes >> 30} GiB of memory and {LIMITS.cpu_s} s"
        ) from error
    if "error" in result:
        message = str(result["error"])
        for path in (job["path"], job["target"]):  # a SavedModel is loaded as its conversion
            message = message.removeprefix(f"{path}: ")
        prefix = "" if message.startswith("--") else f"{source}: "
        raise error_type(result["exit_code"])(prefix + message)
    return result


def _inspect(source: Path, kind: str, folder: Path) -> _Foreign:
    job = {"task": "inspect", "path": str(source.resolve()), "kind": kind}
    result = _run_child(source, job | {"target": str(folder / "converted.tflite")}, folder)
    shape = tuple(result["input_shape"])
    return _Foreign(source, Path(result["path"]), result["kind"], shape)


def _load_data(
    foreign: _Foreign,
    data: AdoptionData,
    labels: Sequence[str] | None,
    choice: str,
    progress: Progress,
) -> Dataset | None:
    """Load the labeled images; None if there are none and the user named everything."""
    _, size, channels = foreign.axes
    if isinstance(data, Dataset):
        return data
    if data is not None:
        own = ImageSpec(size, color=channels == 3, crop="none")
        return _load_as(own, data, progress)
    is_fashion = labels is None or sorted(labels) == sorted(CLASS_NAMES)
    if size == IMAGE_SIZE and is_fashion:
        try:
            return load_data(progress=progress)
        except AnklebootError as error:
            progress(f"Fashion-MNIST is not available ({error}); using its sample of 2,000 images")
            return load_data("sample")
    if labels is not None and choice != "auto":
        return None
    raise UsageError(_missing(foreign))


def _missing(foreign: _Foreign) -> str:
    _, size, channels = foreign.axes
    kind = "color" if channels == 3 else "gray"
    return (
        f"{foreign.source} takes {kind} images of {size} x {size} pixels: name the data that it "
        "learned with --data, or both --input and --labels"
    )


def _load_as(own: ImageSpec, data: DataLoader | Path | str, progress: Progress) -> Dataset:
    """Load data in the model's image spec; Fashion-MNIST, which has no other, in its own."""

    def load(spec: ImageSpec) -> Dataset:
        if isinstance(data, Path | str):
            return load_data(str(data), image_spec=spec, progress=progress)
        return data(spec)

    try:
        return load(own)
    except UsageError:
        if own.image_shape == ImageSpec().image_shape:
            raise
        with suppress(UsageError):
            return load(ImageSpec())
        raise


def _convert(
    foreign: _Foreign,
    data: Dataset | None,
    choice: str,
    labels: Sequence[str] | None,
    folder: Path,
) -> dict[str, Any]:
    class_names = data.class_names if data is not None else tuple(labels or ())
    num_first = max(MIN_IMAGES, batch_size_for(NUM_IMAGES, foreign.axes[1:2] * 2))
    images, truth = _examined_images(data, foreign, MORE_IMAGES * num_first)
    arrays, target = folder / "images.npz", folder / "model.keras"
    np.savez(arrays, images=images, labels=truth)
    pixels = None if data is None else list(vars(_pixels(data)).values())
    job = {
        "task": "convert",
        "path": str(foreign.path),
        "kind": foreign.kind,
        "arrays": str(arrays),
        "target": str(target),
        "choice": choice,
        "num_first": num_first,
        "num_classes": len(class_names),
        "pixels": pixels,
        "order": None if labels is None else _order(labels, class_names),
    }
    return _run_child(foreign.source, job, folder)


def _order(labels: Sequence[str], class_names: tuple[str, ...]) -> list[int]:
    """Return the output of each class."""
    names = [name.strip() for name in labels]
    if sorted(names) != sorted(class_names):
        raise UsageError(
            f"--labels names {', '.join(names)}; the classes of the data are "
            f"{', '.join(class_names)}"
        )
    return [names.index(name) for name in class_names]


def _examined_images(
    data: Dataset | None, foreign: _Foreign, num: int
) -> tuple[Images, np.ndarray]:
    """Return training images in random order; noise without data."""
    _, size, channels = foreign.axes
    generator = np.random.default_rng(0)
    if data is None:
        shape = (NUM_NOISE_IMAGES, size, size) + ((3,) if channels == 3 else ())
        noise = generator.integers(0, 256, shape, dtype=np.uint8)
        return noise, np.zeros(0, np.int64)
    chosen = np.sort(generator.permutation(len(data.train))[:num])  # sorted for one pass of reading
    order = generator.permutation(len(chosen))
    images = data.train.take(chosen)
    return np.asarray(images.images)[order], np.asarray(images.labels, np.int64)[order]


def _pixels(data: Dataset) -> Pixels:
    """Return statistics of the training images, those of the whole data set for its sample."""
    pixels = Pixels.of(data.train.images)
    if data.name not in BUILT_IN_DATA:
        return pixels
    return replace(pixels, mean=(255 * PIXEL_MEAN,), std=(255 * PIXEL_STD,))
