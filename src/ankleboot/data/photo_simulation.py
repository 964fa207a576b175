"""What the way from a photograph to 28 x 28 pixels does to a garment, done to a clean image.

People lay sleeves out, photograph shoes in pairs and from above, in any light; masks have bites and
bumps. A network that has seen images of Fashion-MNIST treated so names photographs far better,
without having seen one (docs/experiments.md has what else was tried).
"""

import numpy as np

from ankleboot.core.classes import SHOES
from ankleboot.core.types import IMAGE_SIZE, Image

FAINT = 12  # from here on a pixel is taken for garment
DARKEST = 25  # that a garment may become: 0 is background
LONG_SLEEVES = frozenset({"Pullover", "Coat", "Shirt"})
PAIRS, SPREADS = 0.7, 0.5  # share of shoes that come in pairs, of sleeves that are laid out
CENTRE = (IMAGE_SIZE - 1) / 2
ROOM = 64  # pixels per side of the place where parts are put together


def simulate_photo(image: Image, name: str, generator: np.random.Generator) -> Image:
    """Change a garment as a photograph and its conversion would.

    Args:
        image: 28 x 28 pixels; 0 is background.
        name: Of its class.
        generator: Decides everything.
    """
    chance = generator.random
    if name in SHOES and chance() < PAIRS:
        image = _pair_of_shoes(image, generator)
    is_wide = image[:, :3].any() and image[:, -3:].any()
    if name in LONG_SLEEVES and is_wide and chance() < SPREADS:
        image = _spread_sleeves(image, generator)
    return _converted(image, generator)


def _converted(image: Image, generator: np.random.Generator) -> Image:
    """Another shape, another light, and a mask with faults."""
    import cv2

    chance = generator.random
    bent = _elastic(image, generator)
    inside = bent >= FAINT
    if not inside.any():
        return image
    values = _relight(bent.astype(np.float32), inside, generator)
    soft = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.4)
    values = np.clip(values, DARKEST, 255) * soft

    turn = np.deg2rad(generator.normal(0, 10))
    aspect = np.exp(generator.normal(0, 0.15))
    shape = _rotation(turn) @ np.array([[1, generator.normal(0, 0.1)], [0, 1]])
    shape = shape @ np.diag([aspect * (-1 if chance() < 0.5 else 1), 1 / aspect])
    matrix = _fitted(shape @ _points(inside), shape)
    matrix[:, 2] += generator.normal(0, 0.4, 2)
    result = cv2.warpAffine(values, matrix, (IMAGE_SIZE, IMAGE_SIZE))

    if chance() < 0.3:
        down, across = np.mgrid[:IMAGE_SIZE, :IMAGE_SIZE]
        for _ in range(generator.integers(1, 3)):
            y, x = generator.uniform(0, IMAGE_SIZE, 2)
            height = generator.uniform(1.5, 5)
            width = height * generator.uniform(0.5, 2)
            fault = ((down - y) / height) ** 2 + ((across - x) / width) ** 2 < 1
            bump = values[inside].mean() * generator.uniform(0.4, 1)
            result[fault] = 0 if chance() < 0.6 else bump
    if chance() < 0.5:
        result = cv2.GaussianBlur(result, (0, 0), generator.uniform(0.3, 0.8))
    found: Image = np.clip(result, 0, 255).astype(np.uint8)
    return found


def _elastic(image: Image, generator: np.random.Generator) -> Image:
    """Cloth does not lie straight: a smooth displacement of some pixels."""
    import cv2

    amount = 1.5 * generator.random()
    field = generator.normal(0, amount, (4, 4, 2)).astype(np.float32)
    field = cv2.resize(field, (IMAGE_SIZE, IMAGE_SIZE), interpolation=cv2.INTER_CUBIC)
    down, across = np.mgrid[:IMAGE_SIZE, :IMAGE_SIZE].astype(np.float32)
    bent: Image = cv2.remap(image, across + field[..., 0], down + field[..., 1], cv2.INTER_LINEAR)
    return bent


