"""The shipped ensemble of two networks over four views."""

import json

import numpy as np
import pytest

from ankleboot.cli.main import run
from ankleboot.data.load import load_data
from ankleboot.inference.zero_shot import ZeroShotPredictor
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained.catalog import FOLDER
from helpers.predictors import FakePredictor


def test_views_agree_by_their_geometric_mean() -> None:
    rows = [np.array([[0.8, 0.2]], np.float32), np.array([[0.2, 0.8]], np.float32)]
    info = ModelMetadata(labels=("a", "b"), recipe="both")
    first, second = (FakePredictor(row, info) for row in rows)
    image = load_data("sample").test.images[:1]
    even = ZeroShotPredictor([(first, 1.0), (second, 1.0)], info).predict(image)
    assert even[0] == pytest.approx([0.5, 0.5], abs=1e-3)
    heavier = ZeroShotPredictor([(first, 2.0), (second, 1.0)], info).predict(image)
    yes, no = (0.8**2 * 0.2) ** (1 / 3), (0.2**2 * 0.8) ** (1 / 3)
    assert heavier[0, 0] == pytest.approx(yes / (yes + no), abs=1e-3)
    assert ZeroShotPredictor([(first, 1.0)], info).predict(image[:0]).shape == (0, 2)


def test_the_views_are_of_the_image() -> None:
    seen: list[np.ndarray] = []

    class Watcher(FakePredictor):
        def predict(self, images: np.ndarray) -> np.ndarray:
            seen.append(images)
            return super().predict(images)

    info = ModelMetadata(labels=("a", "b"))
    watcher = Watcher(np.full((1, 2), 0.5, np.float32), info)
    image = load_data("sample").test.images[:1]
    ZeroShotPredictor([(watcher, 1.0)], info).predict(image)
    assert len(seen) == 4 and any(np.array_equal(view, image) for view in seen)
    assert any(np.array_equal(view, image[:, :, ::-1]) for view in seen)
    upright = image[0].astype(float)
    for view in seen:
        closest = max(
            np.corrcoef(v.ravel(), upright.ravel())[0, 1] for v in (view, view[:, :, ::-1])
        )
        assert closest > 0.95


@pytest.mark.usefixtures("isolated_state_dir")
def test_zero_shot_knows_the_data_set_too(capfd: pytest.CaptureFixture[str]) -> None:
    before = sorted(FOLDER.rglob("*"))
    assert run(["evaluate", "zero-shot", "--data", "sample", "--split", "test", "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["accuracy"] > 0.88 and document["test_reads"] == 1
    assert sorted(FOLDER.rglob("*")) == before  # nothing is written into the package
