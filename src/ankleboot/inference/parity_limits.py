"""Accepted differences between exported models and their Keras models."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ParityLimits:
    """Accepted differences between an exported file and its Keras model.

    Attributes:
        max_abs_diff: Largest difference of one probability.
        top1_agreement: Minimal fraction of images with the same label.
        max_accuracy_loss: Largest loss of accuracy, as a fraction of the images. None where the
            labels of the images are not needed: equal predictions have equal accuracy.
    """

    max_abs_diff: float = 1.0
    top1_agreement: float = 0.0
    max_accuracy_loss: float | None = None


FLOAT32 = ParityLimits(max_abs_diff=1e-4, top1_agreement=1.0)
FLOAT16 = ParityLimits(max_abs_diff=3e-2, top1_agreement=0.999)
"""Half precision rounds every weight by up to 1 in 2,048. Over nine convolutions that moves the
probability of one test image in 10,000 by 0.012 (`cnn100k`)."""
INT8 = ParityLimits(top1_agreement=0.97, max_accuracy_loss=0.003)
AS_ACCURATE = ParityLimits(top1_agreement=0.97, max_accuracy_loss=0.001)
"""Limits of a file that is int8 unasked: it may lose one answer in a thousand, or one in all."""
