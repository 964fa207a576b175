"""Masks of garments without a network: for comparison, and to learn from.

GrabCut divides a picture by its colors, starting from a guess. From two different guesses it
mostly arrives at the same mask, and where it does, that mask is mostly right.

Source: Rother, Kolmogorov, Blake 2004, https://doi.org/10.1145/1015706.1015720
"""

import cv2
import numpy as np
from jaxtyping import Bool

from ankleboot.core.types import Pixels

SIDE = 192  # pixels: the picture is brought to this square first
ROUNDS = 4  # of GrabCut
COLORS = 5  # that a background is described by
DISTANT = 6.0  # standard deviations from the background's colors: certainly no background

MaskOf = Bool[np.ndarray, "192 192"]


def rough(pixels: Pixels) -> MaskOf:
    """GrabCut from the guess that the garment fills most of the middle."""
    picture = squared(pixels)
    across, down = _places()
    guess = np.full((SIDE, SIDE), cv2.GC_PR_BGD, np.uint8)
    guess[across**4 + down**4 < 0.75**4] = cv2.GC_PR_FGD
    guess[np.maximum(np.abs(across), np.abs(down)) > 0.96] = cv2.GC_BGD
    return _grabcut(picture, guess)


def by_contrast(pixels: Pixels) -> MaskOf:
    """GrabCut from the guess that the garment differs in color from the picture's border."""
    picture = squared(pixels)
    across, down = _places()
    colors = cv2.cvtColor(cv2.GaussianBlur(picture, (5, 5), 0), cv2.COLOR_RGB2LAB)
    distance = np.clip(_from_border(colors.astype(np.float32)) / DISTANT, 0, 1)
    central = np.exp(-(across**2 + down**2) / (2 * 0.6**2))
    salience = (255 * distance * (0.35 + 0.65 * central)).astype(np.uint8)
    level, _ = cv2.threshold(salience, 0, 255, cv2.THRESH_OTSU)
    guess = np.where(salience > level, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    guess[np.maximum(np.abs(across), np.abs(down)) > 0.985] = cv2.GC_BGD
    return _grabcut(picture, guess)


def consensus(pixels: Pixels) -> tuple[MaskOf, float]:
    """Where the two agree on garment or not, the first; and their intersection over union."""
    first, second = rough(pixels), by_contrast(pixels)
    return first, overlap(first, second)


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two masks of one shape; 1 if both are empty."""
    return float(((first & second).sum() + 1) / ((first | second).sum() + 1))


def squared(pixels: Pixels) -> np.ndarray:
    """The picture stretched to SIDE x SIDE."""
    found: np.ndarray = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return found


def _places() -> tuple[np.ndarray, np.ndarray]:
    """Of every pixel, from -1 (left, top) to 1."""
    line = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    across, down = np.meshgrid(line, line)
    return across, down


def _from_border(colors: np.ndarray) -> np.ndarray:
    """Mahalanobis distance of every pixel to the nearest color that is frequent at the border."""
    width = SIDE // 16
    ring = np.ones((SIDE, SIDE), bool)
    ring[width:-width, width:-width] = False
    border = colors[ring]
    cv2.setRNGSeed(1)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    _, groups, _ = cv2.kmeans(border, COLORS, None, stop, 2, cv2.KMEANS_PP_CENTERS)
    nearest = np.full((SIDE, SIDE), np.inf, np.float32)
    for group in range(COLORS):
        members = border[groups[:, 0] == group]
        if len(members) < 0.04 * len(border):  # a sleeve that reaches the border
            continue
        spread = np.linalg.inv(np.cov(members.T) + 30 * np.eye(3))
        away = colors - members.mean(axis=0)
        nearest = np.minimum(nearest, np.einsum("yxi,ij,yxj->yx", away, spread, away))
    found: np.ndarray = np.sqrt(nearest)
    return found


def _grabcut(picture: np.ndarray, guess: np.ndarray) -> MaskOf:
    if (guess == cv2.GC_PR_FGD).sum() > 50:
        cv2.setRNGSeed(1)
        empty = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(picture, guess, None, *empty, ROUNDS, cv2.GC_INIT_WITH_MASK)
    return _tidied((guess == cv2.GC_FGD) | (guess == cv2.GC_PR_FGD))


def _tidied(mask: np.ndarray) -> MaskOf:
    """Without specks around the garment, and without small holes in it."""
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
    found: MaskOf = opened.astype(bool)
    return found


def composite(picture: np.ndarray, mask: MaskOf, other: Pixels) -> np.ndarray:
    """A garment on the border of another photograph, repeated as a pattern; SIDE x SIDE."""
    strip = squared(other)[: SIDE // 6]
    pattern = np.concatenate([strip, strip[::-1]] * 3)[:SIDE]
    soft = cv2.GaussianBlur(mask.astype(np.float32), (3, 3), 0)[..., np.newaxis]
    laid: np.ndarray = np.rint(picture * soft + pattern * (1 - soft)).astype(np.uint8)
    return laid
