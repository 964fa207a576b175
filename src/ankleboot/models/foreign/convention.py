"""Convention of a foreign model: pixels to its inputs, and its outputs to probabilities.

`Convention.inputs` and `Convention.probs` are NumPy alone: predictors of foreign `.tflite` and
`.onnx` files apply them, and the layers that `rebuild.py` puts around a Keras model compute the
same.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import msgspec
import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Images, Probs
from ankleboot.models.files.calibration import log_probs, softmax
from ankleboot.models.foreign.scalings import NORMALIZATIONS

LAYOUTS = ("hwc", "hw", "chw", "flat")
OUTPUTS = ("softmax", "logits", "sigmoid", "binary-sigmoid", "binary-logit")
FITS = ("same", "resize", "pad")
LENGTH_AXES = {"rows": (2,), "columns": (1,), "length": (1, 2, 3)}
MAX_SIZE = 1_024  # pixels per side of an input
Mean = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]
Std = Annotated[float, msgspec.Meta(ge=1e-6, le=1e6)]
IMAGE_EPSILON = 1e-6  # of a variance in [0, 1]: the layers that compute the same get it
LENGTH_EPSILON = 1e-12  # that of UnitNormalization; the square of one gray level is 1.5e-5


@dataclass(frozen=True)
class Convention:
    """Everything between uint8 images and probabilities that a foreign model leaves to its user.

    Attributes:
        layout: Axes of the input: "hwc", "hw" (no channel), "chw" (as in PyTorch) or "flat".
        size: Pixels per side of the input.
        channels: Channels of the input, 1 or 3; gray images are repeated.
        fit: Change of size: "same", "resize" (bilinear) or "pad" (black margins).
        scaling: Name of mean and std, as the user writes it.
        mean: Mean on the scale 0 to 255: one per channel, or one per value of the input.
        std: Divisor on the scale 0 to 255, as many.
        bgr: Whether the channels are in the order blue, green, red.
        outputs: Meaning of the outputs: "softmax" (probabilities), "logits", "sigmoid" (one for
            each class), "binary-sigmoid" or "binary-logit" (one for two classes).
        order: Index of the output of each label.
        normalization: What is done to each image then; see `scalings.NORMALIZATIONS`.
    """

    layout: str
    size: Annotated[int, msgspec.Meta(ge=1, le=MAX_SIZE)]
    channels: int
    fit: str
    scaling: str
    mean: tuple[Mean, ...]
    std: tuple[Std, ...]
    bgr: bool
    outputs: str
    order: tuple[int, ...]
    normalization: str = ""

    def inputs(self, images: Images) -> np.ndarray:
        """Turn images into float32 inputs of the model."""
        x = images.astype(np.float32)
        x = x[..., np.newaxis] if x.ndim == 3 else x
        if self.fit == "pad":
            margin = (self.size - x.shape[1]) // 2
            x = np.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
        elif self.fit == "resize":
            x = resize_bilinear(x, self.size)
        if x.shape[3] == 1 and self.channels == 3:
            x = np.repeat(x, 3, axis=3)
        x = x[..., ::-1] if self.bgr else x
        x = normalized(
            np.asarray((x - self._grid(self.mean)) / self._grid(self.std), np.float32),
            self.normalization,
        )
        match self.layout:
            case "hw":
                x = x[..., 0]
            case "chw":
                x = x.transpose(0, 3, 1, 2)
            case "flat":
                x = x.reshape(len(x), -1)
        return np.ascontiguousarray(x, np.float32)

    @property
    def lengths(self) -> set[int]:
        """Possible lengths of `mean` and `std`."""
        return {self.channels, self.size * self.size * self.channels}

    def check_images(self, size: int, path: object) -> None:
        """Refuse a convention that cannot take images of so many pixels per side.

        Raises:
            ModelError: If it cannot.
        """
        margin = self.size - size
        is_possible = {
            "same": margin == 0,
            "pad": margin > 0 and margin % 2 == 0,
            "resize": True,
        }
        if not is_possible[self.fit]:
            raise ModelError(
                f"{path}: damaged convention ({self.fit} of images of {size} pixels to {self.size})"
            )

    def _grid(self, values: tuple[float, ...]) -> np.ndarray:
        array = np.asarray(values, np.float32)
        is_image = len(values) > self.channels
        return array.reshape(self.size, self.size, self.channels) if is_image else array

    def probs(self, outputs: np.ndarray) -> Probs:
        """Turn outputs (n, outputs) into probabilities in the order of the labels."""
        values = outputs.astype(np.float64)
        match self.outputs:
            case "logits":
                values = softmax(values)
            case "sigmoid":
                values = softmax(log_probs(values))  # each divided by their sum
            case "binary-sigmoid":
                values = np.hstack([1 - values, values])
            case "binary-logit":
                values = softmax(np.hstack([np.zeros_like(values), values]))
        probs: Probs = values[:, list(self.order)].astype(np.float32)
        return probs

    def to_json(self) -> dict[str, Any]:
        """Return the document that `from_json` turns back into an equal object."""
        return asdict(self)

    def log_probs(self, outputs: np.ndarray) -> np.ndarray:
        """Turn outputs into logits in the order of the labels, where probabilities would be 0."""
        if self.outputs == "logits":
            return outputs.astype(np.float64)[:, list(self.order)]
        return log_probs(self.probs(outputs))

    @classmethod
    def from_json(cls, document: Mapping[str, Any], path: object) -> "Convention":
        """Rebuild a convention from the metadata of a model file; messages name the path.

        Raises:
            ModelError: If a field is unknown, missing or invalid.
        """
        try:
            convention = msgspec.convert(dict(document), cls)
            if (
                document.keys() - vars(convention).keys()
                or convention.channels not in (1, 3)
                or convention.layout not in LAYOUTS
                or (convention.channels == 1 and convention.bgr)
                or (convention.channels == 3 and convention.layout == "hw")
                or (convention.outputs.startswith("binary") and len(convention.order) != 2)
                or convention.outputs not in OUTPUTS
                or convention.fit not in FITS
                or sorted(convention.order) != list(range(len(convention.order)))
                or convention.normalization not in NORMALIZATIONS
                or not {len(convention.mean), len(convention.std)} <= convention.lengths
            ):
                raise ValueError("fields that do not fit each other")
        except (TypeError, ValueError) as error:
            raise ModelError(f"{path}: damaged convention ({error})") from error
        return convention


def normalized(x: np.ndarray, name: str) -> np.ndarray:
    """Normalize each image (height, width, channels), as `NORMALIZATIONS` has it."""
    if name == "":
        return x
    if name == "clipped":
        return np.asarray(np.clip(x, 0, 1))
    if name == "image":
        centered = x - x.mean(axis=(1, 2, 3), keepdims=True)
        variance = (centered**2).mean(axis=(1, 2, 3), keepdims=True)
        return np.asarray(centered / np.sqrt(variance + IMAGE_EPSILON), np.float32)
    squares = (x**2).sum(axis=LENGTH_AXES[name], keepdims=True)
    return np.asarray(x / np.sqrt(np.maximum(squares, LENGTH_EPSILON)), np.float32)


def resize_bilinear(x: np.ndarray, size: int) -> np.ndarray:
    """Resize images (n, height, width, channels) as Keras' Resizing does: half-pixel centers."""
    for axis in (1, 2):
        length = x.shape[axis]
        centers = (np.arange(size) + 0.5) * (length / size) - 0.5
        low = np.floor(centers).astype(int)
        share = (centers - low).astype(np.float32)
        shape = [1] * x.ndim
        shape[axis] = size
        first, second = (
            np.take(x, np.clip(index, 0, length - 1), axis=axis) for index in (low, low + 1)
        )
        x = first + (second - first) * share.reshape(shape)
    return x
