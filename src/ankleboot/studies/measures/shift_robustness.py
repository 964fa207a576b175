"""What happens to the answers when the garment stands elsewhere."""

from typing import Any

import numpy as np

from ankleboot.core.types import Labels, SomeImages
from ankleboot.data.augmentation import shift_images
from ankleboot.studies.measures.trained_run import TrainedRun, predict

DISTANCES = (0, 1, 2, 3, 4, 6)  # pixels
DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))  # down and right
NUM_IMAGES = 3_000  # the first ones; four directions of each at every distance


def measure_shift_robustness(trained: TrainedRun) -> dict[str, Any]:
    """Accuracy by how far the images are shifted, and how many answers a pixel leaves alone."""
    part = trained.part
    return shift_robustness(trained.model, part.images[:NUM_IMAGES], part.labels[:NUM_IMAGES])


def shift_robustness(model: Any, images: SomeImages, labels: Labels) -> dict[str, Any]:
    """As `shifts`, of any network: images in, probabilities out.

    What leaves the frame is lost, what comes in is black, as the background is.
    """
    said = predict(model, images).argmax(axis=1)
    accuracies, unchanged = [float((said == labels).mean())], [1.0]
    for distance in DISTANCES[1:]:
        moved = [
            predict(model, shift_images(images, distance * down, distance * right)).argmax(axis=1)
            for down, right in DIRECTIONS
        ]
        accuracies.append(float(np.mean([one == labels for one in moved])))
        unchanged.append(float(np.mean([one == said for one in moved])))
    return {
        "shift_distances": list(DISTANCES),
        "shift_accuracies": accuracies,
        "shift_unchanged": unchanged,
        "shifted_accuracy": accuracies[DISTANCES.index(2)],
        "unchanged": unchanged[DISTANCES.index(1)],
    }
