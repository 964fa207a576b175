"""Scan of ONNX files: tensors in other files, sizes, operations, and functions that unfold.

Numbers of fields: onnx.proto, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.models.files.checksums import read_model
from ankleboot.models.foreign.scanners import wire
from ankleboot.models.foreign.scanners.limits import MAX_TENSOR_VALUES, check_values, most_values

DOMAINS = frozenset(("", "ai.onnx", "ai.onnx.ml", "com.microsoft"))
REFUSED = {
    "EPContext": "it loads a compiled model from another file",
    "PyOp": "it runs a program",
}
FILLERS = {"ConstantOfShape": 0, "Expand": 1, "Tile": 1}
"""Operations that make a large tensor of a small one, and their input that holds the size."""

MAX_NODES = 100_000  # of the graph with all functions unfolded
MAX_DEPTH = 20  # of graphs inside graphs, and of functions that call functions
ORT_FORMAT = b"ORTM"  # a second format of ONNX Runtime, which it recognizes by these bytes
EXTERNAL = 1  # value of TensorProto.data_location
INT64 = 7
BITS = {1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64}
BITS |= {14: 64, 15: 128, 16: 16, 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4}
"""Bits of a value by TensorProto.data_type; text (8) is refused."""


@dataclass
class _Function:
    """Number of its own operations, and the functions that it calls."""

    num_nodes: int = 0
    calls: list[str] = field(default_factory=list)


@dataclass
class _Scope:
    """Facts about a graph or function."""

    function: _Function
    constants: dict[str, list[int]] = field(default_factory=dict)


def scan_onnx(path: Path) -> None:
    """Scan a file."""
    scan_content(read_model(path))


def scan_content(content: bytes) -> None:
    """Scan the content of a file.

    Raises:
        ModelError: If it is damaged or asks for anything that is not allowed.
    """
    if content[4:8] == ORT_FORMAT:
        raise ModelError("a file in the format of ONNX Runtime; save it as ONNX")
    model = list(wire.fields(memoryview(content)))
    graphs = [value for number, value in model if number == 7 and isinstance(value, memoryview)]
    functions = [value for number, value in model if number == 25]
    if not graphs:
        raise ModelError("no ONNX file (it holds no graph)")
    if any(number == 20 for number, _ in model):
        raise ModelError("holds a training graph; save the model for inference")
    main, named = _Function(), dict[str, _Function]()
    for value in functions:
        if isinstance(value, memoryview):
            name, function = _scan_function(value)
            named[name] = function
    for graph in graphs:
        _scan_graph(graph, _Scope(main), depth=0, is_main=True)
    for function in (main, *named.values()):
        _check_domains(function, named)
    _check_unfolded(main, named)


def _scan_function(message: memoryview) -> tuple[str, _Function]:
    scope = _Scope(_Function())
    parts = list(wire.fields(message))
    names = {number: wire.text(value) for number, value in parts if number in (1, 10)}
    for number, value in parts:
        if isinstance(value, memoryview) and number in (7, 11):
            scan = _scan_node if number == 7 else _scan_attribute
            scan(value, scope, depth=1)
    return f"{names.get(10, '')}:{names.get(1, '')}", scope.function


def _scan_graph(message: memoryview, scope: _Scope, *, depth: int, is_main: bool = False) -> None:
    if depth > MAX_DEPTH:
        raise ModelError("its graphs are nested too deeply")
    parts = [(n, value) for n, value in wire.fields(message) if isinstance(value, memoryview)]
    names = set()
    for number, value in parts:
        if number == 15:
            raise ModelError("holds sparse tensors, which no image classifier has")
        if number == 5:
            names.add(_scan_tensor(value, scope))
    most = MAX_TENSOR_VALUES
    inputs = [_shape(value) for number, value in parts if number == 11]
    if is_main and len(inputs) - len(names) <= 1:  # older files list their weights as inputs too
        own = [shape for name, shape in inputs if name not in names and shape is not None]
        most = min((most_values(shape[1:]) for shape in own), default=most)
    for number, value in parts:
        if number in (12, 13):
            name, shape = _shape(value)
            if name not in names:
                check_values((shape or [1])[1:], most, name)
    for number, value in parts:
        if number == 1:
            _scan_node(value, scope, depth=depth)


def _shape(message: memoryview) -> tuple[str, list[int] | None]:
    """Return name and shape of a ValueInfoProto; open sizes are 1."""
    name, shape = "", None
    for number, value in wire.fields(message):
        if number == 1:
            name = wire.text(value)
        elif number == 2:
            for dims in _inner(_inner([value], 1), 2):  # TypeProto.Tensor.shape
                shape = [_dimension(dim) for n, dim in wire.fields(dims) if n == 1]
    return name, shape


def _inner(values: Sequence[wire.Value], number: int) -> list[memoryview]:
    return [
        inner
        for value in values
        if isinstance(value, memoryview)
        for n, inner in wire.fields(value)
        if n == number and isinstance(inner, memoryview)
    ]


def _dimension(message: wire.Value) -> int:
    if isinstance(message, int):
        return 1
    sizes = [wire.signed(v) for n, v in wire.fields(message) if n == 1 and isinstance(v, int)]
    return max(sizes[-1], 1) if sizes else 1


def _scan_node(message: memoryview, scope: _Scope, *, depth: int) -> None:
    inputs: list[str] = []
    outputs: list[str] = []
    op_type = domain = ""
    for number, value in wire.fields(message):
        if number == 1:
            inputs.append(wire.text(value))
        elif number == 2:
            outputs.append(wire.text(value))
        elif number == 4:
            op_type = wire.text(value)
        elif number == 7:
            domain = wire.text(value)
    if op_type in REFUSED:
        raise ModelError(f"the operation {op_type} is not allowed: {REFUSED[op_type]}")
    scope.function.num_nodes += 1
    scope.function.calls.append(f"{domain}:{op_type}")
    for number, value in wire.fields(message):
        if number == 5 and isinstance(value, memoryview):
            constant = _scan_attribute(value, scope, depth=depth)
            if op_type == "Constant" and constant is not None and outputs:
                scope.constants[outputs[0]] = constant
    place = FILLERS.get(op_type)
    if place is not None and place < len(inputs):
        check_values(
            (max(size, 1) for size in scope.constants.get(inputs[place], [])),
            MAX_TENSOR_VALUES,
            (outputs or [op_type])[0],
        )


def _scan_attribute(message: memoryview, scope: _Scope, *, depth: int) -> list[int] | None:
    """Scan an attribute; return its values if it holds integers."""
    constant = None
    for number, value in wire.fields(message):
        if number == 8:
            constant = (constant or []) + wire.integers(value)
        if number in (22, 23):
            raise ModelError("holds sparse tensors, which no image classifier has")
        if not isinstance(value, memoryview):
            continue
        if number in (5, 10):
            inner = _Scope(scope.function)
            name = _scan_tensor(value, inner)
            constant = inner.constants.get(name)
        elif number in (6, 11):
            _scan_graph(value, _Scope(scope.function, dict(scope.constants)), depth=depth + 1)
    return constant


def _scan_tensor(message: memoryview, scope: _Scope) -> str:
    """Check that a tensor holds the values that it declares; return its name."""
    dims: list[int] = []
    name, data_type, stored, raw = "", 0, 0, b""
    numbers: list[int] = []
    for number, value in wire.fields(message):
        if number == 13 or (number == 14 and value == EXTERNAL):
            raise ModelError("stores weights in other files; save it with the weights inside")
        if number == 1:
            dims += wire.integers(value)
        elif number == 2 and isinstance(value, int):
            data_type = value
        elif number == 8:
            name = wire.text(value)
        elif number in (4, 5, 7, 9, 10, 11):
            stored += len(value) if isinstance(value, memoryview) else 4
            if number == 7:
                numbers += wire.integers(value)
            elif number == 9:
                raw = bytes(value) if isinstance(value, memoryview) else b""
    num = math.prod(dims)
    if data_type not in BITS or min(dims, default=0) < 0:
        raise ModelError(f"its tensor {name} is of an unknown type or shape")
    # values in int32_data and int64_data are packed to one byte or more each
    least = (num * BITS[data_type] + 7) // 8 if raw else num
    if stored != least if raw else stored < least:
        raise ModelError(f"its tensor {name} declares {num:,} values and holds {stored:,} bytes")
    if data_type == INT64 and num <= MAX_DEPTH:
        scope.constants[name] = numbers or np.frombuffer(raw, "<i8").tolist()
    return name


def _check_domains(function: _Function, named: dict[str, _Function]) -> None:
    for call in function.calls:
        domain = call.partition(":")[0]
        if domain not in DOMAINS and call not in named:
            raise ModelError(f"the operation {call.partition(':')[2]} of {domain} is not allowed")


def _check_unfolded(main: _Function, named: dict[str, _Function]) -> None:
    """Refuse functions that call themselves, or that unfold to too many operations."""
    totals: dict[str, int] = {}

    def total(function: _Function, depth: int) -> int:
        if depth > MAX_DEPTH:
            raise ModelError("its functions call each other too deeply")
        num = function.num_nodes
        for call in function.calls:
            if call in named:
                if call not in totals:
                    totals[call] = total(named[call], depth + 1)
                num += totals[call]
            if num > MAX_NODES:
                raise ModelError(f"unfolds to more than {MAX_NODES:,} operations")
        return num

    total(main, 0)
