"""How a model takes spoiled images, and images that it should not know.

robustness(predictor, data.test)
"""

from dataclasses import dataclass

import numpy as np

from ankleboot.core.types import SomeImages, batch_size_for
from ankleboot.data.dataset import LabeledImages
from ankleboot.evaluation.robustness.corruptions import CORRUPTIONS, SEVERITIES
from ankleboot.evaluation.robustness.out_of_distribution import OUTLIERS, auroc
from ankleboot.inference.load import Predictor

__all__ = ["Robustness", "auroc", "measure_robustness"]

NUM_IMAGES = 2_000  # at most, fewer of large ones: +- 1.3 points at 90 %


@dataclass(frozen=True)
class Robustness:
    """What was measured on `num_examples` images.

    Attributes:
        clean: Accuracy on them as they are.
        accuracy: By corruption, for severities 1 to 5.
        mean: Over all corruptions and severities.
        auroc: By kind of outlier: how well the highest probability tells the part's images from it.
    """

    num_examples: int
    clean: float
    accuracy: dict[str, tuple[float, ...]]
    mean: float
    auroc: dict[str, float]


def measure_robustness(
    predictor: Predictor,
    part: LabeledImages,
    *,
    num_images: int = NUM_IMAGES,
    photos: SomeImages | None = None,
    seed: int = 0,
) -> Robustness:
    """Predict spoiled copies of some images, and outliers.

    Args:
        predictor: The model.
        part: Images with labels.
        num_images: The first so many of them (fewer if they are large); each is predicted 60 times.
        photos: Pictures from elsewhere, as one more kind of outlier.
        seed: Of noise, directions and outliers.
    """
    num = batch_size_for(num_images, part.images.shape[1:])
    images, labels = np.asarray(part.images[:num]), part.labels[:num]
    generator = np.random.default_rng(seed)
    clean = predictor.predict(images)
    accuracy = {
        name: tuple(
            float(
                (predictor.predict(corrupt(images, s, generator)).argmax(axis=1) == labels).mean()
            )
            for s in SEVERITIES
        )
        for name, corrupt in CORRUPTIONS.items()
    }
    confidence = clean.max(axis=1)
    outliers = {
        name: auroc(confidence, predictor.predict(make(images, generator)).max(axis=1))
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
