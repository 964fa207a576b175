"""Label errors and duplicate images of a data set."""

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np

from ankleboot.core.types import IMAGE_SIZE, Images, Labels, Probs
from ankleboot.data.dataset import LabeledImages
from ankleboot.evaluation.statistics import standardized_rows

MIN_DUPLICATE_CORRELATION = 0.99  # of raw pixels; such images are near duplicates
MIN_KAPPA = 0.2  # below it agreement is slight (Landis and Koch 1977)
BLOCK = 2_000  # rows of the correlation matrix that are in memory at a time


@dataclass(frozen=True)
class LabelIssue:
    """An image whose label is probably wrong.

    Attributes:
        index: Position in the training file.
        file: Name of the image's file in the data set; "" if it comes from no such file.
        quality: cleanlab's label quality from 0 to 1; a low quality means a doubtful label.
        p_given: Out-of-fold probability of the label; `p_suggested`: of the suggested one.
    """

    index: int
    label: str
    suggested: str
    quality: float
    p_given: float
    p_suggested: float
    file: str = ""


@dataclass(frozen=True)
class Duplicates:
    """Equal and nearly equal images of two splits, or within one.

    Attributes:
        exact: Number of images whose bytes occur in the other split, or earlier in the same one.
        near: Number of images of the second split that correlate above 0.99 with one of the first.
        conflicts: Number of `near` images whose nearest neighbor has another label.
        pairs: Index in the second split, index in the first, and correlation, highest first.
        files: Names of the files of each pair; empty if the images come from no such files.
    """

    between: str
    exact: int
    near: int
    conflicts: int
    pairs: tuple[tuple[int, int, float], ...]
    files: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Agreement:
    """Agreement of predictions with labels beyond chance.

    Attributes:
        kappa: Cohen's kappa: 0 is chance, whatever the shares of the classes, and 1 perfect.
        low: Lower end of its 95 % interval.
    """

    kappa: float
    low: float

    @property
    def is_near_chance(self) -> bool:
        """True if the predictions know too little of the labels to doubt one of them."""
        return self.low < MIN_KAPPA


def measure_agreement(probs: Probs, labels: Labels) -> Agreement:
    """Measure how far predictions agree with labels beyond chance.

    Source: Cohen 1960, https://doi.org/10.1177/001316446002000104
    """
    predicted, num_classes = probs.argmax(axis=1), probs.shape[1]
    shares = [
        np.bincount(each, minlength=num_classes) / len(labels) for each in (predicted, labels)
    ]
    accuracy, chance = float((predicted == labels).mean()), float(shares[0] @ shares[1])
    if chance == 1:  # one class alone
        return Agreement(0.0, 0.0)
    # a share of 0 or 1 has a variance of 0; half an image more on each side, as Agresti and Coull
    smooth = (accuracy * len(labels) + 2) / (len(labels) + 4)
    error = float(np.sqrt(smooth * (1 - smooth) / (len(labels) + 4))) / (1 - chance)
    kappa = (accuracy - chance) / (1 - chance)
    return Agreement(kappa, kappa - 1.96 * error)


def find_label_issues(
    probs: Probs, labels: Labels, class_names: tuple[str, ...]
) -> tuple[LabelIssue, ...]:
    """Find labels that cleanlab doubts, the most doubtful first.

    Source: Northcutt et al. 2021 (confident learning), https://arxiv.org/abs/1911.00068
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    given = labels.astype(np.int64)
    quality = get_label_quality_scores(given, probs)
    indices = find_label_issues(given, probs, return_indices_ranked_by="self_confidence", n_jobs=1)
    return tuple(
        LabelIssue(
            index=int(index),
            label=class_names[given[index]],
            suggested=class_names[probs[index].argmax()],
            quality=float(quality[index]),
            p_given=float(probs[index, given[index]]),
            p_suggested=float(probs[index].max()),
        )
        for index in indices
    )


def find_duplicates(
    first_name: str, first: LabeledImages, second_name: str, second: LabeledImages
) -> Duplicates:
    """Compare every image of the second split with every image of the first."""
    is_same = first is second
    rows = standardized_rows(_small(first.images))
    queries = rows if is_same else standardized_rows(_small(second.images))
    pairs, conflicts = [], 0
    for start in range(0, len(queries), BLOCK):
        block = queries[start : start + BLOCK]
        # within one split each pair counts once: only earlier images are neighbors
        known = rows[: start + len(block)] if is_same else rows
        correlation = block @ known.T
        if is_same:
            correlation[:, start:][np.triu_indices(len(block))] = -1
        nearest = correlation.argmax(axis=1)
        highest = correlation[np.arange(len(block)), nearest]
        for row in np.flatnonzero(highest > MIN_DUPLICATE_CORRELATION):
            pairs.append((start + int(row), int(nearest[row]), float(highest[row])))
            conflicts += int(second.labels[start + row] != first.labels[nearest[row]])
    pairs.sort(key=lambda pair: -pair[2])
    return Duplicates(
        between=f"{second_name} and {first_name}",
        exact=_num_exact(first.images, second.images),
        near=len(pairs),
        conflicts=conflicts,
        pairs=tuple(pairs),
        files=tuple((second.names[a], first.names[b]) for a, b, _ in pairs) if first.names else (),
    )


def _small(images: Images) -> np.ndarray:
    """Reduce images to 28 x 28 gray pixels, which suffice to find near duplicates."""
    if images.shape[1:] == (IMAGE_SIZE, IMAGE_SIZE):
        return images
    small = np.empty((len(images), IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for image, target in zip(images, small, strict=True):
        gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        cv2.resize(gray, target.shape, dst=target, interpolation=cv2.INTER_AREA)
    return small


def _num_exact(first: np.ndarray, second: np.ndarray) -> int:
    """Count images of the second split that are in the first, or repeated ones of one split."""
    digests = [hashlib.sha256(image.tobytes()).digest() for image in second]
    if first is second:
        return len(digests) - len(set(digests))
    known = {hashlib.sha256(image.tobytes()).digest() for image in first}
    return sum(digest in known for digest in digests)