def _relight(values: np.ndarray, inside: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Another brightness and contrast, perhaps inverted; uneven light; a camera's noise."""
    import cv2

    chance = generator.random
    mean = values[inside].mean()
    contrast = np.exp(generator.normal(-0.15, 0.4)) * (-1 if chance() < 0.4 else 1)
    brightness = generator.uniform(60, 235) if chance() < 0.9 else mean
    relit = (values - mean) * contrast + brightness
    if chance() < 0.6:
        light = generator.normal(0, 1, (5, 5)) * generator.uniform(0, 25)
        relit += cv2.resize(light, (IMAGE_SIZE, IMAGE_SIZE), interpolation=cv2.INTER_CUBIC)
    if chance() < 0.5:
        relit += generator.normal(0, generator.uniform(0, 20), relit.shape)
    found: np.ndarray = relit.astype(np.float32)
    return found


def _pair_of_shoes(image: Image, generator: np.random.Generator) -> Image:
    """Two of a shoe, in any direction, apart or one over the other."""
    import cv2

    chance = generator.random
    direction = generator.uniform(-180, 180) if chance() < 0.7 else generator.normal(0, 15)
    sideways = np.deg2rad(direction + 90)
    apart = generator.uniform(6, 24) * np.array([np.cos(sideways), np.sin(sideways)])
    aspect = np.exp(generator.normal(0, 0.1))
    room = np.zeros((ROOM, ROOM), np.float32)
    for side in (-0.5, 0.5):
        shoe = image
        if side > 0 and chance() < 0.5:
            shoe = shoe[::-1]
        if side > 0 and chance() < 0.3:
            shoe = shoe[:, ::-1]
        turn = np.deg2rad(direction + generator.normal(0, 12))
        shape = _rotation(turn) @ np.diag([aspect, 1 / aspect])
        place = ROOM / 2 + side * apart + generator.normal(0, 2.5, 2)
        matrix = np.c_[shape, place - shape @ np.full(2, CENTRE)]
        placed = cv2.warpAffine(shoe.astype(np.float32), matrix, (ROOM, ROOM))
        room = np.where(placed >= FAINT, placed, room)
    return _whole(room, image)


def _spread_sleeves(image: Image, generator: np.random.Generator) -> Image:
    """Sleeves away from the body, turned about the shoulders, which stay where they are."""
    import cv2

    width, height = int(generator.integers(6, 10)), generator.uniform(2, 6)
    angle, lean = np.clip(generator.normal(35, 20), 0, 80), generator.normal(0, 8)
    left, right, body, shoulders = (np.zeros_like(image) for _ in range(4))
    left[:, :width], right[:, -width:] = image[:, :width], image[:, -width:]
    body[:, width - 1 : 1 - width] = image[:, width - 1 : 1 - width]
    shoulders[: int(height) + 2] = image[: int(height) + 2]
    room = np.zeros((ROOM, ROOM), np.float32)
    corner = (ROOM - IMAGE_SIZE) / 2
    for part, turn, shoulder in (
        (left, angle + lean, width),
        (right, lean - angle, IMAGE_SIZE - 1 - width),
        (body, 0, 0),
        (shoulders, 0, 0),
    ):
        about = np.array([shoulder, height])
        shape = _rotation(np.deg2rad(turn))
        matrix = np.c_[shape, about + corner - shape @ about]
        placed = cv2.warpAffine(part.astype(np.float32), matrix, (ROOM, ROOM))
        room = np.where(placed >= FAINT, np.maximum(placed, room), room)
    return _whole(room, image)


def _whole(room: np.ndarray, otherwise: Image) -> Image:
    """What was put together, brought to 28 x 28 again; the other image if nothing is there."""
    import cv2

    inside = room >= FAINT
    if not inside.any():
        return otherwise
    matrix = _fitted(_points(inside), np.eye(2))
    if (scale := matrix[0, 0]) < 0.75:  # or thin parts would fall between the pixels
        room = cv2.GaussianBlur(room, (0, 0), 0.4 / scale)
    found: Image = cv2.warpAffine(room, matrix, (IMAGE_SIZE, IMAGE_SIZE)).astype(np.uint8)
    return found


def _rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _points(inside: np.ndarray) -> np.ndarray:
    """Places (x, y) of the pixels of a garment; (2, number)."""
    rows, columns = np.nonzero(inside)
    return np.stack([columns, rows]).astype(float)


def _fitted(points: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """The affine map (2 x 3) of that shape that brings the points' longest side to 28 pixels."""
    low, high = points.min(axis=1) - 0.5, points.max(axis=1) + 0.5
    scale = IMAGE_SIZE / (high - low).max()
    matrix: np.ndarray = np.c_[scale * shape, np.full(2, CENTRE) - scale * (low + high) / 2]
    return matrix
