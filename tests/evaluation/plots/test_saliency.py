"""Maps over images: visible on large ones, red for the class and blue against it."""

import numpy as np

from ankleboot.evaluation.plots.saliency import overlay


def test_support_is_red_and_opposition_blue() -> None:
    image, values = np.full((28, 28), 128, np.uint8), np.zeros((28, 28), np.float32)
    values[:9], values[-9:] = 1.0, -1.0
    colored = overlay(image, values).astype(int)
    assert colored[0, 0, 0] > colored[0, 0, 2] + 80
    assert colored[27, 0, 2] > colored[27, 0, 0] + 50
    assert np.ptp(colored[14, 0]) == 0  # gray where there is no evidence


def test_single_pixels_of_a_photo_are_visible() -> None:
    """Integrated gradients of a photo are a few strong pixels among many faint ones."""
    generator = np.random.default_rng(0)
    values = generator.normal(0, 0.001, (224, 224)).astype(np.float32)
    values[60:160:2, 60:160:2] += 0.05
    values[0, 0] = 5.0  # an outlier, which took all of the color
    photo = generator.integers(0, 256, (224, 224, 3), dtype=np.uint8)
    colored = overlay(photo, values).astype(int)
    redness = colored[..., 0] - colored[..., 2]
    assert redness[70:150, 70:150].mean() > 60 > abs(redness[180:, 180:]).mean()


def test_a_map_of_zeros_leaves_the_image_gray() -> None:
    colored = overlay(np.eye(28, dtype=np.uint8) * 255, np.zeros((28, 28), np.float32))
    assert (colored == colored[..., :1]).all()
