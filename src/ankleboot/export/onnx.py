"""ONNX: Keras' exporter for float32, ONNX Runtime's static quantisation for int8."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ankleboot.core.silence import silenced
from ankleboot.core.types import Images
from ankleboot.export.deployable import DeployableModel
from ankleboot.models.files.checksums import ONNX_KEY, add_onnx_checksum

OPSET = 18
QUANTIZED = ["Conv", "Gemm", "MatMul", "MaxPool", "AveragePool", "Relu"]


def write(network: DeployableModel, path: Path) -> None:
    """Weights and arithmetic in float32."""
    path.write_bytes(_sealed(_float32(network), network))


def write_int8(network: DeployableModel, path: Path) -> None:
    """Weights (per channel) and activations in int8, as QDQ pairs that every runtime reads."""
    import onnx
    from onnxruntime import quantization
    from onnxruntime.quantization import shape_inference

    with tempfile.TemporaryDirectory() as folder, silenced():
        plain, prepared, small = (
            Path(folder) / f"{n}.onnx" for n in ("plain", "prepared", "small")
        )
        onnx.save(_float32(network), plain)
        shape_inference.quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        quantization.quantize_static(
            prepared,
            small,
            _Reader(network.calibration_images),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=QUANTIZED,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        path.write_bytes(_sealed(onnx.load(small), network))


def _float32(network: DeployableModel) -> Any:
    import onnx

    with tempfile.TemporaryDirectory() as folder, silenced():
        path = Path(folder) / "model.onnx"
        network.deployable.export(str(path), format="onnx", verbose=False, opset_version=OPSET)
        model = onnx.load(path)
    output = model.graph.output[0]
    for node in model.graph.node:
        node.output[:] = ["probs" if name == output.name else name for name in node.output]
        node.input[:] = ["probs" if name == output.name else name for name in node.input]
    output.name = "probs"
    for value in (model.graph.input[0], output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    return model


def _sealed(model: Any, network: DeployableModel) -> bytes:
    import onnx

    onnx.checker.check_model(model)
    properties = {
        ONNX_KEY: json.dumps(network.info.to_json()),
        "labels": "\n".join(network.info.labels),
    }
    onnx.helper.set_model_props(model, properties)
    return add_onnx_checksum(model.SerializeToString())


class _Reader:
    """Feeds the quantiser image by image."""

    def __init__(self, images: Images) -> None:
        self._images: Iterator[Any] = iter(images)

    def get_next(self) -> dict[str, Any] | None:
        image = next(self._images, None)
        return None if image is None else {"images": image[None]}
