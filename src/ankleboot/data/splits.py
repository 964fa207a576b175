"""Deterministic split into training and validation images, identified by a SHA-256."""

from collections.abc import Sequence
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
    groups: Indices | None = None,
    *,
    has_named_groups: bool = False,
) -> Split:
    """Divide the training file by a rule.

    "last" takes the last images for validation (48,000/12,000 in Fashion-MNIST); "stratified" draws
    the same fraction of every class with `split_seed`. `train_size` then keeps that many training
    images, class by class in proportion.

    Args:
        labels: Labels of the training file.
        rule: Rule to apply; its defaults stand in recipes/split_rule.py.
        validation: Positions that the data set itself keeps for validation.
        groups: Number of each image's group; a group stays on one side.
        has_named_groups: Whether groups may be large. Whole groups are then chosen so that every
            class comes close to the fraction; otherwise the fraction counts groups.

    Raises:
        DataError: If a split would be empty, or has fewer images than the rule asks for.
    """
    if validation is None:
        if groups is not None and has_named_groups:
            validation = _draw_groups(labels, rule, groups)
        else:
            validation = _draw_validation(labels, rule, groups)
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
    return _identified(train, validation)


def without(drawn: Split, unusable: Indices) -> Split:
    """Take images out of a split.

    Raises:
        DataError: If no training or no validation image is left.
    """
    if not len(unusable):
        return drawn
    train, validation = (np.setdiff1d(part, unusable) for part in (drawn.train, drawn.validation))
    if not (len(train) and len(validation)):
        raise DataError(
            f"{len(train):,} training and {len(validation):,} validation images are left after "
            f"{len(unusable):,} that are not usable; expected one or more of each"
        )
    return _identified(train, validation)


def _identified(train: Indices, validation: Indices) -> Split:
    content = train.astype("<i8").tobytes() + b"|" + validation.astype("<i8").tobytes()
    return Split(train, validation, sha256_of(content))


def _draw_validation(labels: Labels, rule: SplitRule, groups: Indices | None) -> Indices:
    """Draw the first image of each group; the others follow it."""
    firsts = np.arange(len(labels), dtype=np.int64)
    if groups is not None:
        firsts = np.sort(np.unique(groups, return_index=True)[1])
    size = round(len(firsts) * rule.validation_fraction)
    chosen = firsts[len(firsts) - size :]
    if rule.split != "last":
        rng = np.random.default_rng([rule.split_seed, 1])
        chosen = draw(firsts, labels[firsts], size, rng)
    if groups is None:
        return chosen
    return np.flatnonzero(np.isin(groups, groups[chosen]))


def _draw_groups(labels: Labels, rule: SplitRule, groups: Indices) -> Indices:
    """Choose whole groups, each of which brings the classes closer to their shares.

    "last" begins with the last group, "stratified" takes them in the order that its seed draws.
    """
    names, numbers = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise DataError("all images are of one group; a split needs two or more groups")
    _, classes = np.unique(labels, return_inverse=True)
    counts = np.zeros((len(names), classes.max() + 1))
    np.add.at(counts, (numbers, classes), 1)
    missing = counts.sum(axis=0) * rule.validation_fraction
    weights = 1 / counts.sum(axis=0)  # a rare class weighs as much as a common one
    order = np.arange(len(names))[::-1]
    if rule.split != "last":
        order = np.random.default_rng([rule.split_seed, 1]).permutation(len(names))
    chosen = []
    for group in order:
        after = missing - counts[group]
        if (weights * after**2).sum() < (weights * missing**2).sum():
            missing = after
            chosen.append(group)
    if not chosen:  # every group is too large; the smallest one comes closest
        chosen = [order[np.argmin(counts[order].sum(axis=1))]]
    if len(chosen) == len(names):
        chosen.pop()
    return np.flatnonzero(np.isin(numbers, chosen))


def join_groups(*names: Sequence[str]) -> Indices:
    """Number the groups of images that share a name in any of the lists; "" is no name."""
    parents = list(range(len(names[0])))

    def root(row: int) -> int:
        while parents[row] != row:
            parents[row] = parents[parents[row]]
            row = parents[row]
        return row

    for column in names:
        first: dict[str, int] = {}
        for row, name in enumerate(column):
            if name:
                parents[root(row)] = root(first.setdefault(name, row))
    roots = [root(row) for row in range(len(parents))]
    return np.unique(roots, return_inverse=True)[1].astype(np.int64)


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
