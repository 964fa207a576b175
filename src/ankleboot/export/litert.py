"""Export formats of LiteRT: float32 by Keras, float16 and int8 by litert-quantizer."""

from pathlib import Path
from typing import Any

from ankleboot.core.garbage import old_objects_skipped
from ankleboot.core.silence import silenced
from ankleboot.core.temporary import temp_folder
from ankleboot.export.deployable import DeployableModel
from ankleboot.export.tflite_metadata import add_tflite_metadata
from ankleboot.inference.formats import ExportFormat
from ankleboot.inference.litert import LiteRTPredictor
from ankleboot.inference.parity_limits import FLOAT16, FLOAT32, INT8
from ankleboot.models.files.checksums import add_tflite_checksum

SIGNATURE = "serving_default"
WITH_WEIGHTS = ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"]
WITHOUT_WEIGHTS = ["ADD", "MEAN", "MAX_POOL_2D", "AVERAGE_POOL_2D", "RESHAPE", "RELU", "GELU"]


def write(model: DeployableModel, path: Path, *, batch_size: int | None = None) -> None:
    """Write weights and arithmetic in float32; None for a file that takes any batch size."""
    _store(_flatbuffer(model, batch_size=batch_size), model, path)


def write_float16(model: DeployableModel, path: Path) -> None:
    """Write weights in float16 and arithmetic in float32: half the bytes."""
    from litert_quantizer.recipe_manager import RecipeManager

    recipe = RecipeManager()
    for name in WITH_WEIGHTS:
        recipe.add_weight_only_config(".*", name, num_bits=16, algorithm_key="float_casting")
    _store(_quantize(model, recipe), model, path)


def write_int8(model: DeployableModel, path: Path, *, batch_size: int | None = None) -> None:
    """Write weights (per channel) and activations in int8; scaling and softmax stay in float32."""
    from litert_quantizer.recipe_manager import RecipeManager

    recipe = RecipeManager()
    for name in WITH_WEIGHTS + WITHOUT_WEIGHTS:
        recipe.add_static_config(".*", name, activation_num_bits=8, weight_num_bits=8)
    _store(_quantize(model, recipe, batch_size=batch_size), model, path)


LITERT = ExportFormat("model.tflite", write, LiteRTPredictor, FLOAT32)
LITERT_FP16 = ExportFormat(
    "model-fp16.tflite", write_float16, LiteRTPredictor, FLOAT16, weights="float16"
)
LITERT_INT8 = ExportFormat("model-int8.tflite", write_int8, LiteRTPredictor, INT8, weights="int8")


def _store(flatbuffer: bytes, model: DeployableModel, path: Path) -> None:
    described = add_tflite_metadata(flatbuffer, model.info)
    path.write_bytes(add_tflite_checksum(described, model.info))


def _flatbuffer(model: DeployableModel, *, batch_size: int | None = None) -> bytes:
    """Convert the model with Keras' own exporter."""
    import keras

    with temp_folder() as folder, silenced(), old_objects_skipped():
        path = folder / "model.tflite"
        shape = (batch_size, *model.info.image_spec.image_shape)
        signature = [keras.InputSpec(shape=shape, dtype="uint8", name="images")]
        model.deployable.export(
            str(path), format="litert", verbose=False, input_signature=signature
        )
        return path.read_bytes()


def _quantize(model: DeployableModel, recipe: Any, *, batch_size: int | None = None) -> bytes:
    from litert_quantizer.quantizer import Quantizer

    with silenced():
        worker = Quantizer(_flatbuffer(model), recipe.get_quantization_recipe())
        ranges = None
        if worker.need_calibration:
            # as one batch: over several it keeps a moving average of the extremes, and clips them
            samples = [{"images": model.calibration_images}]
            ranges = worker.calibrate({SIGNATURE: samples}, num_threads=1)
        if batch_size is not None:  # the tensors, and so the ranges, have the same names
            fixed = _flatbuffer(model, batch_size=batch_size)
            worker = Quantizer(fixed, recipe.get_quantization_recipe())
        return bytes(worker.quantize(ranges).quantized_model)
