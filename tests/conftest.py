"""Shared pieces: a tiny data set that is learned in a second, and one run trained on it."""

import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
from PIL import Image as Picture

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.files import write_json
from ankleboot.core.types import Images, Probs
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.evaluation.evaluate import calibrate
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import PLAIN

# A suite that a shell runs in the background inherits that Ctrl-C is ignored, and so do its runs.
signal.signal(signal.SIGINT, signal.default_int_handler)

TINY = replace(PLAIN, name="tiny", blocks=1, filters=4, dense_units=16, batch_size=32, epochs=3)
"""Small enough to be traced and trained within seconds."""


def bars(num: int, seed: int) -> LabeledImages:
    """Images with one bright bar whose place is the class: rows for 0-4, columns for 5-9."""
    generator = np.random.default_rng(seed)
    labels = np.arange(num, dtype=np.uint8) % 10
    images = generator.integers(0, 60, (num, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        start = 2 + 5 * (int(label) % 5)
        if label < 5:
            image[start : start + 3, :] = 230
        else:
            image[:, start : start + 3] = 230
    return LabeledImages(images, labels)


@pytest.fixture(scope="session")
def bar_data() -> Dataset:
    hashes = {"train-bars": "0" * 64, "test-bars": "1" * 64}
    return Dataset("bars", bars(640, 0), bars(100, 1), "made by the tests", hashes, CLASS_NAMES)


@pytest.fixture(scope="session")
def bar_run(bar_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The one run that all tests of views share; do not change its folder."""
    from ankleboot.training.trainer import train

    return train(TINY, bar_data, tmp_path_factory.mktemp("bars") / "run")


@pytest.fixture(scope="session")
def calibrated_run(
    bar_run: Run, bar_data: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """A copy of `bar_run` with a temperature far from 1, so that forgetting it shows."""
    run = Run(tmp_path_factory.mktemp("calibrated") / "run")
    shutil.copytree(bar_run.folder, run.folder)
    fitted = replace(calibrate(run, bar_data), temperature=1.7, abstain_below=0.6)
    write_json(run.calibration_path, fitted.to_json())
    return run


@pytest.fixture(scope="session")
def exported(
    calibrated_run: Run, bar_data: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Gives the run's model in a format, exported once; do not change it."""
    folder = tmp_path_factory.mktemp("exported")

    def path_of(format: str) -> Path:
        from ankleboot.export.export import FORMATS, export

        path = folder / FORMATS[format].file_name
        if not path.exists():
            export(calibrated_run.folder, format, path, bar_data)
        return path

    return path_of


def paint(
    folder: Path,
    classes: dict[str, int],
    *,
    size: tuple[int, int] = (32, 32),
    seed: int = 0,
    noise: int = 60,
) -> Path:
    """Picture files in a folder per class, of noise around a color of the class; all differ."""
    generator = np.random.default_rng([seed, len(classes)])
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, count) in enumerate(classes.items()):
        (folder / name).mkdir(exist_ok=True)
        color = np.roll([220, 110, 0], number) // (1 + number // 3)
        for place in range(count):
            pixels = generator.integers(0, noise + 1, (*size, 3)) // 2 + color * 0.8
            pixels[0, 0] = (number % 256, place % 256, seed)
            picture = Picture.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
            picture.save(folder / name / f"{place}.png")
    return folder


class FakePredictor:
    """Gives the probabilities it was made with."""

    name = "fake"

    def __init__(self, probs: Probs, info: ModelMetadata | None = None) -> None:
        self.probs = probs
        self.info = info or ModelMetadata()

    def predict(self, images: Images) -> Probs:
        return self.probs[: len(images)]


@pytest.fixture
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at the test split are counted here, and not for the user who runs the tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no other place on this machine where data might be found."""
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ANKLEBOOT_DATA", raising=False)
    monkeypatch.setattr("ankleboot.data.fashion_mnist.sources.folders_of_other_tools", list)
    return tmp_path / "cache" / "fashion-mnist"


@pytest.fixture
def no_type_checks() -> Iterator[None]:
    """As in production, where only our own checks stand between wrong shapes and wrong results."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
