"""Accuracy on corrupted images, and separation of out-of-distribution images by confidence."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ankleboot.core import plugins
from ankleboot.core.progress import counting
from ankleboot.core.types import Images, Probs, SomeImages, batch_size_for
from ankleboot.data.dataset import LabeledImages
from ankleboot.evaluation.robustness.corruptions import SEVERITIES
from ankleboot.evaluation.robustness.out_of_distribution import OUTLIERS, auroc
from ankleboot.inference.predictor import Predictor

NUM_IMAGES = 2_000  # +- 1.3 points at 90 % accuracy; large images are fewer
SEED = 0  # of noise, directions and outliers

Corruption = Callable[[Images, int, np.random.Generator], Images]


@dataclass(frozen=True)
class Robustness:
    """Robustness measured on `num_examples` images.

    Attributes:
        clean: Accuracy on the uncorrupted images.
        accuracy: Accuracy by corruption, for each severity from 1 to 5.
        mean: Mean accuracy over all corruptions and severities.
        auroc: Area under the ROC curve of the confidence by kind of outlier.
    """

    num_examples: int
    clean: float
    accuracy: dict[str, tuple[float, ...]]
    mean: float
    auroc: dict[str, float]


def measure_robustness(
    predictor: Predictor,
    split: LabeledImages,
    *,
    num_images: int = NUM_IMAGES,
    photos: SomeImages | None = None,
) -> Robustness:
    """Predict corrupted copies of the first images, fewer if they are large, and outliers.

    `photos` show none of the classes and are one more kind of outlier.
    """
    num = batch_size_for(num_images, split.images.shape[1:])
    images, labels = np.asarray(split.images[:num]), split.labels[:num]
    rng = np.random.default_rng(SEED)
    probs = predictor.predict(images)

    def accuracy(probs: Probs) -> float:
        return float((probs.argmax(axis=1) == labels).mean())

    def separation(outliers: SomeImages) -> float:
        return auroc(probs.max(axis=1), predictor.predict(outliers).max(axis=1))

    by_corruption, names = {}, plugins.names("corruptions")
    with counting("corruptions", len(names)) as report:
        for number, name in enumerate(names):
            report(number)
            corrupt: Corruption = plugins.resolve("corruptions", name)
            copies = [corrupt(images, severity, rng) for severity in SEVERITIES]
            # at once, since many small calls are slow
            probs_of_copies = predictor.predict(np.concatenate(copies))
            by_corruption[name] = tuple(map(accuracy, np.split(probs_of_copies, len(copies))))
    by_outliers = {name: separation(make(images, rng)) for name, make in OUTLIERS.items()}
    if photos is not None:
        by_outliers["photos"] = separation(photos)
    mean = float(np.mean(list(by_corruption.values())))
    return Robustness(len(labels), accuracy(probs), by_corruption, mean, by_outliers)
