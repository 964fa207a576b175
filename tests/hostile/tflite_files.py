"""Hostile `.tflite` files, made of the shipped model by changes to its flatbuffer."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ankleboot.core.files import sha256_of
from ankleboot.models.files.checksums import (
    _append_zip,
    add_tflite_checksum,
    read_verified_tflite,
)
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog
from hostile.hostile_file import HostileFile


@cache
def _shipped() -> tuple[bytes, ModelMetadata]:
    return read_verified_tflite(catalog.FOLDER / catalog.MODEL_FILE)


def changed(change: Callable[[Any], object]) -> bytes:
    """Return the flatbuffer of the shipped model after a change to its tables."""
    model = schema.ModelT.InitFromPackedBuf(_shipped()[0], 0)
    change(model)
    builder = flatbuffers.Builder(2**20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def sealed_tflite(path: Path, flatbuffer: bytes, **metadata: Any) -> Path:
    """Write a file that is sealed as one of ours, with other metadata if any are given."""
    if not metadata:
        path.write_bytes(add_tflite_checksum(flatbuffer, _shipped()[1]))
        return path
    document = _shipped()[1].to_json() | metadata
    document |= {"bytes": len(flatbuffer), "sha256": sha256_of(flatbuffer)}
    labels = "\n".join(_shipped()[1].labels) + "\n"
    path.write_bytes(_append_zip(flatbuffer, labels.encode(), json.dumps(document).encode()))
    return path


def _model(change: Callable[[Any], object]) -> Callable[[Path], object]:
    return lambda path: sealed_tflite(path, changed(change))


def _metadata(**changes: Any) -> Callable[[Path], object]:
    return lambda path: sealed_tflite(path, _shipped()[0], **changes)


def _custom(model: Any) -> None:
    model.operatorCodes[0].customCode = b"RunProgram"
    model.operatorCodes[0].deprecatedBuiltinCode = 32
    model.operatorCodes[0].builtinCode = 32


def _hidden_custom(model: Any) -> None:
    """LiteRT takes the larger one of the two codes."""
    model.operatorCodes[0].deprecatedBuiltinCode = 32
    model.operatorCodes[0].builtinCode = 1


def _shape(values: list[int]) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.tensors[graph.operators[0].outputs[0]].shape = values

    return change


def _weight(model: Any) -> Any:
    """Return the largest tensor with values."""
    tensors = model.subgraphs[0].tensors
    return max(tensors, key=lambda t: len(_data(model, t)))


def _data(model: Any, tensor: Any) -> Any:
    data = model.buffers[tensor.buffer].data
    return [] if data is None else data


def _short(model: Any) -> None:
    buffer = model.buffers[_weight(model).buffer]
    buffer.data = buffer.data[:-64]


def _behind(model: Any) -> None:
    buffer = model.buffers[_weight(model).buffer]
    buffer.data, buffer.offset, buffer.size = None, 2**40, 100


def _unknown_buffer(model: Any) -> None:
    _weight(model).buffer = 10_000


def _unknown_tensor(model: Any) -> None:
    model.subgraphs[0].operators[0].inputs = [10_000]


def _unknown_operator(model: Any) -> None:
    model.subgraphs[0].operators[0].opcodeIndex = 10_000


def _subgraphs(model: Any) -> None:
    model.subgraphs = model.subgraphs * 30


def _nan(model: Any) -> None:
    for tensor in model.subgraphs[0].tensors:
        if tensor.type == schema.TensorType.FLOAT32 and len(_data(model, tensor)):
            values = np.full(len(_data(model, tensor)) // 4, np.nan, np.float32)
            model.buffers[tensor.buffer].data = values.view(np.uint8)


def _without_softmax(model: Any) -> None:
    graph = model.subgraphs[0]
    last = graph.operators.pop()
    graph.outputs = list(last.inputs[:1])


def _ranks(model: Any) -> None:
    """A Reshape to more axes than LiteRT's own buffers have."""
    graph = model.subgraphs[0]
    code = schema.OperatorCodeT()
    code.deprecatedBuiltinCode = code.builtinCode = schema.BuiltinOperator.RESHAPE
    model.operatorCodes.append(code)
    buffer = schema.BufferT()
    buffer.data = np.full(300, 1, np.int32).view(np.uint8)
    model.buffers.append(buffer)
    shape, output = schema.TensorT(), schema.TensorT()
    shape.shape, shape.type, shape.buffer = [300], schema.TensorType.INT32, len(model.buffers) - 1
    output.shape, output.type = [1], schema.TensorType.FLOAT32
    graph.tensors += [shape, output]
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs = [graph.outputs[0], len(graph.tensors) - 2]
    operator.outputs = [len(graph.tensors) - 1]
    graph.operators.append(operator)
    graph.outputs = operator.outputs


def _endless(model: Any) -> None:
    """A graph that calls itself as condition and body of a loop."""
    graph = model.subgraphs[0]
    code = schema.OperatorCodeT()
    code.deprecatedBuiltinCode = code.builtinCode = schema.BuiltinOperator.WHILE
    model.operatorCodes.append(code)
    operator, options = schema.OperatorT(), schema.WhileOptionsT()
    options.condSubgraphIndex = options.bodySubgraphIndex = 0
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.builtinOptionsType = schema.BuiltinOptions.WhileOptions
    operator.builtinOptions = options
    operator.inputs = list(graph.inputs)
    operator.outputs = list(graph.inputs)
    graph.operators.insert(0, operator)


