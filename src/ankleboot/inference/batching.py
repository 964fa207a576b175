"""Predict in batches, and check the input and output of a loaded model."""

from collections.abc import Callable, Sequence

import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Images, Probs, batch_size_for
from ankleboot.models.files.metadata import ModelMetadata

Tensor = tuple[Sequence[int], object]
"""Shape without the batch axis, and type, of an input or output."""


def predict_in_batches(
    images: Images, max_batch_size: int, num_classes: int, predict: Callable[[Images], Probs]
) -> Probs:
    """Predict up to `max_batch_size` images at a time, fewer if they are large."""
    probs = np.zeros((len(images), num_classes), np.float32)
    size = batch_size_for(max_batch_size, images.shape[1:])
    for start in range(0, len(images), size):
        probs[start : start + size] = predict(images[start : start + size])
    return probs


def check_exported(path: object, info: ModelMetadata, input_: Tensor, output: Tensor) -> None:
    """Check that an exported model takes and returns the arrays that its metadata states.

    Raises:
        ModelError: If a shape or type differs; the message has the expected and the actual ones.
    """
    expected = [(info.image_spec.image_shape, "uint8"), ((len(info.labels),), "float32")]
    check_tensors(path, [input_, output], expected)


def check_tensors(path: object, actual: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    """Check shapes and types of the input and the output.

    Raises:
        ModelError: If one differs; the message has the expected and the actual ones.
    """
    comparable = [(tuple(shape), str(dtype)) for shape, dtype in actual]
    if comparable != expected:
        raise ModelError(
            f"{path}: expected input {expected[0]} and output {expected[1]}, "
            f"got {comparable[0]} and {comparable[1]}"
        )
