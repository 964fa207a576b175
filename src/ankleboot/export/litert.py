"""LiteRT: float32 as Keras writes it, float16 and int8 by litert-quantizer."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from ankleboot.core.silence import silenced
from ankleboot.export.deployable import DeployableModel
from ankleboot.models.files.checksums import add_tflite_checksum

SIGNATURE = "serving_default"


def write(network: DeployableModel, path: Path) -> None:
    """Weights and arithmetic in float32."""
    path.write_bytes(add_tflite_checksum(flatbuffer(network), network.info))


def write_float16(network: DeployableModel, path: Path) -> None:
    """Weights in float16, arithmetic in float32: half the bytes."""

    def configure(recipe: Any, op: Any) -> None:
        for name in (op.CONV_2D, op.DEPTHWISE_CONV_2D, op.FULLY_CONNECTED):
            recipe.add_weight_only_config(
                regex=".*", operation_name=name, num_bits=16, algorithm_key="float_casting"
            )

    path.write_bytes(add_tflite_checksum(_quantized(network, configure), network.info))


def write_int8(network: DeployableModel, path: Path, *, batch_size: int | None = None) -> None:
    """Weights (per channel) and activations in int8; scaling and softmax stay in float32."""

    def configure(recipe: Any, op: Any) -> None:
        for name in (
            op.CONV_2D,
            op.DEPTHWISE_CONV_2D,
            op.FULLY_CONNECTED,
            op.ADD,
            op.MEAN,
            op.MAX_POOL_2D,
            op.AVERAGE_POOL_2D,
            op.RESHAPE,
            op.RELU,
            op.GELU,
        ):
            recipe.add_static_config(
                regex=".*", operation_name=name, activation_num_bits=8, weight_num_bits=8
            )

    written = _quantized(network, configure, batch_size=batch_size)
    path.write_bytes(add_tflite_checksum(written, network.info))


def write_single(network: DeployableModel, path: Path) -> None:
    """As `write`, for one image at a time: LiteRT.js knows no other number than the file's."""
    path.write_bytes(add_tflite_checksum(flatbuffer(network, batch_size=1), network.info))


def flatbuffer(network: DeployableModel, *, batch_size: int | None = None) -> bytes:
    """The network as Keras' own exporter writes it."""
    with tempfile.TemporaryDirectory() as folder, silenced():
        path = Path(folder) / "model.tflite"
        shape = (batch_size, *network.info.image_spec.image_shape)
        signature = [keras.InputSpec(shape=shape, dtype="uint8", name="images")]
        network.deployable.export(
            str(path), format="litert", verbose=False, input_signature=signature
        )
        return path.read_bytes()


def _quantized(
    network: DeployableModel,
    configure: Callable[[Any, Any], None],
    *,
    batch_size: int | None = None,
) -> bytes:
    from litert_quantizer import qtyping, quantizer, recipe_manager

    recipe = recipe_manager.RecipeManager()
    configure(recipe, qtyping.TFLOperationName)
    with silenced():
        worker = quantizer.Quantizer(flatbuffer(network), recipe.get_quantization_recipe())
        ranges = None
        if worker.need_calibration:
            # as one batch: over several it keeps a moving average of the extremes, and clips them
            samples = [{"images": network.calibration_images}]
            ranges = worker.calibrate({SIGNATURE: samples}, num_threads=1)
        if batch_size is not None:  # the tensors, and so the ranges, have the same names
            fixed = flatbuffer(network, batch_size=batch_size)
            worker = quantizer.Quantizer(fixed, recipe.get_quantization_recipe())
        return bytes(worker.quantize(ranges).quantized_model)
