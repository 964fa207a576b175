"""Segmentation of garments with GrabCut: a baseline, and masks to train on.

GrabCut segments an image by its colors, from an initial guess. Where two different guesses lead to
the same mask, that mask is mostly correct.

Source: Rother, Kolmogorov, Blake 2004, https://doi.org/10.1145/1015706.1015720
"""

import cv2
import numpy as np
from jaxtyping import Bool

from ankleboot.core.types import Pixels

SIDE = 192  # pixels of the square that an image is resized to
NUM_ITERATIONS = 4  # of GrabCut
NUM_COLORS = 5  # of the background
MAX_DISTANCE = 6.0  # standard deviations from the background's colors: certain foreground

SquareMask = Bool[np.ndarray, "192 192"]


def from_center(pixels: Pixels) -> SquareMask:
    """Segment from the guess that the garment fills most of the center."""
    across, down = _coordinates()
    guess = np.full((SIDE, SIDE), cv2.GC_PR_BGD, np.uint8)
    guess[across**4 + down**4 < 0.75**4] = cv2.GC_PR_FGD
    guess[np.maximum(np.abs(across), np.abs(down)) > 0.96] = cv2.GC_BGD
    return _grabcut(squared(pixels), guess)


def from_contrast(pixels: Pixels) -> SquareMask:
    """Segment from the guess that the garment differs in color from the border."""
    image = squared(pixels)
    across, down = _coordinates()
    colors = cv2.cvtColor(cv2.GaussianBlur(image, (5, 5), 0), cv2.COLOR_RGB2LAB)
    distance = np.clip(_border_distance(colors.astype(np.float32)) / MAX_DISTANCE, 0, 1)
    central = np.exp(-(across**2 + down**2) / (2 * 0.6**2))
    salience = (255 * distance * (0.35 + 0.65 * central)).astype(np.uint8)
    level, _ = cv2.threshold(salience, 0, 255, cv2.THRESH_OTSU)
    guess = np.where(salience > level, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    guess[np.maximum(np.abs(across), np.abs(down)) > 0.985] = cv2.GC_BGD
    return _grabcut(image, guess)


def consensus(pixels: Pixels) -> tuple[SquareMask, float]:
    """Return the mask of `from_center`, and its overlap with that of `from_contrast`."""
    first, second = from_center(pixels), from_contrast(pixels)
    return first, overlap(first, second)


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Return the intersection over union of two masks of one shape; 1 if both are empty."""
    return float(((first & second).sum() + 1) / ((first | second).sum() + 1))


def squared(pixels: Pixels) -> np.ndarray:
    """Resize an image to SIDE x SIDE without regard to its aspect ratio."""
    return np.asarray(cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA))


def _coordinates() -> tuple[np.ndarray, np.ndarray]:
    """Return the x of every column and the y of every row, from -1 (left, top) to 1."""
    line = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    return line[np.newaxis], line[:, np.newaxis]


def _border_distance(colors: np.ndarray) -> np.ndarray:
    """Return each pixel's Mahalanobis distance to the nearest frequent color of the border."""
    ring = np.pad(np.zeros((SIDE - SIDE // 8,) * 2, bool), SIDE // 16, constant_values=True)
    border = colors[ring]
    cv2.setRNGSeed(1)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    _, groups, _ = cv2.kmeans(border, NUM_COLORS, None, stop, 2, cv2.KMEANS_PP_CENTERS)
    nearest = np.full((SIDE, SIDE), np.inf, np.float32)
    for group in range(NUM_COLORS):
        members = border[groups[:, 0] == group]
        if len(members) < 0.04 * len(border):  # such as a sleeve that reaches the border
            continue
        precision = np.linalg.inv(np.cov(members.T) + 30 * np.eye(3))
        offset = colors - members.mean(axis=0)
        nearest = np.minimum(nearest, np.einsum("yxi,ij,yxj->yx", offset, precision, offset))
    return np.asarray(np.sqrt(nearest))


def _grabcut(image: np.ndarray, guess: np.ndarray) -> SquareMask:
    if (guess == cv2.GC_PR_FGD).sum() > 50:
        cv2.setRNGSeed(1)
        empty = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(image, guess, None, *empty, NUM_ITERATIONS, cv2.GC_INIT_WITH_MASK)
    return _clean_mask((guess == cv2.GC_FGD) | (guess == cv2.GC_PR_FGD))


def _clean_mask(mask: np.ndarray) -> SquareMask:
    """Remove specks around the garment, and small holes in it."""
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    number, parts, sizes, _ = cv2.connectedComponentsWithStats(opened)
    if number > 1:
        areas = sizes[1:, cv2.CC_STAT_AREA]
        opened = np.isin(parts, 1 + np.flatnonzero(areas >= 0.2 * areas.max())).astype(np.uint8)
    number, parts, sizes, _ = cv2.connectedComponentsWithStats(1 - opened, connectivity=4)
    for part in range(1, number):
        left, top, width, height, area = sizes[part]
        is_inside = left > 0 and top > 0 and left + width < SIDE and top + height < SIDE
        if is_inside and area < 0.01 * SIDE**2:
            opened[parts == part] = 1
    return np.asarray(opened, bool)


def composite(image: np.ndarray, mask: SquareMask, other: Pixels) -> np.ndarray:
    """Paste a garment on the border of another photo, repeated as a pattern; SIDE x SIDE."""
    strip = squared(other)[: SIDE // 6]
    pattern = np.concatenate([strip, strip[::-1]] * 3)[:SIDE]
    soft = cv2.GaussianBlur(mask.astype(np.float32), (3, 3), 0)[..., np.newaxis]
    return np.asarray(np.rint(image * soft + pattern * (1 - soft)), np.uint8)
