"""Candidate conventions of a model's input: those that its shape and the user's words allow."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.models.foreign.convention import Convention
from ankleboot.models.foreign.scalings import MEANINGS, Pixels, scaling

LARGEST_MARGIN = 8  # pixels in all, that a model may add around an image, as LeNet-5 does


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


def candidates(
    signature: Signature, image_size: int, choice: str, pixels: Pixels | None
) -> list[Convention]:
    """List the conventions to try; outputs and order are filled in later.

    Args:
        signature: Input of the model.
        image_size: Pixels per side of the images.
        choice: Value of --input.
        pixels: Statistics of the training images; None if they are unknown.

    Raises:
        UsageError: If the choice needs colors or pixels that are not there.
    """
    layout, size, channels = signature.axes
    if choice == "auto":
        names = ["byte"] if signature.is_uint8 else list(MEANINGS)
        scalings = [(n, s) for n in names if (s := scaling(n, size, channels, pixels)) is not None]
    else:
        chosen = scaling(choice, size, channels, pixels)
        if chosen is None:
            is_color = choice in ("imagenet", "caffe") or choice not in MEANINGS
            needed = "a model of color images" if is_color else "data of the same size (--data)"
            raise UsageError(f"--input {choice} needs {needed}")
        scalings = [(choice, chosen)]
    return [
        Convention(
            layout=layout,
            size=size,
            channels=channels,
            fit=fit,
            scaling=name,
            mean=tried.mean,
            std=tried.std,
            normalization=tried.normalization,
            bgr=name == "caffe",
            outputs="softmax",
            order=(),
        )
        for (name, tried), fit in product(scalings, _fits(image_size, size))
    ]


def _fits(image_size: int, size: int) -> Sequence[str]:
    if size == image_size:
        return ("same",)
    margin = size - image_size
    return ("resize", "pad") if 0 < margin <= LARGEST_MARGIN and margin % 2 == 0 else ("resize",)
