"""Simulation of the artifacts of photo preprocessing on clean images of Fashion-MNIST.

Photos show sleeves spread out, shoes in pairs or from above, and any light; their masks have gaps
and bumps. A network trained on simulated photos classifies real ones far better, without training
on any (docs/experiments.md has the alternatives). Importing the module costs 0.1 s, for OpenCV.
"""

import cv2
import numpy as np

from ankleboot.core.classes import SHOES
from ankleboot.core.types import IMAGE_SIZE, Image

MIN_VISIBLE = 12  # smallest value of a garment pixel
MIN_GARMENT_VALUE = 25  # smallest value after relighting; 0 is background
LONG_SLEEVES = frozenset({"Pullover", "Coat", "Shirt"})
PAIR_PROBABILITY, SPREAD_PROBABILITY = 0.7, 0.5  # of shoes, of long sleeves
CENTER = (IMAGE_SIZE - 1) / 2
CANVAS_SIDE = 64  # pixels; space to compose parts of a garment


def simulate_photo(image: Image, label: str, rng: np.random.Generator) -> Image:
    """Change a garment on background 0, of a named class, as photographing it would."""
    if label in SHOES and rng.random() < PAIR_PROBABILITY:
        image = _pair_of_shoes(image, rng)
    is_wide = image[:, :3].any() and image[:, -3:].any()
    if label in LONG_SLEEVES and is_wide and rng.random() < SPREAD_PROBABILITY:
        image = _spread_sleeves(image, rng)
    return _distort(image, rng)


def _distort(image: Image, rng: np.random.Generator) -> Image:
    """Change the shape, the light and the mask."""
    chance = rng.random
    bent = _elastic(image, rng)
    inside = bent >= MIN_VISIBLE
    if not inside.any():
        return image
    values = _relight(bent.astype(np.float32), inside, rng)
    soft = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.4)
    values = np.clip(values, MIN_GARMENT_VALUE, 255) * soft

    shape = _rotation(np.deg2rad(rng.normal(0, 10)))
    aspect = np.exp(rng.normal(0, 0.15))
    shape = shape @ np.array([[1, rng.normal(0, 0.1)], [0, 1]])
    shape = shape @ np.diag([aspect * (-1 if chance() < 0.5 else 1), 1 / aspect])
    matrix = _fit_to_frame(inside, shape)
    matrix[:, 2] += rng.normal(0, 0.4, 2)
    result = cv2.warpAffine(values, matrix, (IMAGE_SIZE, IMAGE_SIZE))

    if chance() < 0.3:
        down, across = np.mgrid[:IMAGE_SIZE, :IMAGE_SIZE]
        for _ in range(rng.integers(1, 3)):
            y, x = rng.uniform(0, IMAGE_SIZE, 2)
            height = rng.uniform(1.5, 5)
            width = height * rng.uniform(0.5, 2)
            fault = ((down - y) / height) ** 2 + ((across - x) / width) ** 2 < 1
            bump = values[inside].mean() * rng.uniform(0.4, 1)
            result[fault] = 0 if chance() < 0.6 else bump
    if chance() < 0.5:
        result = cv2.GaussianBlur(result, (0, 0), rng.uniform(0.3, 0.8))
    distorted: Image = np.clip(result, 0, 255).astype(np.uint8)
    return distorted


def _elastic(image: Image, rng: np.random.Generator) -> Image:
    """Displace smoothly by about one pixel: cloth does not lie straight."""
    field = rng.normal(0, 1.5 * rng.random(), (4, 4, 2)).astype(np.float32)
    field = cv2.resize(field, (IMAGE_SIZE, IMAGE_SIZE), interpolation=cv2.INTER_CUBIC)
    down, across = np.mgrid[:IMAGE_SIZE, :IMAGE_SIZE].astype(np.float32)
    bent: Image = cv2.remap(image, across + field[..., 0], down + field[..., 1], cv2.INTER_LINEAR)
    return bent


