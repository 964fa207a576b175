"""Label errors and duplicate images of a data set."""

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np

from ankleboot.core.types import IMAGE_SIZE, Images, Labels, Probs
from ankleboot.data.dataset import LabeledImages
from ankleboot.evaluation.statistics import standardized_rows

MIN_DUPLICATE_CORRELATION = 0.99  # of raw pixels; such images are near duplicates
BLOCK = 2_000  # rows of the correlation matrix that are in memory at a time


@dataclass(frozen=True)
class LabelIssue:
    """An image whose label is probably wrong.

    Attributes:
        index: Position in the training file.
        quality: cleanlab's label quality from 0 to 1; a low quality means a doubtful label.
        p_given: Out-of-fold probability of the label; `p_suggested`: of the suggested one.
    """

    index: int
    label: str
    suggested: str
    quality: float
    p_given: float
    p_suggested: float


@dataclass(frozen=True)
class Duplicates:
    """Equal and nearly equal images of two splits, or within one.

    Attributes:
        exact: Number of images whose bytes occur in the other split, or earlier in the same one.
        near: Number of images of the second split that correlate above 0.99 with one of the first.
        conflicts: Number of `near` images whose nearest neighbor has another label.
        pairs: Index in the second split, index in the first, and correlation, highest first.
    """

    between: str
    exact: int
    near: int
    conflicts: int
    pairs: tuple[tuple[int, int, float], ...]


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
    return Duplicates(
        between=f"{second_name} and {first_name}",
        exact=_num_exact(first.images, second.images),
        near=len(pairs),
        conflicts=conflicts,
        pairs=tuple(sorted(pairs, key=lambda pair: -pair[2])),
    )


def _small(images: Images) -> Images:
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
