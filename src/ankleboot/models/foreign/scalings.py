"""Scales of pixels that authors of models use: the table of all that `adopt` tries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ankleboot.core.errors import UsageError
from ankleboot.core.types import Images

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CAFFE_MEAN = (103.939, 116.779, 123.68)
"""Mean blue, green and red of ImageNet, as `preprocess_input` of VGG16 subtracts them."""

MNIST = (0.1307, 0.3081)
MAX_VALUES = 4096  # of an image whose pixels have statistics of their own: 64 x 64 gray
NORMALIZATIONS = ("", "image", "rows", "columns", "length", "clipped")
"""Normalizations of each image: mean 0 and deviation 1, a Euclidean length of 1 of rows, columns
or the whole, or a cut of values outside 0 and 1."""

MEANINGS = {
    "unit": "pixels from 0 to 1",
    "byte": "pixels from 0 to 255",
    "signed": "pixels from -1 to 1",
    "standard": "pixels minus their mean, divided by their standard deviation",
    "half": "pixels from -0.5 to 0.5",
    "minus128": "pixels from 0 to 255 minus 128",
    "centered": "pixels from 0 to 1 minus their mean",
    "mnist": "pixels from 0 to 1 minus 0.1307, divided by 0.3081, as for MNIST",
    "standard-pixels": "each pixel minus its own mean, divided by its own standard deviation",
    "centered-pixels": "pixels from 0 to 1 minus the mean image",
    "standard-image": "each image minus its mean, divided by its standard deviation",
    "unit-rows": "rows of length 1, as keras.utils.normalize makes them",
    "unit-columns": "columns of length 1, as keras.utils.normalize(x, axis=1) makes them",
    "unit-image": "images of length 1",
    "binary": "pixels 0 or 1, black below 128",
    "imagenet": "colors minus ImageNet's mean, divided by its standard deviation",
    "caffe": "blue, green and red from 0 to 255 minus ImageNet's mean",
}
"""Name and meaning of every scale, in the order in which they are tried."""

COMMON = ("unit", "byte", "signed", "standard", "imagenet", "caffe")
"""Scales of most tutorials; between two that images do not tell apart, a rare one yields."""

NORMALIZATION_OF = {
    "binary": "clipped",
    "standard-image": "image",
    "unit-rows": "rows",
    "unit-columns": "columns",
    "unit-image": "length",
}


@dataclass(frozen=True)
class Scaling:
    """Arithmetic of a scale: (pixels - mean) / std, then a normalization of each image.

    Attributes:
        mean: Mean on the scale 0 to 255: one per channel, or one per value of the image.
        std: Divisor, as many.
        normalization: One of NORMALIZATIONS.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    normalization: str = ""


