"""Export format of TensorFlow Lite Micro: the network as a C array, int8 in and out, one image.

model.tflite    the network, which the parity check loads
model.cc        the same as a C array
model.h         its declaration, and the labels, image size, threshold and operators

A pixel p is the input p - 128; an output q is the probability (q + 128) / 256. docs/devices.md
has a sketch.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.silence import silenced
from ankleboot.core.temporary import temp_folder
from ankleboot.core.text import escape_unprintable
from ankleboot.export.deployable import DeployableModel
from ankleboot.inference.formats import ExportFormat
from ankleboot.inference.litert import LiteRTPredictor
from ankleboot.inference.parity_limits import INT8
from ankleboot.inference.predictor import Predictor
from ankleboot.models.files.checksums import (
    add_folder_checksums,
    add_tflite_checksum,
    read_verified_folder,
)
from ankleboot.models.files.metadata import ModelMetadata

FILE_NAME = "model.tflite"
FORMAT = "litert-micro"
METHODS = (
    "Add AveragePool2D Concatenation Conv2D DepthwiseConv2D FullyConnected HardSwish LeakyRelu "
    "Logistic MaxPool2D Maximum Mean Minimum Mul Pad PadV2 Prelu Quantize Relu Relu6 Reshape "
    "ResizeBilinear ResizeNearestNeighbor Softmax Squeeze StridedSlice Sub Sum Tanh Transpose "
    "TransposeConv"
).split()
"""Operators that TensorFlow Lite Micro has in int8, without "Add", which begins each name.

Source: micro_mutable_op_resolver.h, https://github.com/tensorflow/tflite-micro
"""
BYTES_PER_LINE = 16


def write(model: DeployableModel, path: Path) -> None:
    """Write the folder; refuse a network with an operator that microcontrollers lack."""
    network = _flatbuffer(model)
    methods = [_method(name) for name in operators_of(network)]
    path.mkdir()
    (path / FILE_NAME).write_bytes(add_tflite_checksum(network, model.info))
    (path / "model.cc").write_text("\n".join(_source(network)) + "\n")
    (path / "model.h").write_text("\n".join(_header(network, methods, model.info)) + "\n")
    add_folder_checksums(path, model.info)


def load(path: Path, num_threads: int) -> Predictor:
    """Load the network on LiteRT after verifying every file of the folder."""
    read_verified_folder(path)
    return LiteRTPredictor(path / FILE_NAME, num_threads)


LITERT_MICRO = ExportFormat("micro", write, load, INT8, holds_ensembles=False, weights="int8")


def _flatbuffer(model: DeployableModel) -> bytes:
    """Convert the model to integers throughout with the converter behind Keras' exporter.

    The quantizer of the other formats leaves some operators, such as LeakyReLU, in float32.
    """
    import keras
    import tensorflow as tf

    scaled = model.deployable.get_layer("scaled").output  # without the cast from uint8
    network = keras.Model(scaled, model.deployable.output, name="micro")
    with temp_folder() as folder, silenced():
        path = folder / FILE_NAME
        shape = (1, *model.info.image_spec.image_shape)
        network.export(
            str(path),
            format="litert",
            verbose=False,
            input_signature=[keras.InputSpec(shape=shape, dtype="float32", name="images")],
            optimizations=[tf.lite.Optimize.DEFAULT],
            representative_dataset=lambda: _samples(model),
            target_spec={"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
            inference_input_type=tf.int8,
            inference_output_type=tf.int8,
        )
        return path.read_bytes()


def _samples(model: DeployableModel) -> Iterator[list[np.ndarray]]:
    """Yield calibration images; the first has a black and a white pixel, for the range 0 to 1."""
    for index, image in enumerate(model.calibration_images):
        inputs = image[None].astype(np.float32) / 255
        if index == 0:
            inputs[0, 0, 0], inputs[0, 0, 1] = 0, 1
        yield [inputs]


def operators_of(flatbuffer: bytes) -> list[str]:
    """Return the operators of a model, each once, in ascending order."""
    from ai_edge_litert.tools import flatbuffer_utils

    names = {code: name for name, code in vars(flatbuffer_utils.BuiltinOperator).items()}
    model = flatbuffer_utils.convert_bytearray_to_object(flatbuffer)
    codes = map(flatbuffer_utils.get_builtin_code_from_operator_code, model.operatorCodes)
    return sorted({names[code] for code in codes})


def _method(operator: str) -> str:
    """Return the method that registers an operator."""
    by_operator = {method.lower(): f"Add{method}" for method in METHODS}
    try:
        return by_operator[operator.replace("_", "").lower()]
    except KeyError:
        raise ModelError(
            f"{FORMAT}: TensorFlow Lite Micro has no operator {operator} in int8; train a network "
            "with other layers (activation=relu or leaky_relu)"
        ) from None


def _source(network: bytes) -> Iterator[str]:
    yield '#include "model.h"'
    yield ""
    yield "alignas(16) const unsigned char ankleboot::kModel[] = {"
    for start in range(0, len(network), BYTES_PER_LINE):
        yield "  " + " ".join(f"0x{byte:02x}," for byte in network[start : start + BYTES_PER_LINE])
    yield "};"


def _header(network: bytes, methods: list[str], info: ModelMetadata) -> Iterator[str]:
    labels = ", ".join(_quoted(label) for label in info.labels)
    recipe, version = map(escape_unprintable, (info.recipe or "unknown", info.version))
    yield f"// Recipe {recipe}, written by Ankleboot {version}."
    yield "#pragma once"
    yield ""
    yield "namespace ankleboot {"
    yield ""
    yield "extern const unsigned char kModel[];"
    yield f"constexpr int kModelBytes = {len(network)};"
    yield f"constexpr int kImageSize = {info.image_size};  // pixels per side"
    yield f"constexpr int kChannels = {3 if info.color else 1};"
    yield f"constexpr int kNumLabels = {len(info.labels)};"
    yield f"constexpr const char* kLabels[] = {{{labels}}};"
    yield f"constexpr float kAbstainBelow = {info.abstain_below!r};  // confidence of a prediction"
    yield f"constexpr int kNumOperators = {len(methods)};"
    yield ""
    yield "template <class Resolver>"
    yield "void AddOperators(Resolver& resolver) {"
    yield from (f"  resolver.{method}();" for method in methods)
    yield "}"
    yield ""
    yield "}  // namespace ankleboot"


def _quoted(text: str) -> str:
    """Return a C string; other bytes than those of plain ASCII become octal."""
    content = text.encode(errors="backslashreplace")
    plain = (chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}" for b in content)
    return f'"{"".join(plain)}"'
