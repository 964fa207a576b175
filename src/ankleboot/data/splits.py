"""Which training images train and which validate: fixed by rule, seed and size, known by a hash."""

import hashlib
from dataclasses import dataclass

import numpy as np

from ankleboot.core.errors import DataError
from ankleboot.core.types import Indices, Labels
from ankleboot.recipes.recipe import Recipe


@dataclass(frozen=True)
class Split:
    """Disjoint, ascending positions in the training file.

    Attributes:
        sha256: Of both index lists; equal hash, equal split.
    """

    train: Indices
    validation: Indices
    sha256: str


def split(
    labels: Labels,
    recipe: Recipe,
    *,
    validation: Indices | None = None,
    twins: Indices | None = None,
) -> Split:
    """Divide the training file as the recipe says.

    "last" takes the last images for validation (the second ancestor's 48,000/12,000); "stratified"
    draws the same fraction of every class with `split_seed`. `train_size` then keeps that many
    training images, class by class in proportion.

    Args:
        labels: Of the training file.
        recipe: Says how.
        validation: Positions that the data set itself keeps for validation.
        twins: Numbers that equal images share; the first of each is drawn, the others follow it.

    Raises:
        DataError: If a part would be empty, or has fewer images than asked for.
    """
    everything = np.arange(len(labels), dtype=np.int64)
    if validation is None:
        validation = _validation(labels, recipe, twins)
    train = np.setdiff1d(everything, validation, assume_unique=True)
    if recipe.train_size:
        if recipe.train_size > len(train):
            raise DataError(
                f"train_size={recipe.train_size}: the split leaves {len(train)} training images"
            )
        generator = np.random.default_rng([recipe.split_seed, 2])
        train = draw(train, labels[train], recipe.train_size, generator)
    if not (len(train) and len(validation)):
        raise DataError(
            f"{len(labels)} images are too few for "
            f"validation_fraction={recipe.validation_fraction:g}"
        )
    digest = hashlib.sha256(
        train.astype("<i8").tobytes() + b"|" + validation.astype("<i8").tobytes()
    )
    return Split(train, validation, digest.hexdigest())


def _validation(labels: Labels, recipe: Recipe, twins: Indices | None) -> Indices:
    everything = np.arange(len(labels), dtype=np.int64)
    firsts = everything if twins is None else np.sort(np.unique(twins, return_index=True)[1])
    size = round(len(firsts) * recipe.validation_fraction)
    if recipe.split == "last":
        chosen = firsts[len(firsts) - size :]
    else:
        generator = np.random.default_rng([recipe.split_seed, 1])
        chosen = draw(firsts, labels[firsts], size, generator)
    return chosen if twins is None else np.flatnonzero(np.isin(twins, twins[chosen]))


def draw(positions: Indices, labels: Labels, size: int, generator: np.random.Generator) -> Indices:
    """Draw `size` of the positions, each class in proportion, in ascending order.

    What rounding leaves over goes to the classes with the largest remainders.
    """
    classes, counts = np.unique(labels, return_counts=True)
    shares = counts * (size / len(labels))
    quotas = np.floor(shares).astype(int)
    for index in np.argsort(quotas - shares, kind="stable")[: size - quotas.sum()]:
        quotas[index] += 1
    drawn = [
        generator.permutation(positions[labels == label])[:quota]
        for label, quota in zip(classes, quotas, strict=True)
    ]
    return np.sort(np.concatenate(drawn)).astype(np.int64)
