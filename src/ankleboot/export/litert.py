"""Export formats of LiteRT: float32 by Keras, float16 and int8 by litert-quantizer."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ankleboot.core.silence import silenced
from ankleboot.export.deployable import DeployableModel
from ankleboot.inference.formats import ExportFormat
from ankleboot.inference.litert import LiteRTPredictor
from ankleboot.inference.parity_limits import FLOAT16, FLOAT32, INT8
from ankleboot.models.files.checksums import add_tflite_checksum

SIGNATURE = "serving_default"


def write(model: DeployableModel, path: Path) -> None:
    """Write weights and arithmetic in float32."""
    path.write_bytes(add_tflite_checksum(flatbuffer(model), model.info))


def write_float16(model: DeployableModel, path: Path) -> None:
    """Write weights in float16 and arithmetic in float32: half the bytes."""

    def configure(recipe: Any, op: Any) -> None:
        for name in (op.CONV_2D, op.DEPTHWISE_CONV_2D, op.FULLY_CONNECTED):
            recipe.add_weight_only_config(
                regex=".*", operation_name=name, num_bits=16, algorithm_key="float_casting"
            )

    path.write_bytes(add_tflite_checksum(_quantize(model, configure), model.info))


def write_int8(model: DeployableModel, path: Path, *, batch_size: int | None = None) -> None:
    """Write weights (per channel) and activations in int8; scaling and softmax stay in float32."""

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

    quantized = _quantize(model, configure, batch_size=batch_size)
    path.write_bytes(add_tflite_checksum(quantized, model.info))


def write_single(model: DeployableModel, path: Path) -> None:
    """Write float32 with a batch size of one: LiteRT.js runs only the batch size of the file."""
    path.write_bytes(add_tflite_checksum(flatbuffer(model, batch_size=1), model.info))


LITERT = ExportFormat("model.tflite", write, LiteRTPredictor, FLOAT32)
LITERT_FP16 = ExportFormat("model-fp16.tflite", write_float16, LiteRTPredictor, FLOAT16)
LITERT_INT8 = ExportFormat("model-int8.tflite", write_int8, LiteRTPredictor, INT8)


def flatbuffer(model: DeployableModel, *, batch_size: int | None = None) -> bytes:
    """Convert the model with Keras' own exporter."""
    import keras

    with tempfile.TemporaryDirectory() as folder, silenced():
        path = Path(folder) / "model.tflite"
        shape = (batch_size, *model.info.image_spec.image_shape)
        signature = [keras.InputSpec(shape=shape, dtype="uint8", name="images")]
        model.deployable.export(
            str(path), format="litert", verbose=False, input_signature=signature
        )
        return path.read_bytes()


def _quantize(
    model: DeployableModel,
    configure: Callable[[Any, Any], None],
    *,
    batch_size: int | None = None,
) -> bytes:
    from litert_quantizer import qtyping, quantizer, recipe_manager

    recipe = recipe_manager.RecipeManager()
    configure(recipe, qtyping.TFLOperationName)
    with silenced():
        worker = quantizer.Quantizer(flatbuffer(model), recipe.get_quantization_recipe())
        ranges = None
        if worker.need_calibration:
            # as one batch: over several it keeps a moving average of the extremes, and clips them
            samples = [{"images": model.calibration_images}]
            ranges = worker.calibrate({SIGNATURE: samples}, num_threads=1)
        if batch_size is not None:  # the tensors, and so the ranges, have the same names
            fixed = flatbuffer(model, batch_size=batch_size)
            worker = quantizer.Quantizer(fixed, recipe.get_quantization_recipe())
        return bytes(worker.quantize(ranges).quantized_model)
