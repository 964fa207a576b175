"""Mixing of training images with others of their chunk: mixup and CutMix.

    mixture = draw_mixture(recipe, images, rng)
    images, targets = mixture.images(images), mixture.targets(targets)

Sources: Zhang et al. 2017, https://arxiv.org/abs/1710.09412; Yun et al. 2019,
https://arxiv.org/abs/1905.04899
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64

from ankleboot.core.types import Images, Indices, OneHot
from ankleboot.recipes.recipe import Recipe


@dataclass(frozen=True)
class Mixture:
    """A partner for each image, and what of the image is left.

    Attributes:
        partners: Index of each image's partner; its own index if it is not mixed.
        shares: Share of the image itself, at least a half, so that its label stays the main one.
        is_cut: Whether a rectangle of the partner is pasted; otherwise the pixels are averaged.
        boxes: Top, bottom, left and right of each rectangle.
    """

    partners: Indices
    shares: Float32[np.ndarray, " n"]
    is_cut: Bool[np.ndarray, " n"]
    boxes: Int64[np.ndarray, "n 4"]

    def images(self, images: Images) -> Images:
        """Return mixed copies of the images."""
        mixed = images.copy()
        index = np.arange(len(images))
        blended = np.flatnonzero((self.partners != index) & ~self.is_cut)
        shares = self.shares[blended].reshape(-1, *[1] * (images.ndim - 1))
        others = images[self.partners[blended]]
        mixed[blended] = np.rint(shares * images[blended] + (1 - shares) * others).astype(np.uint8)
        for i in np.flatnonzero(self.is_cut):
            top, bottom, left, right = self.boxes[i]
            mixed[i, top:bottom, left:right] = images[self.partners[i], top:bottom, left:right]
        return mixed

    def targets(self, targets: OneHot) -> OneHot:
        """Return targets mixed by the same shares."""
        shares = self.shares[:, None]
        mixed: np.ndarray = shares * targets + (1 - shares) * targets[self.partners]
        return mixed.astype(np.float32)


def draw_mixture(recipe: Recipe, images: Images, rng: np.random.Generator) -> Mixture | None:
    """Draw partners and shares as the recipe asks; None if it mixes nothing."""
    if not (recipe.mixup or recipe.cutmix):
        return None
    num, (height, width) = len(images), images.shape[1:3]
    kind = rng.random(num)
    is_cut = kind < recipe.cutmix
    is_mixed = kind < recipe.cutmix + recipe.mixup
    partners = np.where(is_mixed, rng.permutation(num), np.arange(num))
    shares = rng.beta(recipe.mix_alpha, recipe.mix_alpha, num)
    shares = np.maximum(shares, 1 - shares)
    side = np.sqrt(1 - shares)
    heights, widths = np.rint(side * height).astype(int), np.rint(side * width).astype(int)
    tops = rng.integers(0, height - heights, endpoint=True)
    lefts = rng.integers(0, width - widths, endpoint=True)
    boxes = np.stack([tops, tops + heights, lefts, lefts + widths], axis=1)
    areas = heights * widths / (height * width)
    shares = np.where(is_cut, 1 - areas, np.where(is_mixed, shares, 1.0)).astype(np.float32)
    return Mixture(partners, shares, is_cut, boxes)
