"""Spoiled images, in the manner of Fashion-MNIST-C: each kind in five severities.

Source: Hendrycks and Dietterich 2019, https://arxiv.org/abs/1903.12261, with severities of our own
that suit 28 x 28 pixels; of larger images lengths grow with the side.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

from ankleboot.core.types import IMAGE_SIZE, Images

SEVERITIES = (1, 2, 3, 4, 5)
Corruption = Callable[[Images, int, np.random.Generator], Images]


def _bytes(values: np.ndarray) -> Images:
    clipped: np.ndarray = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return clipped


def _scale(images: Images) -> float:
    """How much longer a length is than in an image of 28 x 28."""
    return float(images.shape[1] / IMAGE_SIZE)


def gaussian_noise(images: Images, severity: int, generator: np.random.Generator) -> Images:
    """Normal noise with a standard deviation of 10 to 80 of 255."""
    deviation = (10, 20, 35, 55, 80)[severity - 1]
    return _bytes(images + deviation * generator.standard_normal(images.shape, np.float32))


def shot_noise(images: Images, severity: int, generator: np.random.Generator) -> Images:
    """As if few photons had been counted: 60 down to 3 for white."""
    photons = (60, 25, 12, 6, 3)[severity - 1]
    return _bytes(generator.poisson(images / 255 * photons) / photons * 255)


def impulse_noise(images: Images, severity: int, generator: np.random.Generator) -> Images:
    """Two to thirty in a hundred pixels are black or white."""
    share = (0.02, 0.05, 0.10, 0.18, 0.30)[severity - 1]
    draw = generator.random(images.shape, np.float32)
    spoiled = images.copy()
    spoiled[draw < share / 2] = 0
    spoiled[draw > 1 - share / 2] = 255
    return spoiled


def blur(images: Images, severity: int, generator: np.random.Generator) -> Images:
    """Gaussian, with a standard deviation of 0.5 to 2.5 pixels."""
    deviation = (0.5, 0.8, 1.2, 1.8, 2.5)[severity - 1] * _scale(images)
    return np.stack([cv2.GaussianBlur(image, (0, 0), deviation) for image in images])


def motion_blur(images: Images, severity: int, generator: np.random.Generator) -> Images:
    """Smeared over 3 to 10 pixels in a random direction."""
    length = (3, 4, 6, 8, 10)[severity - 1] * _scale(images)
    middle = round(5 * max(1.0, _scale(images)))
    found = []
    for image, angle in zip(images, generator.uniform(0, np.pi, len(images)), strict=True):
        kernel = np.zeros((2 * middle + 1, 2 * middle + 1), np.float32)
        for step in np.linspace(-(length - 1) / 2, (length - 1) / 2, round(4 * length)):
            x, y = middle + step * np.cos(angle), middle + step * np.sin(angle)
            kernel[round(y), round(x)] += 1
        found.append(cv2.filter2D(image, -1, kernel / kernel.sum()))
    return np.stack(found)


def brightness(images: Images, severity: int, generator: np.random.Generator) -> Images:
    """Everything lighter by 20 to 130 of 255, background too."""
    return _bytes(images.astype(np.float32) + (20, 45, 70, 100, 130)[severity - 1])


def contrast(images: Images, severity: int, generator: np.random.Generator) -> Images:
    """Differences from the image's mean shrunk to 70 down to 12 per cent."""
    share = (0.7, 0.5, 0.35, 0.22, 0.12)[severity - 1]
    mean = images.mean(axis=(1, 2), keepdims=True)
    return _bytes(mean + share * (images - mean))


def shift(images: Images, severity: int, generator: np.random.Generator) -> Images:
    """Moved by 1 to 5 pixels in both directions, either way."""
    distance = round(severity * _scale(images))
    signs = generator.choice([-1, 1], (len(images), 2)) * distance
    return _warped(images, [np.array([[1, 0, x], [0, 1, y]], np.float32) for x, y in signs])


def rotation(images: Images, severity: int, generator: np.random.Generator) -> Images:
    """Turned by 5 to 45 degrees, either way."""
    degrees = (5, 10, 18, 30, 45)[severity - 1] * generator.choice([-1.0, 1.0], len(images))
    centre = _centre(images)
    return _warped(images, [cv2.getRotationMatrix2D(centre, float(angle), 1) for angle in degrees])


def zoom(images: Images, severity: int, generator: np.random.Generator) -> Images:
    """Shrunk to 92 down to 50 per cent."""
    scale = (0.92, 0.84, 0.75, 0.63, 0.5)[severity - 1]
    centre = _centre(images)
    return _warped(images, [cv2.getRotationMatrix2D(centre, 0, scale)] * len(images))


def occluded(images: Images, severity: int, generator: np.random.Generator) -> Images:
    """A black square with a side of 4 to 16 pixels somewhere."""
    side = round((4, 7, 10, 13, 16)[severity - 1] * _scale(images))
    spoiled = images.copy()
    places = generator.integers(0, min(images.shape[1:3]) - side + 1, (len(images), 2))
    for image, (top, left) in zip(spoiled, places, strict=True):
        image[top : top + side, left : left + side] = 0
    return spoiled


def inversion(images: Images, severity: int, generator: np.random.Generator) -> Images:
    """On the way to the negative; severity 5 is the negative."""
    share = severity / len(SEVERITIES)
    return _bytes((1 - share) * images + share * (255.0 - images))


def _centre(images: Images) -> tuple[float, float]:
    height, width = images.shape[1:3]
    return (width - 1) / 2, (height - 1) / 2


def _warped(images: Images, matrices: list[np.ndarray]) -> Images:
    size = (images.shape[2], images.shape[1])
    return np.stack(
        [
            cv2.warpAffine(image, matrix, size)
            for image, matrix in zip(images, matrices, strict=True)
        ]
    )


CORRUPTIONS: Mapping[str, Corruption] = MappingProxyType(
    {
        "gaussian noise": gaussian_noise,
        "shot noise": shot_noise,
        "impulse noise": impulse_noise,
        "blur": blur,
        "motion blur": motion_blur,
        "brightness": brightness,
        "contrast": contrast,
        "shift": shift,
        "rotation": rotation,
        "zoom": zoom,
        "occlusion": occluded,
        "inversion": inversion,
    }
)
