"""Export formats of ONNX: float32 by Keras, int8 by the static quantization of ONNX Runtime."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ankleboot.core.silence import silenced
from ankleboot.core.temporary import temp_folder
from ankleboot.core.types import Images
from ankleboot.export.deployable import DeployableModel
from ankleboot.inference.formats import ExportFormat
from ankleboot.inference.onnx import OnnxPredictor
from ankleboot.inference.parity_limits import FLOAT32, INT8
from ankleboot.models.files.checksums import ONNX_KEY, add_onnx_checksum

OPSET = 18
INT8_OPERATIONS = ["Conv", "Gemm", "MatMul", "MaxPool", "AveragePool", "Relu"]


def write(model: DeployableModel, path: Path) -> None:
    """Write weights and arithmetic in float32."""
    path.write_bytes(_with_checksum(_float32(model), model))


def write_int8(model: DeployableModel, path: Path) -> None:
    """Write weights (per channel) and activations in int8, as QDQ pairs for every runtime."""
    import onnx
    from onnxruntime import quantization
    from onnxruntime.quantization import shape_inference

    with temp_folder() as folder, silenced():
        float32, prepared, int8 = (
            folder / f"{name}.onnx" for name in ("float32", "prepared", "int8")
        )
        onnx.save(_float32(model), float32)
        shape_inference.quant_pre_process(float32, prepared, skip_symbolic_shape=True)
        quantization.quantize_static(
            prepared,
            int8,
            _CalibrationReader(model.calibration_images),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=INT8_OPERATIONS,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        path.write_bytes(_with_checksum(onnx.load(int8), model))


ONNX = ExportFormat("model.onnx", write, OnnxPredictor, FLOAT32)
ONNX_INT8 = ExportFormat("model-int8.onnx", write_int8, OnnxPredictor, INT8, weights="int8")


def _float32(model: DeployableModel) -> Any:
    import onnx

    _register_erfc()
    with temp_folder() as folder, silenced():
        path = folder / "model.onnx"
        model.deployable.export(str(path), format="onnx", verbose=False, opset_version=OPSET)
        exported = onnx.load(path)
    output = exported.graph.output[0]
    for node in exported.graph.node:
        node.output[:] = ["probs" if name == output.name else name for name in node.output]
        node.input[:] = ["probs" if name == output.name else name for name in node.input]
    output.name = "probs"
    for value in (exported.graph.input[0], output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    return exported


def _register_erfc() -> None:
    """Teach tf2onnx the operation Erfc of TensorFlow's exact GELU: 1 - Erf."""
    import numpy as np
    from tf2onnx import utils
    from tf2onnx.handler import tf_op

    def erfc(graph: Any, node: Any, **_: Any) -> None:
        dtype, shape = graph.get_dtype(node.output[0]), graph.get_shape(node.output[0])
        one = graph.make_const(
            utils.make_name("one"), np.array(1, utils.map_onnx_to_numpy_type(dtype))
        )
        error = graph.make_node("Erf", node.input, dtypes=[dtype], shapes=[shape])
        graph.remove_node(node.name)
        graph.make_node(
            "Sub",
            [one.output[0], error.output[0]],
            outputs=node.output,
            name=node.name,
            dtypes=[dtype],
            shapes=[shape],
        )

    tf_op("Erfc").register_compat_handler(erfc, 9)  # the opset that has Erf


def _with_checksum(exported: Any, model: DeployableModel) -> bytes:
    import onnx

    onnx.checker.check_model(exported)
    properties = {
        ONNX_KEY: json.dumps(model.info.to_json()),
        "labels": "\n".join(model.info.labels),
    }
    onnx.helper.set_model_props(exported, properties)
    return add_onnx_checksum(exported.SerializeToString())


class _CalibrationReader:
    """Iterator over calibration images, as ONNX Runtime's quantizer reads them."""

    def __init__(self, images: Images) -> None:
        self._images: Iterator[Any] = iter(images)

    def get_next(self) -> dict[str, Any] | None:
        image = next(self._images, None)
        return None if image is None else {"images": image[None]}
