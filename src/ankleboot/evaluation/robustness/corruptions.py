"""Image corruptions in five severities, in the manner of Fashion-MNIST-C.

Source: Hendrycks and Dietterich 2019, https://arxiv.org/abs/1903.12261, with severities
for 28 x 28 pixels; lengths in pixels grow with the side of larger images.
"""

import cv2
import numpy as np

from ankleboot.core.types import IMAGE_SIZE, Images
from ankleboot.data.augmentation import shift_images

SEVERITIES = (1, 2, 3, 4, 5)


def _bytes(values: np.ndarray) -> Images:
    return np.asarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _scale(images: Images) -> float:
    """Return the ratio of a length to the same length in an image of 28 x 28."""
    return float(images.shape[1] / IMAGE_SIZE)


def gaussian_noise(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Add normal noise with a standard deviation of 10 to 80 of 255."""
    deviation = (10, 20, 35, 55, 80)[severity - 1]
    return _bytes(images + deviation * rng.standard_normal(images.shape, np.float32))


def shot_noise(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Add Poisson noise of 60 down to 3 photons for white."""
    photons = (60, 25, 12, 6, 3)[severity - 1]
    return _bytes(rng.poisson(images / 255 * photons) / photons * 255)


def impulse_noise(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Set 2 to 30 % of the pixels to black or white."""
    share = (0.02, 0.05, 0.10, 0.18, 0.30)[severity - 1]
    draw = rng.random(images.shape, np.float32)
    corrupted = images.copy()
    corrupted[draw < share / 2] = 0
    corrupted[draw > 1 - share / 2] = 255
    return corrupted


def blur(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Blur with a Gaussian of 0.5 to 2.5 pixels standard deviation."""
    deviation = (0.5, 0.8, 1.2, 1.8, 2.5)[severity - 1] * _scale(images)
    return np.stack([cv2.GaussianBlur(image, (0, 0), deviation) for image in images])


def motion_blur(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Blur along a line of 3 to 10 pixels in a random direction."""
    length = (3, 4, 6, 8, 10)[severity - 1] * _scale(images)
    middle = round(5 * max(1.0, _scale(images)))
    steps = np.linspace(-(length - 1) / 2, (length - 1) / 2, round(4 * length))
    blurred = []
    for image, angle in zip(images, rng.uniform(0, np.pi, len(images)), strict=True):
        kernel = np.zeros((2 * middle + 1, 2 * middle + 1), np.float32)
        x, y = middle + steps * np.cos(angle), middle + steps * np.sin(angle)
        np.add.at(kernel, (np.rint(y).astype(int), np.rint(x).astype(int)), 1)
        blurred.append(cv2.filter2D(image, -1, kernel / kernel.sum()))
    return np.stack(blurred)


def brightness(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Brighten all pixels by 20 to 130 of 255, background included."""
    return _bytes(images.astype(np.float32) + (20, 45, 70, 100, 130)[severity - 1])


def contrast(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Shrink differences from the image's mean to 70 down to 12 %."""
    share = (0.7, 0.5, 0.35, 0.22, 0.12)[severity - 1]
    mean = images.mean(axis=(1, 2), keepdims=True)
    return _bytes(mean + share * (images - mean))


def shift(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Move by 1 to 5 pixels along both axes, each in a random direction."""
    distance = round(severity * _scale(images))
    right, down = rng.choice([-1, 1], (len(images), 2)).T * distance
    return shift_images(images, down, right)


def rotation(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Rotate by 5 to 45 degrees in a random direction."""
    degrees = (5, 10, 18, 30, 45)[severity - 1] * rng.choice([-1.0, 1.0], len(images))
    return _warped(images, degrees, 1.0)


def zoom(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Shrink to 92 down to 50 %."""
    return _warped(images, np.zeros(len(images)), (0.92, 0.84, 0.75, 0.63, 0.5)[severity - 1])


def _warped(images: Images, degrees: np.ndarray, scale: float) -> Images:
    """Rotate and shrink images around their centers."""
    height, width = images.shape[1:3]
    center = (width - 1) / 2, (height - 1) / 2
    matrices = [cv2.getRotationMatrix2D(center, float(angle), scale) for angle in degrees]
    pairs = zip(images, matrices, strict=True)
    return np.stack([cv2.warpAffine(image, matrix, (width, height)) for image, matrix in pairs])


def occluded(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Cover a random square with a side of 4 to 16 pixels in black."""
    side = round((4, 7, 10, 13, 16)[severity - 1] * _scale(images))
    corrupted = images.copy()
    corners = rng.integers(0, min(images.shape[1:3]) - side + 1, (len(images), 2))
    for image, (top, left) in zip(corrupted, corners, strict=True):
        image[top : top + side, left : left + side] = 0
    return corrupted


def inversion(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Blend with the negative; severity 5 is the negative."""
    share = severity / len(SEVERITIES)
    return _bytes((1 - share) * images + share * (255.0 - images))