def _relight(values: np.ndarray, inside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change brightness and contrast; sometimes invert, add uneven light or noise."""
    chance = rng.random
    mean = values[inside].mean()
    contrast = np.exp(rng.normal(-0.15, 0.4)) * (-1 if chance() < 0.4 else 1)
    brightness = rng.uniform(60, 235) if chance() < 0.9 else mean
    relit: np.ndarray = (values - mean) * contrast + brightness
    if chance() < 0.6:
        light = rng.normal(0, 1, (5, 5)) * rng.uniform(0, 25)
        relit += cv2.resize(light, (IMAGE_SIZE, IMAGE_SIZE), interpolation=cv2.INTER_CUBIC)
    if chance() < 0.5:
        relit += rng.normal(0, rng.uniform(0, 20), relit.shape)
    return relit.astype(np.float32)


def _pair_of_shoes(image: Image, rng: np.random.Generator) -> Image:
    """Compose two shoes in any direction, side by side or overlapping."""
    chance = rng.random
    direction = rng.uniform(-180, 180) if chance() < 0.7 else rng.normal(0, 15)
    apart = rng.uniform(6, 24) * _rotation(np.deg2rad(direction + 90))[:, 0]
    aspect = np.exp(rng.normal(0, 0.1))
    canvas = np.zeros((CANVAS_SIDE, CANVAS_SIDE), np.float32)
    for side in (-0.5, 0.5):
        shoe = image[::-1] if side > 0 and chance() < 0.5 else image
        if side > 0 and chance() < 0.3:
            shoe = shoe[:, ::-1]
        turn = np.deg2rad(direction + rng.normal(0, 12))
        shape = _rotation(turn) @ np.diag([aspect, 1 / aspect])
        position = CANVAS_SIDE / 2 + side * apart + rng.normal(0, 2.5, 2)
        matrix = np.c_[shape, position - shape @ np.full(2, CENTER)]
        placed = cv2.warpAffine(shoe.astype(np.float32), matrix, (CANVAS_SIDE, CANVAS_SIDE))
        canvas = np.where(placed >= MIN_VISIBLE, placed, canvas)
    return _fit_canvas(canvas, image)


def _spread_sleeves(image: Image, rng: np.random.Generator) -> Image:
    """Rotate the sleeves away from the body, about the shoulders."""
    width, height = int(rng.integers(6, 10)), rng.uniform(2, 6)
    angle, lean = np.clip(rng.normal(35, 20), 0, 80), rng.normal(0, 8)
    left, right, body, shoulders = (np.zeros_like(image) for _ in range(4))
    left[:, :width], right[:, -width:] = image[:, :width], image[:, -width:]
    body[:, width - 1 : 1 - width] = image[:, width - 1 : 1 - width]
    shoulders[: int(height) + 2] = image[: int(height) + 2]
    canvas = np.zeros((CANVAS_SIDE, CANVAS_SIDE), np.float32)
    corner = (CANVAS_SIDE - IMAGE_SIZE) / 2
    for part, turn, shoulder in (
        (left, angle + lean, width),
        (right, lean - angle, IMAGE_SIZE - 1 - width),
        (body, 0, 0),
        (shoulders, 0, 0),
    ):
        about = np.array([shoulder, height])
        shape = _rotation(np.deg2rad(turn))
        matrix = np.c_[shape, about + corner - shape @ about]
        placed = cv2.warpAffine(part.astype(np.float32), matrix, (CANVAS_SIDE, CANVAS_SIDE))
        canvas = np.where(placed >= MIN_VISIBLE, np.maximum(placed, canvas), canvas)
    return _fit_canvas(canvas, image)


def _fit_canvas(canvas: np.ndarray, otherwise: Image) -> Image:
    """Resize the garment on a canvas to 28 x 28 pixels; return the other image if it is empty."""
    inside = canvas >= MIN_VISIBLE
    if not inside.any():
        return otherwise
    matrix = _fit_to_frame(inside, np.eye(2))
    if (scale := matrix[0, 0]) < 0.75:  # keeps thin parts, which would fall between the pixels
        canvas = cv2.GaussianBlur(canvas, (0, 0), 0.4 / scale)
    fitted: Image = cv2.warpAffine(canvas, matrix, (IMAGE_SIZE, IMAGE_SIZE)).astype(np.uint8)
    return fitted


def _rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _fit_to_frame(inside: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Return the affine map (2 x 3) of a shape that scales a garment to a side of 28 pixels."""
    points = shape @ np.argwhere(inside)[:, ::-1].T.astype(float)  # x, y
    low, high = points.min(axis=1) - 0.5, points.max(axis=1) + 0.5
    scale = IMAGE_SIZE / (high - low).max()
    matrix: np.ndarray = np.c_[scale * shape, np.full(2, CENTER) - scale * (low + high) / 2]
    return matrix
