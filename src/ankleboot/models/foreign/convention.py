"""Convention of a foreign model: pixels to its inputs, and its outputs to probabilities.

`Convention.inputs` and `Convention.probs` are NumPy alone: predictors of foreign `.tflite` and
`.onnx` files apply them, and the layers that `rebuild.py` puts around a Keras model compute the
same.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Images, Probs
from ankleboot.models.files.calibration import log_probs, softmax

LAYOUTS = ("hwc", "hw", "chw", "flat")
OUTPUTS = ("softmax", "logits", "sigmoid", "binary-sigmoid", "binary-logit")
FITS = ("same", "resize", "pad")


@dataclass(frozen=True)
class Convention:
    """Everything between uint8 images and probabilities that a foreign model leaves to its user.

    Attributes:
        layout: Axes of the input: "hwc", "hw" (no channel), "chw" (as in PyTorch) or "flat".
        size: Pixels per side of the input.
        channels: Channels of the input, 1 or 3; gray images are repeated.
        fit: Change of size: "same", "resize" (bilinear) or "pad" (black margins).
        scaling: Name of mean and std, as the user writes it.
        mean: Mean per channel, on the scale 0 to 255.
        std: Divisor per channel, on the scale 0 to 255.
        bgr: Whether the channels are in the order blue, green, red.
        outputs: Meaning of the outputs: "softmax" (probabilities), "logits", "sigmoid" (one for
            each class), "binary-sigmoid" or "binary-logit" (one for two classes).
        order: Index of the output of each label.
    """

    layout: str
    size: int
    channels: int
    fit: str
    scaling: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bgr: bool
    outputs: str
    order: tuple[int, ...]

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
        mean, std = np.asarray(self.mean, np.float32), np.asarray(self.std, np.float32)
        x = np.asarray((x - mean) / std, np.float32)
        match self.layout:
            case "hw":
                x = x[..., 0]
            case "chw":
                x = x.transpose(0, 3, 1, 2)
            case "flat":
                x = x.reshape(len(x), -1)
        return np.ascontiguousarray(x, np.float32)

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

    @classmethod
    def from_json(cls, document: Mapping[str, Any], path: object) -> "Convention":
        """Rebuild a convention from the metadata of a model file; messages name the path.

        Raises:
            ModelError: If a field is unknown, missing or invalid.
        """
        try:
            tuples = {name: tuple(document[name]) for name in ("mean", "std", "order")}
            convention = cls(**(dict(document) | tuples))
            if (
                convention.layout not in LAYOUTS
                or convention.outputs not in OUTPUTS
                or convention.fit not in FITS
                or sorted(convention.order) != list(range(len(convention.order)))
                or not all(np.isfinite(convention.mean)) & all(np.isfinite(convention.std))
                or min(convention.std) <= 0
            ):
                raise ValueError(str(document))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{path}: damaged convention ({error})") from error
        return convention


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
