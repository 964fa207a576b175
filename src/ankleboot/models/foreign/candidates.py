"""Candidate conventions of a model's input: those that its shape and the user's words allow."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.models.foreign.convention import Convention

FASHION_MNIST_PIXELS = (0.2860, 0.3530)
"""Mean and standard deviation of the training pixels in [0, 1]; see models/layers.py."""

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CAFFE_MEAN = (123.68, 116.779, 103.939)
"""Mean colors of ImageNet, on the scale 0 to 255, as `preprocess_input` of VGG16 subtracts them."""

SCALINGS = ("unit", "byte", "signed", "standard", "imagenet", "caffe")
LARGEST_MARGIN = 8  # pixels in all, that a model may add around an image, as LeNet-5 does
MEANINGS = {
    "unit": "pixels from 0 to 1",
    "byte": "pixels from 0 to 255",
    "signed": "pixels from -1 to 1",
    "standard": "pixels minus their mean, divided by their standard deviation",
    "imagenet": "colors minus ImageNet's mean, divided by its standard deviation",
    "caffe": "blue, green and red from 0 to 255 minus ImageNet's mean",
}

Scaling = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation per channel, on the scale 0 to 255."""


@dataclass(frozen=True)
class Signature:
    """Input and output of a foreign model, as its file states them.

    Attributes:
        input_shape: Sizes without the batch axis; 0 where the file leaves one open.
        num_outputs: Number of values per image.
        outputs: Meaning of the outputs where the file states it; "" where only images tell.
        is_uint8: Whether the input takes unscaled bytes.
        parameters: Number of weights; 0 where the file does not tell.
        kind: Kind of file: "keras", "h5", "saved-model", "tflite" or "onnx".
        notes: What was assumed or left out, in words.
    """

    input_shape: tuple[int, ...]
    num_outputs: int
    outputs: str = ""
    is_uint8: bool = False
    parameters: int = 0
    kind: str = "keras"
    notes: tuple[str, ...] = field(default=())

    @property
    def axes(self) -> tuple[str, int, int]:
        """Layout, pixels per side and channels of the input.

        Raises:
            ModelError: If the input is no square image of one or three channels.
        """
        match self.input_shape:
            case (height, width, channels) if height == width > 3 and channels in (1, 3):
                return "hwc", height, channels
            case (channels, height, width) if height == width > 3 and channels in (1, 3):
                return "chw", height, channels
            case (height, width) if height == width > 3:
                return "hw", height, 1
            case (values,):
                for channels in (1, 3):
                    size = round((values / channels) ** 0.5)
                    if size > 3 and size * size * channels == values:
                        return "flat", size, channels
        shape = " x ".join(str(size or "?") for size in self.input_shape) or "no axes"
        raise ModelError(
            f"input of shape {shape}: expected one square image of fixed size with one or three "
            "channels, such as 28 x 28 x 1"
        )


def parse_input(text: str) -> str:
    """Check a value of --input, and return it.

    Raises:
        UsageError: If it is neither a name nor MEAN,STD.
    """
    if text in ("auto", *SCALINGS):
        return text
    try:
        numbers = [float(number) for number in text.split(",")]
    except ValueError:
        numbers = []
    half = len(numbers) // 2
    if len(numbers) not in (2, 6) or not all(abs(n) < 1e6 for n in numbers):
        numbers = []
    if not numbers or min(numbers[half:]) <= 0:
        names = ", ".join(("auto", *SCALINGS))
        raise UsageError(
            f"--input {text}: expected {names}, MEAN,STD or three of each (R,G,B,R,G,B)"
        )
    return text


def candidates(
    signature: Signature, image_size: int, choice: str, pixels: Scaling | None
) -> list[Convention]:
    """List the conventions to try; outputs and order are filled in later.

    Args:
        signature: Input of the model.
        image_size: Pixels per side of the images.
        choice: Value of --input.
        pixels: Mean and standard deviation of the training pixels; None if they are unknown.

    Raises:
        UsageError: If the choice needs colors or pixels that are not there.
    """
    layout, size, channels = signature.axes
    if choice == "auto":
        names = ["byte"] if signature.is_uint8 else list(SCALINGS)
        scalings = [(n, s) for n in names if (s := scaling(n, channels, pixels)) is not None]
    else:
        chosen = scaling(choice, channels, pixels)
        if chosen is None:
            needed = "the data (--data)" if choice == "standard" else "a model of color images"
            raise UsageError(f"--input {choice} needs {needed}")
        scalings = [(choice, chosen)]
    return [
        Convention(
            layout=layout,
            size=size,
            channels=channels,
            fit=fit,
            scaling=name,
            mean=mean,
            std=std,
            bgr=name == "caffe",
            outputs="softmax",
            order=(),
        )
        for (name, (mean, std)), fit in product(scalings, _fits(image_size, size))
    ]


def scaling(name: str, channels: int, pixels: Scaling | None) -> Scaling | None:
    """Return mean and standard deviation of a scaling; None if the model cannot have it."""
    match name:
        case "unit":
            return _repeated(0.0, 255.0, channels)
        case "byte":
            return _repeated(0.0, 1.0, channels)
        case "signed":
            return _repeated(127.5, 127.5, channels)
        case "standard":
            return pixels and _stretched(pixels, channels)
        case "imagenet":
            return _times_255(*IMAGENET) if channels == 3 else None
        case "caffe":
            return (CAFFE_MEAN[::-1], (1.0,) * 3) if channels == 3 else None
    numbers = [float(number) for number in name.split(",")]
    half = len(numbers) // 2
    mean, std = tuple(numbers[:half]), tuple(numbers[half:])
    is_fraction = max(map(abs, numbers)) <= 1  # else the numbers are on the scale 0 to 255
    given = _times_255(mean, std) if is_fraction else (mean, std)
    return None if half > channels else _stretched(given, channels)


def _fits(image_size: int, size: int) -> Sequence[str]:
    if size == image_size:
        return ("same",)
    margin = size - image_size
    return ("resize", "pad") if 0 < margin <= LARGEST_MARGIN and margin % 2 == 0 else ("resize",)


def _repeated(mean: float, std: float, channels: int) -> Scaling:
    return (mean,) * channels, (std,) * channels


def _times_255(mean: Sequence[float], std: Sequence[float]) -> Scaling:
    return tuple(255 * value for value in mean), tuple(255 * value for value in std)


def _stretched(values: Scaling, channels: int) -> Scaling:
    """Repeat the values of a gray image for every channel."""
    mean, std = values
    return (mean, std) if len(mean) == channels else (mean * channels, std * channels)
