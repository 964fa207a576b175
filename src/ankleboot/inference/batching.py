"""Many images through a function that takes some at a time, and the shapes that are agreed on."""

from collections.abc import Callable, Sequence

import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Images, Probs, batch_size_for
from ankleboot.models.files.metadata import ModelMetadata


def in_batches(
    images: Images, most: int, num_classes: int, predict: Callable[[Images], Probs]
) -> Probs:
    """Predict `most` images at a time, fewer if they are large, and join the answers."""
    probs = np.zeros((len(images), num_classes), np.float32)
    size = batch_size_for(most, images.shape[1:])
    for start in range(0, len(images), size):
        probs[start : start + size] = predict(images[start : start + size])
    return probs


def check_shapes(
    path: object,
    info: ModelMetadata,
    input_: tuple[Sequence[int], object],
    output: tuple[Sequence[int], object],
) -> None:
    """Refuse an exported model whose shapes (without the batch) or types are not those it says.

    Raises:
        ModelError: Naming both.
    """
    wanted = [(info.image_spec.image_shape, "uint8"), ((len(info.labels),), "float32")]
    check_same(path, [input_, output], wanted)


def check_same(
    path: object,
    found: Sequence[tuple[Sequence[int], object]],
    wanted: Sequence[tuple[Sequence[int], object]],
) -> None:
    """Refuse shapes and types of input and output that are not the wanted ones.

    Raises:
        ModelError: Naming both.
    """
    got = [(tuple(shape), str(kind)) for shape, kind in found]
    if got != wanted:
        raise ModelError(
            f"{path}: expected input {wanted[0]} and output {wanted[1]}, got {got[0]} and {got[1]}"
        )
