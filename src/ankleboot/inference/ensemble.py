"""Several networks look at an image in several ways, and agree."""

from collections.abc import Iterator, Sequence

import numpy as np

from ankleboot.core.types import Images, Probs
from ankleboot.inference.load import Predictor
from ankleboot.models.files.calibration import apply_temperature
from ankleboot.models.files.metadata import ModelMetadata

BLUR = np.array([0.166, 0.668, 0.166], np.float32)  # Gaussian with standard deviation 0.6
MIN_PROB = 1e-4  # probability: one view alone cannot rule a class out


class EnsemblePredictor:
    """The weighted geometric mean of what networks say of an image, as it is, mirrored and blurred.

    Args:
        predictors: For 28 x 28 grey images, with the same classes; and what each one's word counts.
        info: What is said of them together; its temperature is applied here.
    """

    def __init__(self, predictors: Sequence[tuple[Predictor, float]], info: ModelMetadata) -> None:
        self.name, self.info = info.recipe, info
        self._predictors = predictors

    def predict(self, images: Images) -> Probs:
        """Ask every network about every view."""
        sums: np.ndarray = np.zeros((len(images), len(self.info.labels)))
        total = 0.0
        for view in _views(images):
            for predictor, weight in self._predictors:
                sums += weight * np.log(predictor.predict(view) + MIN_PROB)
                total += weight
        likelihoods = np.exp((sums - sums.max(axis=1, keepdims=True)) / total)
        probs = (likelihoods / likelihoods.sum(axis=1, keepdims=True)).astype(np.float32)
        return apply_temperature(probs, self.info.temperature)


def _views(images: Images) -> Iterator[Images]:
    for view in (images, np.rint(_blurred(images)).astype(np.uint8)):
        yield view
        yield np.ascontiguousarray(view[:, :, ::-1])


def _blurred(images: np.ndarray) -> np.ndarray:
    padded = np.pad(images.astype(np.float32), ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = sum(w * padded[:, i : i + images.shape[1]] for i, w in enumerate(BLUR))
    found: np.ndarray = sum(w * rows[:, :, i : i + images.shape[2]] for i, w in enumerate(BLUR))
    return found
