"""Bounds for Keras while it builds a model that a file describes, before anything is allocated."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ankleboot.core.errors import ModelError
from ankleboot.models.foreign.scanners.limits import check_values, most_values

SPARE_VALUES = 10_000  # counters and seeds, which files leave out


@contextmanager
def at_most_weights(num_values: int) -> Iterator[None]:
    """Refuse a model that needs more weights than its file holds.

    Keras allocates the weights of a layer when it builds it, and compares them with the file only
    then. Use this in a process that loads one model: the bound holds for all threads.
    """
    import keras

    original, left = keras.layers.Layer.add_weight, num_values + SPARE_VALUES

    def add_weight(layer: Any, shape: Any = None, *args: Any, **kwargs: Any) -> Any:
        nonlocal left
        left -= math.prod((shape,) if isinstance(shape, int) else shape or ())
        if left < 0:
            raise ModelError(f"{layer.name} needs more weights than the file holds")
        return original(layer, shape, *args, **kwargs)

    keras.layers.Layer.add_weight = add_weight
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = original


def check_feature_maps(model: Any) -> None:
    """Refuse a model whose layers give far more values than images of its size need.

    Raises:
        ModelError: If one does.
    """
    most = most_values(size or 1 for size in model.inputs[0].shape[1:])
    for operation in _operations(model):
        for node in operation._inbound_nodes:
            for tensor in node.output_tensors:
                check_values((size or 1 for size in tensor.shape[1:]), most, operation.name)


def _operations(model: Any) -> Iterator[Any]:
    """Yield the layers and operations of a model and of those inside it."""
    for operation in getattr(model, "operations", None) or model.layers:
        yield operation
        if getattr(operation, "layers", None):
            yield from _operations(operation)
