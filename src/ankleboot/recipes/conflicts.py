"""Conflicts between fields of a recipe, each of which is valid by itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ankleboot.core.errors import UsageError
from ankleboot.recipes.split_rule import MIN_FOLDS

if TYPE_CHECKING:
    from ankleboot.recipes.recipe import Recipe


def refuse_conflicts(recipe: Recipe) -> None:
    """Refuse values that exclude each other.

    Raises:
        UsageError: If there are such values; the message names them and what is expected.
    """
    _ = recipe.image_spec  # raises for a size or color that the crop cannot give
    if recipe.max_shift > recipe.image_size // 2:
        raise UsageError(
            f"max_shift: expected at most half of image_size={recipe.image_size}, "
            f"got {recipe.max_shift}"
        )
    if recipe.head_epochs > recipe.epochs:
        raise UsageError(
            f"head_epochs: expected at most epochs={recipe.epochs}, got {recipe.head_epochs}; "
            "set fewer, or more epochs"
        )
    if recipe.folds and recipe.folds < (least := max(MIN_FOLDS, recipe.fold)):
        raise UsageError(
            f"folds: expected {least} or more with fold={recipe.fold}, got {recipe.folds}"
        )
    if recipe.mixup + recipe.cutmix > 1:
        raise UsageError(
            f"mixup and cutmix: expected shares of at most 1 together, got {recipe.mixup:g} and "
            f"{recipe.cutmix:g}"
        )
    if (recipe.mixup or recipe.cutmix) and recipe.hard_example_fraction < 1:
        raise UsageError(
            "hard_example_fraction below 1 excludes mixup and cutmix: the loss of a mixed image "
            "shows little about either; set it to 1"
        )
    crops = ("garment",) if recipe.backbone == "fashion_mnist" else ("none", "cut-out")
    if recipe.architecture == "transfer" and recipe.crop not in crops:
        raise UsageError(
            f"backbone={recipe.backbone} needs crop={' or '.join(crops)}, got crop={recipe.crop}"
        )
    if recipe.architecture == "cnn":
        _refuse_impossible_blocks(recipe)


def _refuse_impossible_blocks(recipe: Recipe) -> None:
    if recipe.stem == "dct" and recipe.pooling not in ("max", "average"):
        raise UsageError(
            f"stem=dct needs a pooling, got pooling={recipe.pooling}; set max or average"
        )
    if recipe.residual and recipe.padding != "same":
        raise UsageError("residual needs padding=same: skip connections keep the size")
    if min(sizes := feature_map_sizes(recipe)) < 1:
        raise UsageError(
            f"blocks={recipe.blocks} with kernel_size={recipe.kernel_size} and "
            f"padding={recipe.padding} leaves no pixel after block {len(sizes)}; "
            "use fewer blocks, a smaller kernel or padding=same"
        )


def feature_map_sizes(recipe: Recipe) -> list[int]:
    """List the side in pixels after each block, until a block leaves no pixel."""
    size, sizes, is_padded = recipe.image_size, [], recipe.padding == "same"
    patterns = math.isqrt(recipe.block_filters()[0] - 1)  # their side minus 1
    for block in range(recipe.blocks):
        if not is_padded:
            is_fixed = block == 0 and recipe.stem == "dct"
            size -= patterns if is_fixed else recipe.convs_per_block * (recipe.kernel_size - 1)
        if recipe.pooling != "none":  # padding or a stride keeps the last pixel of an odd row
            size = (size + (is_padded or recipe.pooling == "strided")) // 2
        sizes.append(size)
        if size < 1:
            break
    if recipe.pooling == "none" and len(sizes) == recipe.blocks:
        window = 2**recipe.blocks
        sizes[-1] = -(-size // window) if is_padded else size // window
    return sizes
