"""Test-time views, against means and counts made by hand."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ankleboot
from ankleboot.core.errors import UsageError
from ankleboot.core.files import write_json
from ankleboot.core.types import Images, Probs
from ankleboot.data.dataset import Dataset
from ankleboot.inference.decide import Prediction
from ankleboot.inference.load import load_predictor, resolve_model
from ankleboot.inference.views import ViewsPredictor, cost_of, predict_counted, untrained_notes
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import Run


class LeftSide:
    """Gives the brightness of the left column as the probability of the first class."""

    name = "left"

    def __init__(self, **fields: object) -> None:
        self.info = ModelMetadata(labels=("left", "right"), **fields)  # type: ignore[arg-type]
        self.seen: list[Images] = []

    def predict(self, images: Images) -> Probs:
        self.seen.append(images)
        left = images[:, :, 0].mean(axis=tuple(range(1, images.ndim - 1))) / 255
        return np.stack([left, 1 - left], axis=1).astype(np.float32)


def columns(*pairs: tuple[int, int]) -> Images:
    """Images of 28 x 28 pixels, gray but for the brightness of the first and last column."""
    images = np.full((len(pairs), 28, 28), 9, np.uint8)
    for image, (left, right) in zip(images, pairs, strict=True):
        image[:, 0], image[:, -1] = left, right
    return images


def test_the_mirror_image_of_an_unsure_one_counts_as_much() -> None:
    sure, unsure = (255, 0), (153, 51)  # confidences 1.0 and 0.6; mirrored 1.0 and 0.8
    model = LeftSide()
    probs, passes = predict_counted(ViewsPredictor(model, "flip", 0.9), columns(sure, unsure))
    assert probs[:, 0] == pytest.approx([1.0, (0.6 + 0.2) / 2])
    assert passes.tolist() == [1, 2]
    assert [len(images) for images in model.seen] == [2, 1]
    assert np.array_equal(model.seen[1][0], columns(unsure)[0, :, ::-1])


@pytest.mark.parametrize(("below", "passes"), [(0.0, [1, 1, 1]), (0.61, [1, 2, 1]), (1.0, [2] * 3)])
def test_the_threshold_selects_images(below: float, passes: list[int]) -> None:
    """1 selects a confidence of 1, too."""
    images = columns((255, 0), (153, 0), (204, 0))
    viewed = ViewsPredictor(LeftSide(), "flip", below)
    assert predict_counted(viewed, images)[1].tolist() == passes
    assert viewed.predict(images[:0]).shape == (0, 2)


def moved(image: np.ndarray, distance: int) -> np.ndarray:
    """Shift down and right by a pixel (1) or up and left (-1), by slices; the border is black."""
    shifted = np.zeros_like(image)
    inside = slice(1, None), slice(None, -1)
    target, source = inside if distance == 1 else inside[::-1]
    shifted[target, target] = image[source, source]
    return shifted


def test_both_squares_of_an_image_are_shifted_alone() -> None:
    """A row of the whole photo would come into the garment's square."""
    image = np.full((1, 56, 28, 3), 255, np.uint8)
    image[:, 28:] = 9
    model = LeftSide(color=True, crop="both")
    predict_counted(ViewsPredictor(model, "flip-shift", 1.0), image)
    assert len(model.seen) == 6 and all(np.array_equal(seen, image) for seen in model.seen)


def test_shifted_views_are_those_of_slices() -> None:
    image = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    model = LeftSide()
    probs, passes = predict_counted(ViewsPredictor(model, "flip-shift", 1.0), image[None])
    views = [image, moved(image, -1), moved(image, 1)]
    views += [view[:, ::-1] for view in views]
    assert passes.tolist() == [6] and len(model.seen) == 6
    assert {view[0].tobytes() for view in model.seen} == {view.tobytes() for view in views}
    mean = np.mean([view[:, 0].mean() / 255 for view in views])
    assert probs[0, 0] == pytest.approx(mean, abs=1e-6)


def test_whole_images_are_shifted_with_a_mirrored_border() -> None:
    model = LeftSide(crop="none", color=True)
    image = np.random.default_rng(0).integers(1, 256, (1, 28, 28, 3), np.uint8)
    ViewsPredictor(model, "flip-shift", 1.0).predict(image)
    assert all(view.all() for view in model.seen)  # a black border would have zeros
    assert np.array_equal(model.seen[1], image[:, :, ::-1, :])  # the colors stay in order


@pytest.mark.parametrize(
    ("views", "below", "message"),
    [
        ("flop", 0.9, r"unknown views 'flop' \(did you mean flip\?\)"),
        ("flip", 1.1, "views_below: expected 0 to 1, got 1.1"),
    ],
)
def test_what_is_no_view_is_refused(views: str, below: float, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ViewsPredictor(LeftSide(), views, below)


def test_the_cost_is_a_product() -> None:
    cost = cost_of(3, [3, 6, 3, 3])
    assert (cost.passes_per_view, cost.views_per_image, cost.passes_per_image) == (3, 1.25, 3.75)
    assert str(cost) == "3.75 passes of a network per image (3 for a view, 1.25 views)"
    assert str(cost_of(1)) == "1.00 passes of a network per image (1 for a view, 1.00 views)"


@pytest.fixture
def two_views(calibrated_run: Run, bar_data: Dataset) -> Probs:
    predictor, images = load_predictor(calibrated_run.folder), bar_data.test.images[:20]
    mean: Probs = (predictor.predict(images) + predictor.predict(images[:, :, ::-1].copy())) / 2
    return mean


def test_predictions_in_python_take_views(
    two_views: Probs, calibrated_run: Run, bar_data: Dataset
) -> None:
    """The temperature and the threshold of the model stay."""
    images = bar_data.test.images[:20]
    predicted = ankleboot.predict(images, calibrated_run, views="flip", views_below=1.0)
    assert all(isinstance(entry, Prediction) and entry.passes == 2 for entry in predicted)
    rows = [list(entry.probs.values()) for entry in predicted if isinstance(entry, Prediction)]
    assert np.allclose(rows, two_views, atol=1e-6)
    plain = ankleboot.predict(images, calibrated_run, views="flip", views_below=0.0)
    assert plain == ankleboot.predict(images, calibrated_run)


def test_views_that_a_recipe_has_not_trained_with_are_noted(bar_run: Run, tmp_path: Path) -> None:
    model = resolve_model(bar_run)
    assert untrained_notes(model, None) == ()
    (note,) = untrained_notes(model, "flip-shift")
    assert note.startswith("the recipe tiny trained without flip and max_shift")
    (note,) = untrained_notes(replace(model, members=(model, model)), "flip")
    assert note.startswith("the recipe tiny trained without flip:")
    run = Run(Path(shutil.copytree(bar_run.folder, tmp_path / "run")))
    trained = replace(run.recipe(), flip=True, max_shift=1)
    write_json(run.folder / "recipe.json", trained.to_json())
    assert untrained_notes(resolve_model(run), "flip-shift") == ()
