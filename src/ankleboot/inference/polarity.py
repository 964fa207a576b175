"""Polarity of images that are taken for those of the data set, which are light on black.

Photos of either polarity give the same input; 28 x 28 gray pixels pass unchanged, so that dark
garments on white would be predicted wrongly and without a word.
"""

from dataclasses import dataclass

import numpy as np

from ankleboot.inference.predict import PreparedImage

LIGHT = 127  # of 2,000 training images none has an edge of a median above 38


@dataclass
class PolarityCheck:
    """Number of images of the data set's form on a light background, so far."""

    num_light: int = 0

    def add(self, entry: PreparedImage) -> None:
        """Count an image, unless its model takes photos in any form."""
        if entry.predictor.info.crop == "garment" and entry.decoded.is_dataset_image:
            edge = np.ones(entry.image.shape, bool)
            edge[1:-1, 1:-1] = False
            self.num_light += bool(np.median(entry.image[edge]) > LIGHT)

    @property
    def note(self) -> str:
        """Return a note about the counted images; empty if there are none."""
        if not self.num_light:
            return ""
        return (
            f"images of 28 x 28 gray pixels on a light background: {self.num_light:,}; they are "
            "predicted as they are, but the data set is light on black: invert them"
        )
