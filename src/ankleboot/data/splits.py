"""Deterministic split into training and validation images, identified by a SHA-256."""

from dataclasses import dataclass

import numpy as np

from ankleboot.core.errors import DataError
from ankleboot.core.files import sha256_of
from ankleboot.core.types import Indices, Labels
from ankleboot.recipes.split_rule import SplitRule


@dataclass(frozen=True)
class Split:
    """Disjoint, ascending positions in the training file; equal hashes mean equal splits."""

    train: Indices
    validation: Indices
    sha256: str


def split(
    labels: Labels,
    rule: SplitRule,
    validation: Indices | None = None,
    duplicates: Indices | None = None,
) -> Split:
    """Divide the training file by a rule.

    "last" takes the last images for validation (48,000/12,000 in Fashion-MNIST); "stratified" draws
    the same fraction of every class with `split_seed`. `train_size` then keeps that many training
    images, class by class in proportion.

    Args:
        labels: Labels of the training file.
        rule: Rule to apply; its defaults stand in recipes/split_rule.py.
        validation: Positions that the data set itself keeps for validation.
        duplicates: Number of each image's group of equal images; a group stays on one side.

    Raises:
        DataError: If a split would be empty, or has fewer images than the rule asks for.
    """
    if validation is None:
        validation = _draw_validation(labels, rule, duplicates)
    train = np.setdiff1d(np.arange(len(labels), dtype=np.int64), validation, assume_unique=True)
    if rule.train_size:
        if rule.train_size > len(train):
            raise DataError(
                f"train_size={rule.train_size}: the split leaves {len(train)} training images"
            )
        rng = np.random.default_rng([rule.split_seed, 2])
        train = draw(train, labels[train], rule.train_size, rng)
    if not (len(train) and len(validation)):
        raise DataError(
            f"{len(labels)} images are too few for validation_fraction={rule.validation_fraction:g}"
        )
    content = train.astype("<i8").tobytes() + b"|" + validation.astype("<i8").tobytes()
    return Split(train, validation, sha256_of(content))


def _draw_validation(labels: Labels, rule: SplitRule, duplicates: Indices | None) -> Indices:
    """Draw the first image of each group of duplicates; the others follow it."""
    firsts = np.arange(len(labels), dtype=np.int64)
    if duplicates is not None:
        firsts = np.sort(np.unique(duplicates, return_index=True)[1])
    size = round(len(firsts) * rule.validation_fraction)
    chosen = firsts[len(firsts) - size :]
    if rule.split != "last":
        rng = np.random.default_rng([rule.split_seed, 1])
        chosen = draw(firsts, labels[firsts], size, rng)
    if duplicates is None:
        return chosen
    return np.flatnonzero(np.isin(duplicates, duplicates[chosen]))


def draw(positions: Indices, labels: Labels, size: int, rng: np.random.Generator) -> Indices:
    """Draw `size` of the positions, each class in proportion, in ascending order.

    The classes with the largest remainders share what rounding leaves over.
    """
    classes, counts = np.unique(labels, return_counts=True)
    shares = counts * (size / len(labels))
    quotas = np.floor(shares).astype(int)
    for index in np.argsort(quotas - shares, kind="stable")[: size - quotas.sum()]:
        quotas[index] += 1
    drawn = [
        rng.permutation(positions[labels == label])[:quota]
        for label, quota in zip(classes, quotas, strict=True)
    ]
    return np.sort(np.concatenate(drawn)).astype(np.int64)
