"""Scan of `.tflite` files: shapes, buffers and operations, read from the flatbuffer.

LiteRT trusts the shapes in a file: an interpreter may write behind its buffers. Numbers of fields:
schema.fbs, https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs
"""

import math
import struct
from pathlib import Path

import numpy as np

from ankleboot.core.errors import ForeignModelError, ModelError
from ankleboot.models.files.checksums import read_model, read_verified_tflite
from ankleboot.models.foreign.scanners.limits import (
    MAX_TENSOR_VALUES,
    check_values,
    most_values,
)

IDENTIFIER = b"TFL3"
MAX_SUBGRAPHS = 20
MAX_ITEMS = 50_000  # tensors, operations or buffers; EfficientNet-Lite4 has 700
MAX_RANK = 8
MAX_TEXT = 80  # letters in a message
BITS = {0: 32, 1: 16, 2: 32, 3: 8, 4: 64, 6: 8, 7: 16, 9: 8, 10: 64, 12: 64, 15: 32, 16: 16}
BITS |= {13: 32, 17: 4, 18: 16, 19: 2}
"""Bits of a value by TensorType; text and complex numbers are refused. Variables are resources."""

CUSTOM, DELEGATE = 32, 51  # of BuiltinOperator


class Table:
    """A table of a flatbuffer, every access to which stays inside the file."""

    def __init__(self, content: bytes, position: int) -> None:
        self._content, self._position = content, position
        self._vtable = position - _read("<i", content, position)
        self._num = (_read("<H", content, self._vtable) - 4) // 2

    def _at(self, index: int) -> int | None:
        if index >= self._num:
            return None
        offset = _read("<H", self._content, self._vtable + 4 + 2 * index)
        return self._position + offset if offset else None

    def number(self, index: int, kind: str, default: int = 0) -> int:
        """Return a scalar field; `kind` as in the module struct."""
        at = self._at(index)
        return default if at is None else _read(kind, self._content, at)

    def vector(self, index: int, itemsize: int) -> tuple[int, int]:
        """Return start and length of a vector; the length is 0 if it is absent."""
        at = self._at(index)
        if at is None:
            return 0, 0
        start = at + _read("<I", self._content, at)
        num = _read("<I", self._content, start)
        if start + 4 + num * itemsize > len(self._content):
            raise ModelError("damaged (an array ends behind the file)")
        return start + 4, num

    def text(self, index: int) -> str:
        """Return the beginning of a text."""
        start, num = self.vector(index, 1)
        return self._content[start : start + min(num, MAX_TEXT)].decode(errors="replace")

    def integers(self, index: int) -> list[int]:
        """Return a vector of int32."""
        start, num = self.vector(index, 4)
        values: list[int] = np.frombuffer(self._content, "<i4", num, start).tolist() if num else []
        return values

    def tables(self, index: int, most: int = MAX_ITEMS) -> list["Table"]:
        """Return a vector of tables.

        Raises:
            ModelError: If there are more than `most`.
        """
        start, num = self.vector(index, 4)
        if num > most:
            raise ModelError(f"holds {num:,} parts of one kind; at most {most:,} are allowed")
        places = range(start, start + 4 * num, 4)
        return [Table(self._content, p + _read("<I", self._content, p)) for p in places]


def _read(kind: str, content: bytes, position: int) -> int:
    if not 0 <= position <= len(content) - struct.calcsize(kind):
        raise ModelError("damaged (a part lies behind the file)")
    value: int = struct.unpack_from(kind, content, position)[0]
    return value


def scan_tflite(path: Path) -> None:
    """Scan a file, without our seal behind it."""
    try:
        content, _ = read_verified_tflite(path)
    except ForeignModelError:
        content = read_model(path)
    scan_content(content)


def scan_content(content: bytes) -> None:
    """Scan the content of a file.

    Raises:
        ModelError: If it is damaged or asks for anything that is not allowed.
    """
    if content[4:8] != IDENTIFIER:
        raise ModelError("no .tflite file (it does not start with TFL3)")
    model = Table(content, _read("<I", content, 0))
    codes = model.tables(1)
    for code in codes:
        _check_operator(code)
    sizes = [_buffer_size(buffer, len(content)) for buffer in model.tables(4)]
    graphs = model.tables(2, MAX_SUBGRAPHS)
    if not graphs:
        raise ModelError("holds no graph")
    inputs = graphs[0].integers(1)
    tensors = graphs[0].tables(0)
    if len(inputs) != 1 or not 0 <= inputs[0] < len(tensors):
        raise ModelError(f"expected one input, got {len(inputs)}")
    most = most_values(_shape(tensors[inputs[0]])[1:])
    for graph in graphs:
        _check_graph(graph, sizes, len(codes), most)


def _check_operator(code: Table) -> None:
    number = max(code.number(3, "<i"), code.number(0, "<b"))  # as LiteRT has it
    name = code.text(1)
    if number in (CUSTOM, DELEGATE) or name:
        raise ModelError(f"the operation {name or number!r} is not one of LiteRT's own")
    if not 0 <= number <= 255:
        raise ModelError(f"the operation {number} is unknown")


def _buffer_size(buffer: Table, num_bytes: int) -> int:
    """Return the bytes of a buffer, which may lie behind the flatbuffer in the same file."""
    start, size = buffer.number(1, "<Q"), buffer.number(2, "<Q")
    if start <= 1:
        return buffer.vector(0, 1)[1]
    if start + size > num_bytes:
        raise ModelError("damaged (weights behind the end of the file)")
    return size


def _shape(tensor: Table) -> list[int]:
    shape = tensor.integers(0)
    if len(shape) > MAX_RANK or any(size < 0 for size in shape):
        raise ModelError(f"its tensor has the shape {shape[: MAX_RANK + 1]}")
    return shape


def _check_graph(graph: Table, sizes: list[int], num_codes: int, most: int) -> None:
    tensors = graph.tables(0)
    for number, tensor in enumerate(tensors):
        _check_tensor(number, tensor, sizes, most)
    indices = [graph.integers(1), graph.integers(2)]
    for operator in graph.tables(3):
        if operator.number(0, "<I") >= num_codes:
            raise ModelError("damaged (an operation that the file does not list)")
        indices += [operator.integers(1), operator.integers(2), operator.integers(8)]
    if any(not -1 <= index < len(tensors) for group in indices for index in group):
        raise ModelError("damaged (an operation reads a tensor that does not exist)")


def _check_tensor(number: int, tensor: Table, sizes: list[int], most: int) -> None:
    shape, kind, buffer = _shape(tensor), tensor.number(1, "<b"), tensor.number(2, "<I")
    if kind not in BITS:
        raise ModelError(f"its tensor {number} is of the unknown type {kind}")
    if buffer >= max(len(sizes), 1):
        raise ModelError("damaged (a tensor without a buffer)")
    stored = sizes[buffer] if sizes else 0
    declared = (math.prod(shape) * BITS[kind] + 7) // 8
    is_sparse = tensor.number(6, "<I") > 0
    if not stored or is_sparse:
        check_values(shape[1:], most, str(number))
        check_values(shape, MAX_TENSOR_VALUES, str(number))  # its first axis may be a fixed batch
    elif stored != declared:
        raise ModelError(f"its tensor {number} declares {declared:,} bytes and holds {stored:,}")
