"""Doubtful labels and duplicate images of a data set."""

import hashlib
import math
from dataclasses import dataclass

import cv2
import numpy as np

from ankleboot.core.types import IMAGE_SIZE, Images, Labels, Probs
from ankleboot.data.dataset import LabeledImages

MIN_DUPLICATE_CORRELATION = (
    0.99  # Pearson correlation of raw pixels from which two images are near duplicates
)

BLOCK = 2_000  # rows of the correlation matrix that are held at once


@dataclass(frozen=True)
class LabelIssue:
    """An image whose label is doubtful.

    Attributes:
        index: In the training file.
        quality: cleanlab's label quality, 0 to 1; the lower, the more doubtful.
        p_given: Out-of-fold probability of the label it has.
    """

    index: int
    label: str
    suggested: str
    quality: float
    p_given: float
    p_suggested: float


@dataclass(frozen=True)
class Duplicates:
    """Pairs of images that are the same, or nearly.

    Attributes:
        exact: Images whose bytes are in the other part, or earlier in the same one.
        near: Images of the second part with a neighbour in the first at a correlation above 0.99.
        conflicts: Of `near`, those whose nearest neighbour has another label.
        pairs: The near ones: (index in the second, index in the first, correlation), best first.
    """

    between: str
    exact: int
    near: int
    conflicts: int
    pairs: tuple[tuple[int, int, float], ...]


def find_label_issues(
    probs: Probs, labels: Labels, class_names: tuple[str, ...]
) -> tuple[LabelIssue, ...]:
    """Labels that cleanlab doubts, the most doubtful first.

    Source: Northcutt et al. 2021 (confident learning), https://arxiv.org/abs/1911.00068
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    whole = labels.astype(np.int64)
    quality = get_label_quality_scores(whole, probs)
    found = find_label_issues(whole, probs, return_indices_ranked_by="self_confidence", n_jobs=1)
    return tuple(
        LabelIssue(
            index=int(index),
            label=class_names[whole[index]],
            suggested=class_names[probs[index].argmax()],
            quality=float(quality[index]),
            p_given=float(probs[index, whole[index]]),
            p_suggested=float(probs[index].max()),
        )
        for index in found
    )


def find_duplicates(
    first_name: str, first: LabeledImages, second_name: str, second: LabeledImages
) -> Duplicates:
    """Compare every image of the second part with every one of the first."""
    same_part = first is second
    units = _units(first.images)
    queries = units if same_part else _units(second.images)
    pairs, conflicts = [], 0
    for start in range(0, len(queries), BLOCK):
        block = queries[start : start + BLOCK]
        # of a part with itself each pair counts once: only earlier images are neighbours
        known = units[: start + len(block)] if same_part else units
        similar = block @ known.T
        if same_part:
            rows = np.arange(len(block))
            similar[rows[:, None], start + rows[None, :]] = np.where(
                rows[None, :] < rows[:, None], similar[:, start : start + len(block)], -1
            )
        best = similar.argmax(axis=1)
        values = similar[np.arange(len(block)), best]
        for row in np.flatnonzero(values > MIN_DUPLICATE_CORRELATION):
            pairs.append((start + int(row), int(best[row]), float(values[row])))
            conflicts += int(second.labels[start + row] != first.labels[best[row]])
    return Duplicates(
        between=f"{second_name} and {first_name}",
        exact=_num_exact(first.images, None if same_part else second.images),
        near=len(pairs),
        conflicts=conflicts,
        pairs=tuple(sorted(pairs, key=lambda pair: -pair[2])),
    )


def _small(images: Images) -> np.ndarray:
    """Grey and of 28 x 28 pixels: enough to find what is nearly the same."""
    if images.shape[1:] == (IMAGE_SIZE, IMAGE_SIZE):
        return images
    small = np.empty((len(images), IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for image, target in zip(images, small, strict=True):
        grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        cv2.resize(grey, target.shape, dst=target, interpolation=cv2.INTER_AREA)
    return small


def _units(images: Images) -> np.ndarray:
    """Rows of length 1 around 0: their products are Pearson correlations."""
    small = _small(images)
    flat = small.reshape(len(images), math.prod(small.shape[1:])).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), np.float32(1e-9))
    return flat


def _num_exact(first: np.ndarray, second: np.ndarray | None) -> int:
    """Images of the second that are in the first byte by byte; of one part, repeated ones."""
    digests = [hashlib.sha256(image.tobytes()).digest() for image in first]
    known = set(digests)
    if second is None:
        return len(digests) - len(known)
    return sum(hashlib.sha256(image.tobytes()).digest() in known for image in second)
