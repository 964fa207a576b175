"""Deterministic split into training and validation images, identified by a SHA-256.

A split of a cross-validation also holds a fold out, on which nothing is trained or chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ankleboot.core.errors import DataError
from ankleboot.core.files import sha256_of
from ankleboot.core.types import Indices, Labels
from ankleboot.recipes.split_rule import SplitRule

SHARE_UNIT = 2**32  # an image's share of its class in whole numbers, equal on every machine


def _no_rows() -> Indices:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class Split:
    """Disjoint, ascending positions in the training file; equal hashes mean equal splits.

    Attributes:
        train: Images to learn.
        validation: Images for every choice: epoch, temperature, threshold.
        held_out: Fold that is neither learned nor chosen on; empty without cross-validation.
    """

    train: Indices
    validation: Indices
    sha256: str
    held_out: Indices = field(default_factory=_no_rows)


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

    With `folds`, one of them is held out, and the rule divides the images of the others. They may
    be in the validation split of the data set: in the end every image is held out once.

    Args:
        labels: Labels of the training file.
        rule: Rule to apply; its defaults stand in recipes/split_rule.py.
        validation: Positions that the data set itself keeps for validation.
        groups: Number of each image's group; a group stays on one side.
        has_named_groups: Whether groups may be large. Whole groups are then chosen so that every
            class comes close to the fraction; otherwise the fraction counts groups.

    Raises:
        DataError: If a split would be empty, or has fewer images or groups than the rule asks for.
    """
    if rule.folds:
        return _hold_out(labels, rule, groups, has_named_groups=has_named_groups)
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
        DataError: If no training, no validation or no held-out image is left.
    """
    if not len(unusable):
        return drawn
    parts = drawn.train, drawn.validation, drawn.held_out
    train, validation, held_out = (np.setdiff1d(part, unusable) for part in parts)
    if len(drawn.held_out) and not len(held_out):
        raise DataError("no image of the held-out fold is usable; take fewer folds")
    if not (len(train) and len(validation)):
        raise DataError(
            f"{len(train):,} training and {len(validation):,} validation images are left after "
            f"{len(unusable):,} that are not usable; expected one or more of each"
        )
    return _identified(train, validation, held_out)


def _identified(train: Indices, validation: Indices, held_out: Indices | None = None) -> Split:
    held_out = _no_rows() if held_out is None else held_out
    parts = [train, validation, held_out] if len(held_out) else [train, validation]
    content = b"|".join(part.astype("<i8").tobytes() for part in parts)
    return Split(train, validation, sha256_of(content), held_out)


def _hold_out(
    labels: Labels, rule: SplitRule, groups: Indices | None, *, has_named_groups: bool
) -> Split:
    """Hold one fold out, and divide the others by the rest of the rule."""
    rng = np.random.default_rng([rule.split_seed, 3])
    fold_of = deal_folds(labels, groups, rule.folds, rng)
    held_out, others = (
        np.flatnonzero((fold_of == rule.fold - 1) == side) for side in (True, False)
    )
    other_groups = None if groups is None else groups[others]
    if has_named_groups and other_groups is not None and len(np.unique(other_groups)) < 2:
        raise DataError(
            f"all images outside of fold {rule.fold} are of one group; expected two or more, to "
            "train on and to choose the epoch on: take more folds"
        )
    rest = split(
        labels[others],
        replace(rule, folds=0),
        groups=other_groups,
        has_named_groups=has_named_groups,
    )
    return _identified(others[rest.train], others[rest.validation], held_out)


def deal_folds(
    labels: Labels, groups: Indices | None, folds: int, rng: np.random.Generator
) -> Indices:
    """Return the fold of each image, from 0: classes spread evenly, groups stay together.

    Groups of several images come first, the largest before the others, each to the fold that has
    the least of its classes; single images then fill the folds up, class by class. This is the
    greedy way of scikit-learn's StratifiedGroupKFold. Splits need it without that package, which is
    an extra, and with the same folds in all of its versions, since model files carry the rule.

    Raises:
        DataError: If there are fewer groups than folds.
    """
    numbers = np.arange(len(labels)) if groups is None else groups
    _, firsts, members, sizes = np.unique(
        numbers, return_index=True, return_inverse=True, return_counts=True
    )
    if len(firsts) < folds:
        raise DataError(
            f"{len(firsts)} different images are too few for {folds} folds; expected {folds} or "
            "more, counting images of one group, and equal ones, once"
        )
    _, classes = np.unique(labels, return_inverse=True)
    held = np.zeros((folds, classes.max() + 1), np.int64)  # images of each class by fold
    fold_of = np.empty(len(firsts), np.int64)
    order = rng.permutation(len(firsts))
    order = order[np.argsort(-sizes[order], kind="stable")]
    large, single = order[sizes[order] > 1], order[sizes[order] == 1]
    _place_groups(fold_of, held, large, members, classes)
    _fill_folds(fold_of, held, single, classes[firsts[single]])
    return fold_of[members]


def _place_groups(
    fold_of: Indices, held: np.ndarray, large: Indices, members: Indices, classes: Indices
) -> None:
    """Deal groups one by one, each to the fold with the least of its classes, then of images."""
    rank = np.full(len(fold_of), len(large))  # the last row counts the single images
    rank[large] = np.arange(len(large))
    counts = np.zeros((len(large) + 1, held.shape[1]), np.int64)
    np.add.at(counts, (rank[members], classes), 1)
    shares = SHARE_UNIT // np.bincount(classes)
    for group, count in zip(large, counts, strict=False):
        fold = np.lexsort((held.sum(axis=1), held @ (count * shares)))[0]
        fold_of[group] = fold
        held[fold] += count


def _fill_folds(fold_of: Indices, held: np.ndarray, single: Indices, classes: Indices) -> None:
    """Deal single images, each to the fold with the fewest of its class, then of all images."""
    for label in np.unique(classes):
        images = single[classes == label]
        levels = held[:, label, None] + np.arange(len(images))
        loads = np.repeat(held.sum(axis=1), len(images))
        slots = np.lexsort((loads, levels.ravel()))[: len(images)]
        fold_of[images] = slots // len(images)
        held[:, label] += np.bincount(fold_of[images], minlength=len(held))


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
