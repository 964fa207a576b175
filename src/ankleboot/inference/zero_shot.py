"""The shipped model "zero-shot": two networks over four views of an image."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ankleboot.core.types import Images, Probs
from ankleboot.data.augmentation import mirror_images
from ankleboot.inference.litert import LiteRTPredictor
from ankleboot.inference.predictor import Predictor
from ankleboot.models.files.calibration import apply_temperature
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import Run

BLUR = np.array([0.166, 0.668, 0.166], np.float32)  # Gaussian with standard deviation 0.6
MIN_PROB = 1e-4  # probability added to every class, so that no single view rules a class out
SIMULATED_MODEL_WEIGHT = 2.0  # weight of the network for photos; source: docs/photos.md
NUM_VIEWS = 4


class ZeroShotPredictor:
    """Weighted geometric mean of networks over an image, its mirror image and blurred copies.

    The networks, each with its weight, take 28 x 28 gray images of the same classes. The
    temperature in `info`, which is that of the ensemble, is applied here.
    """

    def __init__(self, predictors: Sequence[tuple[Predictor, float]], info: ModelMetadata) -> None:
        self.name, self.info = info.recipe, info
        self._predictors = predictors

    def predict(self, images: Images) -> Probs:
        """Return the calibrated mean over all networks and views."""
        sums: np.ndarray = np.zeros((len(images), len(self.info.labels)))
        total = 0.0
        for view in _views(images):
            for predictor, weight in self._predictors:
                sums += weight * np.log(predictor.predict(view) + MIN_PROB)
                total += weight
        likelihoods = np.exp((sums - sums.max(axis=1, keepdims=True)) / total)
        probs = (likelihoods / likelihoods.sum(axis=1, keepdims=True)).astype(np.float32)
        return apply_temperature(probs, self.info.temperature)


def load_zero_shot(num_threads: int) -> ZeroShotPredictor:
    """Load the shipped ensemble for photos whose networks were trained without photos."""
    folder = catalog.FOLDERS[catalog.ZERO_SHOT]
    pocket, simulated = (
        LiteRTPredictor(path / catalog.MODEL_FILE, num_threads=num_threads)
        for path in (catalog.FOLDERS[catalog.POCKET], folder)
    )
    calibration = Run(folder).calibration()
    info = replace(
        simulated.info,
        recipe=catalog.ZERO_SHOT,
        parameters=pocket.info.parameters + simulated.info.parameters,
        passes=2 * NUM_VIEWS,
        temperature=calibration.temperature if calibration else 1.0,
        abstain_below=calibration.abstain_below if calibration else 0.0,
    )
    return ZeroShotPredictor([(pocket, 1.0), (simulated, SIMULATED_MODEL_WEIGHT)], info)


def _views(images: Images) -> Iterator[Images]:
    for view in (images, np.rint(_blurred(images)).astype(np.uint8)):
        yield view
        yield mirror_images(view)


def _blurred(images: np.ndarray) -> np.ndarray:
    padded = np.pad(images.astype(np.float32), ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = sum(w * padded[:, i : i + images.shape[1]] for i, w in enumerate(BLUR))
    blurred: np.ndarray = sum(w * rows[:, :, i : i + images.shape[2]] for i, w in enumerate(BLUR))
    return blurred
