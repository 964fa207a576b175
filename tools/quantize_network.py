"""Small networks in int8 for LiteRT, converted and written with a checksum, for their tools."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from litert_quantizer import qtyping, quantizer, recipe_manager

from ankleboot import __version__
from ankleboot.core.files import atomic_write
from ankleboot.core.silence import silenced
from ankleboot.models.files.checksums import add_tflite_checksum
from ankleboot.models.files.metadata import ModelMetadata

OPERATIONS = (
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "ADD",
    "CONCATENATION",
    "MEAN",
    "RESIZE_BILINEAR",
    "RESHAPE",
)


def quantize_network(model: keras.Model, samples: Sequence[np.ndarray]) -> bytes:
    """Convert a network of uint8 images; the ranges of its activations are those of samples."""
    recipe = recipe_manager.RecipeManager()
    for name in OPERATIONS:
        recipe.add_static_config(
            regex=".*",
            operation_name=getattr(qtyping.TFLOperationName, name),
            activation_num_bits=8,
            weight_num_bits=8,
        )
    with tempfile.TemporaryDirectory() as folder, silenced():
        path, input_ = Path(folder) / "model.tflite", model.inputs[0]
        shape = keras.InputSpec(shape=(1, *input_.shape[1:]), dtype="uint8", name=input_.name)
        model.export(str(path), format="litert", verbose=False, input_signature=[shape])
        worker = quantizer.Quantizer(str(path), recipe.get_quantization_recipe())
        images = [{input_.name: image[np.newaxis]} for image in samples]
        ranges = worker.calibrate({"serving_default": images}, num_threads=1)
        return bytes(worker.quantize(ranges).quantized_model)


def write_network(
    path: Path,
    flatbuffer: bytes,
    model: keras.Model,
    *,
    recipe: str,
    data: str,
    labels: Sequence[str],
) -> None:
    """Write the converted form of a model of color images, with its metadata and a checksum."""
    info = ModelMetadata(
        recipe=recipe,
        data=data,
        format="litert-int8",
        parameters=model.count_params(),
        labels=tuple(labels),
        image_size=model.inputs[0].shape[1],
        color=True,
        crop="none",
        version=__version__,
    )
    content = add_tflite_checksum(flatbuffer, info)
    atomic_write(path, content)
    print(f"{path}: {len(content):,} bytes, {info.parameters:,} parameters")
