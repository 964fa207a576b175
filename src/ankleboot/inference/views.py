"""Test-time augmentation: further views of the images that a model is unsure of.

The mean over the views is taken of calibrated probabilities. Of an image whose confidence in the
plain view reaches a threshold there are no other views, which saves most of the passes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ankleboot.core.errors import UsageError
from ankleboot.core.text import unknown_name
from ankleboot.core.types import Images, Indices, Probs
from ankleboot.core.views import VIEWS, VIEWS_BELOW
from ankleboot.data.augmentation import BORDERS, mirror_images, shift_images
from ankleboot.inference.load import ResolvedModel
from ankleboot.inference.predictor import Predictor
from ankleboot.recipes.recipe import Recipe

SHIFTS = ((-1, -1), (1, 1))
"""Distances down and right, in pixels.

Source: airbench, https://github.com/KellerJordan/cifar10-airbench (test-time augmentation level 2).
"""
NUM_FURTHER = {"flip": 1, "flip-shift": 1 + 2 * len(SHIFTS)}


@dataclass(frozen=True)
class PredictionCost:
    """Passes of a network that predictions needed.

    Attributes:
        passes_per_view: Networks that see each view, as a mean over the images; 1 for a single one.
        views_per_image: Mean over the images.
        passes_per_image: Product of the two.
    """

    passes_per_view: float = 1
    views_per_image: float = 1.0
    passes_per_image: float = 1.0

    def __str__(self) -> str:
        return (
            f"{self.passes_per_image:.2f} passes of a network per image "
            f"({self.passes_per_view:.3g} for a view, {self.views_per_image:.2f} views)"
        )


def cost_of(per_view: int | Sequence[int], passes: Sequence[int] | Indices = ()) -> PredictionCost:
    """Return the mean cost of images by the passes that each needed; without them, of one view.

    Images of several models have passes for a view of their own.
    """
    for_a_view = float(np.mean(per_view))
    mean = float(np.mean(passes)) if len(passes) else for_a_view
    return PredictionCost(for_a_view, mean / for_a_view, mean)


class ViewsPredictor:
    """A predictor, of any runtime, that also looks at mirrored or shifted copies.

    Args:
        predictor: Model; its temperature and its abstention threshold stay.
        views: "flip" for the mirror image, "flip-shift" for copies shifted by a pixel as well.
        below: Confidence in the plain view below which an image gets the others; 1 for all images.

    Raises:
        UsageError: If the views are unknown, or `below` is no probability.
    """

    def __init__(self, predictor: Predictor, views: str, below: float = VIEWS_BELOW) -> None:
        if views not in VIEWS:
            raise UsageError(unknown_name("views", views, VIEWS))
        if not 0 <= below <= 1:
            raise UsageError(f"views_below: expected 0 to 1, got {below}")
        self.name, self.info = predictor.name, predictor.info
        self._predictor, self._views, self._below = predictor, views, below

    def predict(self, images: Images) -> Probs:
        """Return the mean over the views."""
        return self.predict_counted(images)[0]

    def predict_counted(self, images: Images) -> tuple[Probs, Indices]:
        """Return the mean over the views, and the number of passes that each image needed."""
        return self.with_views(images, self._predictor.predict(images))

    def with_views(self, images: Images, plain: Probs) -> tuple[Probs, Indices]:
        """Add the further views to the predictions of the plain one; count each image's passes."""
        is_unsure = (plain.max(axis=1) < self._below) | (self._below == 1)
        rows, num_views = np.flatnonzero(is_unsure), 1 + NUM_FURTHER[self._views]
        passes = self.info.passes * np.where(is_unsure, num_views, 1)
        if len(rows) == 0:
            return plain, passes
        sums = plain[rows].astype(np.float64)
        for view in self._further(images[rows]):
            sums += self._predictor.predict(view)
        probs = plain.copy()
        probs[rows] = sums / num_views
        return probs, passes

    def _further(self, images: Images) -> Iterator[Images]:
        yield mirror_images(images)
        if self._views == "flip-shift":
            side, *rest = images.shape[2:]
            squares = images.reshape(-1, side, side, *rest)  # an image holds one, or two
            for down, right in SHIFTS:
                shifted = shift_images(squares, down, right, border=BORDERS[self.info.crop])
                shifted = shifted.reshape(images.shape)
                yield shifted
                yield mirror_images(shifted)


def predict_counted(predictor: Predictor, images: Images) -> tuple[Probs, Indices]:
    """Return the probabilities, and the number of passes that each image needed."""
    if isinstance(predictor, ViewsPredictor):
        return predictor.predict_counted(images)
    return predictor.predict(images), np.full(len(images), predictor.info.passes, np.int64)


def untrained_notes(model: ResolvedModel, views: str | None) -> tuple[str, ...]:
    """Return a sentence for every run of the model whose recipe trained without such views."""
    if views is None:
        return ()
    notes = [
        _untrained_note(each.run.recipe(), views)
        for each in model.members or (model,)
        if each.run and not each.predictor.info.adopted
    ]
    return tuple(dict.fromkeys(note for note in notes if note))


def _untrained_note(recipe: Recipe, views: str) -> str:
    """Return a sentence about views that a recipe did not train with; "" if it did."""
    needed = {"flip": recipe.flip}
    if views == "flip-shift":
        needed["max_shift"] = recipe.max_shift > 0
    missing = [name for name, is_on in needed.items() if not is_on]
    if not missing:
        return ""
    return (
        f"the recipe {recipe.name} trained without {' and '.join(missing)}: such views are new to "
        "the network, and may make it worse"
    )
