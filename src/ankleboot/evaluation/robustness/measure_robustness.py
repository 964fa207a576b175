"""Accuracy on corrupted images, and separation of out-of-distribution images by confidence."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ankleboot.core import plugins
from ankleboot.core.types import Images, SomeImages, batch_size_for
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
        auroc: Area under the ROC curve by kind of outlier, for confidence as the score that
            separates the images from the outliers.
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
    """Predict corrupted copies of images, and outliers.

    Args:
        predictor: Model to measure.
        split: Images with labels.
        num_images: Number of images, taken from the start; fewer if they are large.
        photos: Images that show none of the classes, as one more kind of outlier.
    """
    num = batch_size_for(num_images, split.images.shape[1:])
    images, labels = np.asarray(split.images[:num]), split.labels[:num]
    rng = np.random.default_rng(SEED)

    def accuracy_on(corrupted: Images) -> float:
        return float((predictor.predict(corrupted).argmax(axis=1) == labels).mean())

    clean = predictor.predict(images)
    corruptions: dict[str, Corruption] = {
        name: plugins.resolve("corruptions", name) for name in plugins.names("corruptions")
    }
    accuracy = {
        name: tuple(accuracy_on(corrupt(images, severity, rng)) for severity in SEVERITIES)
        for name, corrupt in corruptions.items()
    }
    confidence = clean.max(axis=1)
    outliers = {
        name: auroc(confidence, predictor.predict(make(images, rng)).max(axis=1))
        for name, make in OUTLIERS.items()
    }
    if photos is not None:
        outliers["photos"] = auroc(confidence, predictor.predict(photos).max(axis=1))
    return Robustness(
        num_examples=len(labels),
        clean=float((clean.argmax(axis=1) == labels).mean()),
        accuracy=accuracy,
        mean=float(np.mean(list(accuracy.values()))),
        auroc=outliers,
    )