@dataclass(frozen=True)
class Pixels:
    """Statistics of training images on the scale 0 to 255.

    Attributes:
        mean: Mean per channel.
        std: Standard deviation per channel.
        mean_image: Mean of each value of an image, row by row; empty for large images.
        std_image: Standard deviation of each; 1 where all images are equal.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    mean_image: tuple[float, ...] = ()
    std_image: tuple[float, ...] = ()

    @classmethod
    def of(cls, images: Images) -> "Pixels":
        """Compute the statistics of uint8 images; nothing is larger than a thousand of them."""
        total = np.zeros(images.shape[1:])
        squares = np.zeros(images.shape[1:])
        for start in range(0, len(images), 1000):
            part = np.asarray(images[start : start + 1000], np.float64)
            total += part.sum(axis=0)
            squares += (part**2).sum(axis=0)
        mean, square = total / len(images), squares / len(images)
        means, channel_squares = mean.mean(axis=(0, 1)), square.mean(axis=(0, 1))
        stds = np.sqrt(np.maximum(channel_squares - means**2, 1.0))
        channels = tuple(np.atleast_1d(means).tolist()), tuple(np.atleast_1d(stds).tolist())
        if mean.size > MAX_VALUES:
            return cls(*channels)
        std = np.sqrt(np.maximum(square - mean**2, 0))
        std[std < 1e-6] = 1.0
        return cls(*channels, tuple(mean.ravel().tolist()), tuple(std.ravel().tolist()))


def meaning(name: str) -> str:
    """Return a scale in words."""
    return MEANINGS.get(name, "mean and standard deviation as named")


def trial_note(adopted: Mapping[str, Any]) -> str:
    """Return what a convention that was found by trial leaves open; "" if it was named.

    Args:
        adopted: Entry of the manifest of an adopted run.
    """
    num_tried = adopted.get("num_tried", len(adopted["trials"]))
    if num_tried < 2:
        return ""
    accuracy = 100 * adopted["accuracy"]
    return (
        f"{adopted['convention']['scaling']} is the best of {num_tried} conventions tried, right "
        f"on {accuracy:.1f} % of {adopted['num_images']:,} training images; if you measured "
        "clearly more, yours is not among them: name it with --input MEAN,STD, or put the "
        "preprocessing into the model"
    )


def parse_input(text: str) -> str:
    """Check a value of --input, and return it.

    Raises:
        UsageError: If it is neither a name nor MEAN,STD.
    """
    if text in ("auto", *MEANINGS):
        return text
    try:
        numbers = [float(number) for number in text.split(",")]
    except ValueError:
        numbers = []
    half = len(numbers) // 2
    if len(numbers) not in (2, 6) or not all(abs(n) < 1e6 for n in numbers):
        numbers = []
    if not numbers or min(numbers[half:]) <= 0:
        names = ", ".join(("auto", *MEANINGS))
        raise UsageError(
            f"--input {text}: expected {names}, MEAN,STD or three of each (R,G,B,R,G,B)"
        )
    return text


def scaling(name: str, size: int, channels: int, pixels: Pixels | None) -> Scaling | None:
    """Return the arithmetic of a scale; None if the model or the data cannot have it.

    Args:
        name: Key of MEANINGS, or MEAN,STD.
        size: Pixels per side of the input.
        channels: Channels of the input.
        pixels: Statistics of the training images; None if they are unknown.
    """
    numbers = {
        "unit": (0.0, 255.0),
        "byte": (0.0, 1.0),
        "signed": (127.5, 127.5),
        "half": (127.5, 255.0),
        "minus128": (128.0, 1.0),
        "mnist": (255 * MNIST[0], 255 * MNIST[1]),
        "binary": (127.5, 0.25),  # two units apart, so that clipping leaves 0 and 1
    }
    if name in numbers or name in NORMALIZATION_OF:
        mean, std = numbers.get(name, (0.0, 255.0))
        return Scaling((mean,) * channels, (std,) * channels, NORMALIZATION_OF.get(name, ""))
    if name in ("imagenet", "caffe"):
        colors = _times_255(*IMAGENET) if name == "imagenet" else Scaling(CAFFE_MEAN, (1.0,) * 3)
        return colors if channels == 3 else None
    if name in MEANINGS:
        return None if pixels is None else _of_data(name, size, channels, pixels)
    values = [float(number) for number in name.split(",")]
    half = len(values) // 2
    is_fraction = max(map(abs, values)) <= 1  # else the numbers are on the scale 0 to 255
    named = Scaling(tuple(values[:half]), tuple(values[half:]))
    given = _times_255(named.mean, named.std) if is_fraction else named
    return None if half > channels else _stretched(given, channels)


def _of_data(name: str, size: int, channels: int, pixels: Pixels) -> Scaling | None:
    """Return a scale that takes its numbers from the training images."""
    if name in ("standard", "centered"):
        std = pixels.std if name == "standard" else (255.0,) * len(pixels.std)
        return _stretched(Scaling(pixels.mean, std), channels)
    num = len(pixels.mean_image)
    if num != size * size * channels:
        return None
    return Scaling(pixels.mean_image, pixels.std_image if "standard" in name else (255.0,) * num)


def _times_255(mean: Sequence[float], std: Sequence[float]) -> Scaling:
    return Scaling(tuple(255 * value for value in mean), tuple(255 * value for value in std))


def _stretched(values: Scaling, channels: int) -> Scaling:
    """Repeat the values of a gray image for every channel."""
    if len(values.mean) == channels:
        return values
    return Scaling(values.mean * channels, values.std * channels)
