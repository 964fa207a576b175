"""Fit of the out-of-distribution check: centers of the training images, and a threshold.

The score is the similarity to the nearest training images in the features of a network that did not
learn the classes: Sun et al. 2022, https://arxiv.org/abs/2204.06507, with k-means centers in place
of all images, which is as good (docs/experiments.md).
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from ankleboot.core.files import write_json
from ankleboot.core.progress import report_progress
from ankleboot.core.types import Features, Images, Indices, Labels
from ankleboot.data.dataset import Dataset
from ankleboot.data.splits import deal_folds
from ankleboot.inference.ood_features import ood_features
from ankleboot.models.files.ood_check import MAX_CENTERS, OodCheck, mean_cosine, unit_vectors
from ankleboot.models.run import Run
from ankleboot.recipes.recipe import Recipe

CENTERS_PER_LABEL = 20
LOST_FRACTION = 0.02  # of images like the training images, which the check takes for foreign
NUM_FOLDS = 5
MAX_IMAGES = 4_000  # 2 ms each
MIN_IMAGES = 20  # fewer give no threshold
KMEANS_ITERATIONS = 30


def needs_ood_check(recipe: Recipe) -> bool:
    """Return whether runs of a recipe get a check: those on color images by transfer learning."""
    return recipe.architecture == "transfer" and recipe.color


def store_ood_check(run: Run, data: Dataset) -> None:
    """Fit the check to the training and validation images of a finished run, and store it.

    A run that has one keeps it.
    """
    path = run.folder / "ood_check.json"
    if path.exists() or not needs_ood_check(run.recipe()):
        return
    split = data.split(run.recipe().split_rule)
    rows = _thinned(np.union1d(split.train, split.validation))
    groups = None if data.groups is None else data.groups[rows]
    features = _features(data.train.images, rows)
    check = fit_ood_check(features, data.train.labels[rows], data.class_names, groups)
    if check is not None:
        write_json(path, check.to_json())


def _thinned(rows: Indices) -> Indices:
    """Return at most `MAX_IMAGES` rows, spread over all."""
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MAX_IMAGES), dtype=np.int64))
    thinned: Indices = rows[chosen]
    return thinned


def _features(images: Images, rows: Indices) -> Features:
    features = []
    for number, row in enumerate(rows, 1):
        features.append(ood_features(images[row]))
        if number % 100 == 0 or number == len(rows):
            report_progress("features", number, len(rows))
    return np.stack(features)


def fit_ood_check(
    features: Features, labels: Labels, class_names: Sequence[str], groups: Indices | None = None
) -> OodCheck | None:
    """Find centers for every label, and the threshold that 98 % of new images of it reach.

    The threshold comes from folds: the images of a fold are compared with centers of the others.

    Args:
        features: Features of training images; see `ood_features`.
        labels: Their labels, as indices of the class names.
        class_names: Labels in the order of the model's outputs.
        groups: Number of each image's group, such as its photographer, which is in one fold.

    Returns:
        The check; None for fewer than `MIN_IMAGES` images, or than two groups, or for more labels
        than a check has centers.
    """
    num_classes = len(class_names)
    numbers = np.arange(len(labels)) if groups is None else groups
    num_folds = min(NUM_FOLDS, len(np.unique(numbers)))
    if len(labels) < MIN_IMAGES or num_folds < 2 or num_classes > MAX_CENTERS:
        return None
    features = unit_vectors(features)
    per_label = min(CENTERS_PER_LABEL, MAX_CENTERS // num_classes)
    fold_of = deal_folds(labels, groups, num_folds, np.random.default_rng(0))
    similarities = np.concatenate(
        [
            mean_cosine(features[held], centers)
            for fold in range(num_folds)
            for held, centers in _of_labels(features, labels, fold_of == fold, per_label)
        ]
    )
    if not len(similarities):
        return None
    every = {
        name: cluster_centers(features[labels == index], per_label)
        for index, name in enumerate(class_names)
    }
    return OodCheck.of(every, float(np.quantile(similarities, LOST_FRACTION)), len(labels))


def _of_labels(
    features: Features, labels: Labels, is_held: np.ndarray, per_label: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the held images of each label, and the centers of its other images."""
    for index in np.unique(labels):
        held, others = is_held & (labels == index), ~is_held & (labels == index)
        if held.any() and others.any():
            yield held, cluster_centers(features[others], per_label)


def cluster_centers(features: Features, most: int) -> np.ndarray:
    """Return the k-means centers of unit vectors, as unit vectors: one for four, at most `most`."""
    number = min(most, -(-len(features) // 4))
    if number <= 1:
        return unit_vectors(features.mean(axis=0, keepdims=True)) if number else features
    cv2.setRNGSeed(0)
    criteria = (cv2.TERM_CRITERIA_MAX_ITER, KMEANS_ITERATIONS, 0.0)
    _, _, centers = cv2.kmeans(
        np.ascontiguousarray(features), number, None, criteria, 1, cv2.KMEANS_PP_CENTERS
    )
    return unit_vectors(centers)