CONVENTION = {
    "layout": "hwc",
    "size": 28,
    "channels": 1,
    "fit": "same",
    "scaling": "unit",
    "mean": [0.0],
    "std": [255.0],
    "bgr": False,
    "outputs": "softmax",
    "order": list(range(10)),
    "normalization": "",
}

TFLITE_FILES = (
    HostileFile("custom.tflite", "names an operation of its own", "RunProgram", _model(_custom)),
    HostileFile(
        "code.tflite",
        "hides an operation of its own",
        "not one of LiteRT's",
        _model(_hidden_custom),
    ),
    HostileFile(
        "int-max.tflite",
        "declares an axis of 2^31 - 1 (tensorflow#111458)",
        "more than",
        _model(_shape([1, 2**31 - 1, 1, 1])),
    ),
    HostileFile(
        "negative.tflite",
        "declares a negative axis",
        "has the shape",
        _model(_shape([1, -5, 28, 1])),
    ),
    HostileFile("rank.tflite", "declares 100 axes", "has the shape", _model(_shape([1] * 100))),
    HostileFile(
        "short.tflite", "holds fewer weights than it declares", "declares .* holds", _model(_short)
    ),
    HostileFile(
        "behind.tflite",
        "reads behind the end of the file",
        "weights behind the end",
        _model(_behind),
    ),
    HostileFile(
        "buffer.tflite",
        "names a buffer that does not exist",
        "without a buffer",
        _model(_unknown_buffer),
    ),
    HostileFile(
        "tensor.tflite",
        "names a tensor that does not exist",
        "does not exist",
        _model(_unknown_tensor),
    ),
    HostileFile(
        "operator.tflite",
        "names an operation that is not listed",
        "does not list",
        _model(_unknown_operator),
    ),
    HostileFile("subgraphs.tflite", "holds 30 graphs", "holds 30 parts", _model(_subgraphs)),
    HostileFile(
        "header.tflite",
        "holds a header alone (tensorflow#115308)",
        "damaged",
        lambda path: sealed_tflite(path, b"\x1c\x00\x00\x00TFL3"),
    ),
    HostileFile(
        "cut.tflite",
        "ends early, before it is sealed",
        "damaged",
        lambda path: sealed_tflite(path, _shipped()[0][:100_000]),
    ),
    HostileFile(
        "flipped.tflite",
        "has one bit flipped",
        "its SHA-256 is not the stored one",
        lambda path: path.write_bytes(_flip(sealed_tflite(path, _shipped()[0]).read_bytes())),
    ),
    HostileFile(
        "nan.tflite",
        "answers with values that are not numbers",
        "not probabilities",
        _model(_nan),
        reaches_runtime=True,
    ),
    HostileFile(
        "logits.tflite",
        "answers with values that are no probabilities",
        "not probabilities",
        _model(_without_softmax),
        reaches_runtime=True,
    ),
    HostileFile(
        "reshape.tflite",
        "writes behind a buffer by 300 axes (tensorflow#124982)",
        "LiteRT cannot run it|failed|expected input",
        _model(_ranks),
        reaches_runtime=True,
    ),
    HostileFile(
        "endless.tflite",
        "calls itself without an end",
        "LiteRT cannot run it|failed|ended by|expected",
        _model(_endless),
        reaches_runtime=True,
    ),
    HostileFile(
        "temperature.tflite",
        "states no temperature",
        "damaged metadata",
        _metadata(temperature=None),
    ),
    HostileFile(
        "abstain.tflite", "abstains below 7", "abstain_below 7", _metadata(abstain_below=7.0)
    ),
    HostileFile(
        "label.tflite",
        "states a label of a million letters",
        "is larger than 1,000,000 bytes",
        _metadata(labels=["a" * 10**6, "b"]),
    ),
    HostileFile(
        "future.tflite", "states format 99", "format version 99", _metadata(format_version=99)
    ),
    HostileFile(
        "size.tflite",
        "enlarges images to a million pixels per side",
        "damaged convention",
        _metadata(convention=CONVENTION | {"fit": "resize", "size": 10**6}),
    ),
    HostileFile(
        "divisor.tflite",
        "divides pixels by zero",
        "damaged convention",
        _metadata(convention=CONVENTION | {"std": [0.0]}),
    ),
    HostileFile(
        "custom-foreign.tflite",
        "names an operation of its own",
        "RunProgram",
        lambda path: path.write_bytes(changed(_custom)),
        by="adopt",
    ),
    HostileFile(
        "endless-foreign.tflite",
        "calls itself without an end",
        "LiteRT cannot run it|failed|expected",
        lambda path: path.write_bytes(changed(_endless)),
        by="adopt",
        reaches_runtime=True,
    ),
)


def _flip(content: bytes) -> bytes:
    index = len(content) // 2
    return content[:index] + bytes([content[index] ^ 1]) + content[index + 1 :]
