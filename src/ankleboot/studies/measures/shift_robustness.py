"""Accuracy and stability of predictions on shifted images."""

from typing import Any

import numpy as np

from ankleboot.core.types import Labels, SomeImages
from ankleboot.data.augmentation import shift_images
from ankleboot.studies.measures.trained_run import TrainedRun, predict

DISTANCES = (0, 1, 2, 3, 4, 6)  # pixels
DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))  # down and right
NUM_IMAGES = 3_000  # validation images, shifted in four directions at every distance


def measure_shift_robustness(trained: TrainedRun) -> dict[str, Any]:
    """Measure accuracy and unchanged predictions by distance of the shift."""
    part = trained.validation
    return shift_robustness(trained.model, part.images[:NUM_IMAGES], part.labels[:NUM_IMAGES])


def shift_robustness(model: Any, images: SomeImages, labels: Labels) -> dict[str, Any]:
    """Measure the shift robustness of any network from images to probabilities.

    Pixels outside the frame are lost; new ones are black like the background.
    """
    predicted = predict(model, images).argmax(axis=1)
    accuracies, unchanged = [float((predicted == labels).mean())], [1.0]
    for distance in DISTANCES[1:]:
        moved = [
            predict(model, shift_images(images, distance * down, distance * right)).argmax(axis=1)
            for down, right in DIRECTIONS
        ]
        accuracies.append(float(np.mean([variant == labels for variant in moved])))
        unchanged.append(float(np.mean([variant == predicted for variant in moved])))
    return {
        "shift_distances": list(DISTANCES),
        "shift_accuracies": accuracies,
        "shift_unchanged": unchanged,
        "shifted_accuracy": accuracies[DISTANCES.index(2)],
        "unchanged": unchanged[DISTANCES.index(1)],
    }
