"""Evidence behind an accuracy: number of images, classes without images or predictions, baseline.

An accuracy of 95 % means little where one class has 95 % of the images, and nothing about a class
that no image shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ankleboot.core.text import truncate_middle
from ankleboot.core.types import Labels
from ankleboot.evaluation.metrics import wilson_interval
from ankleboot.evaluation.statistics import Interval

FEW_IMAGES = 100  # an accuracy of 90 % is then known to 6 points up or down
TOO_FEW_IMAGES = 30  # all right may then still be an accuracy below 90 %
FLATTERED = 0.05  # accuracy above the mean recall of the classes
NUM_LISTED = 8  # class names in a sentence


def too_few_to_judge(num_images: int) -> str:
    """Return the verdict on a training that was judged on fewer than `TOO_FEW_IMAGES` images."""
    return f"Too few images to judge: {num_images:,}."


@dataclass(frozen=True)
class Evidence:
    """Counts behind an evaluation.

    Attributes:
        accuracy_ci95: Wilson interval of the accuracy.
        majority_class: Most frequent class.
        majority_baseline: Accuracy of predicting it for every image.
        balanced_accuracy: Mean recall of the classes that have images.
        classes_without_images: Classes about which the images say nothing.
        classes_never_predicted: Classes with images that the model predicts for none.
    """

    num_images: int
    accuracy: float
    accuracy_ci95: Interval
    majority_class: str
    majority_baseline: float
    balanced_accuracy: float
    classes_without_images: tuple[str, ...]
    classes_never_predicted: tuple[str, ...]

    def sentences(self, kind: str) -> tuple[str, ...]:
        """Describe what limits the accuracy on images of a kind such as "validation"."""
        return tuple(
            sentence
            for sentence in (
                self._few_images(kind),
                self._baseline(),
                self._missing(kind),
                self._never_predicted(),
            )
            if sentence
        )

    def _few_images(self, kind: str) -> str:
        if self.num_images >= FEW_IMAGES:
            return ""
        low, high = self.accuracy_ci95
        return (
            f"Few images: the accuracy rests on {self.num_images:,} {kind} images, each of them "
            f"{100 / self.num_images:.1f} points; the true one may be anything from "
            f"{100 * low:.0f} to {100 * high:.0f} %."
        )

    def _baseline(self) -> str:
        """Compare with predicting the most frequent class, where the accuracy alone flatters."""
        low, _ = self.accuracy_ci95
        flatters = self.accuracy - self.balanced_accuracy >= FLATTERED
        if self.majority_baseline < low and not flatters:
            return ""
        relation = "against"
        if self.majority_baseline >= self.accuracy:
            relation = "as much as" if self.majority_baseline == self.accuracy else "more than"
        return (
            f"Always predicting {_shown(self.majority_class)} would be right on "
            f"{100 * self.majority_baseline:.1f} %, {relation} the {100 * self.accuracy:.1f} % of "
            f"the model; the mean recall of its classes (balanced accuracy) is "
            f"{100 * self.balanced_accuracy:.1f} %."
        )

    def _missing(self, kind: str) -> str:
        if not self.classes_without_images:
            return ""
        return f"No {kind} image of {_listed(self.classes_without_images)}: nothing is known there."

    def _never_predicted(self) -> str:
        if not self.classes_never_predicted:
            return ""
        return (
            f"Never predicted, although images show it: {_listed(self.classes_never_predicted)}; "
            "more images of them, or class_weights=balanced, would help."
        )


def weigh_evidence(predicted: Labels, labels: Labels, class_names: Sequence[str]) -> Evidence:
    """Count what an accuracy rests on; there must be an image."""
    support = np.bincount(labels, minlength=len(class_names))
    given = np.bincount(predicted, minlength=len(class_names))
    is_correct = predicted == labels
    hits = np.bincount(labels[is_correct], minlength=len(class_names))
    has_images = support > 0
    num = len(labels)
    return Evidence(
        num_images=num,
        accuracy=float(is_correct.mean()),
        accuracy_ci95=wilson_interval(int(is_correct.sum()), num),
        majority_class=class_names[int(support.argmax())],
        majority_baseline=float(support.max() / num),
        balanced_accuracy=float((hits[has_images] / support[has_images]).mean()),
        classes_without_images=_named(class_names, ~has_images),
        classes_never_predicted=_named(class_names, has_images & (given == 0)),
    )


def _named(class_names: Sequence[str], chosen: np.ndarray) -> tuple[str, ...]:
    return tuple(name for name, is_chosen in zip(class_names, chosen, strict=True) if is_chosen)


def _shown(name: str) -> str:
    return truncate_middle(name)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NUM_LISTED:,} more" if len(names) > NUM_LISTED else ""
    return ", ".join(map(_shown, names[:NUM_LISTED])) + more
