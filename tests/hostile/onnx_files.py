"""Hostile `.onnx` files, encoded field by field; numbers of fields as in onnx.proto."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ankleboot.models.files.checksums import add_onnx_metadata
from ankleboot.models.files.metadata import ModelMetadata
from hostile.hostile_file import HostileFile

FLOAT, UINT8, INT64 = 1, 2, 7  # of TensorProto.DataType
FLOATS, INTS, INT, TENSOR, GRAPH = 6, 7, 2, 4, 5  # of AttributeProto.AttributeType


def varint(value: int) -> bytes:
    out, value = bytearray(), value & (2**64 - 1)
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def number(index: int, value: int) -> bytes:
    return varint(index << 3) + varint(value)


def part(index: int, content: bytes | str) -> bytes:
    body = content.encode() if isinstance(content, str) else content
    return varint(index << 3 | 2) + varint(len(body)) + body


def tensor(name: str, values: np.ndarray, dims: Sequence[int] | None = None) -> bytes:
    kinds = {"float32": FLOAT, "uint8": UINT8, "int64": INT64}
    shape = b"".join(number(1, size) for size in (values.shape if dims is None else dims))
    return shape + number(2, kinds[values.dtype.name]) + part(8, name) + part(9, values.tobytes())


def external(name: str, location: str = "../secret.bin", *, by_field: bool = True) -> bytes:
    """A tensor in another file; the value of an entry may stand before its key."""
    entry = part(2, location) + part(1, "location")
    body = number(1, 784) + number(1, 10) + number(2, FLOAT) + part(8, name)
    return body + (part(13, entry) if by_field else b"") + number(14, 1)


def attribute(name: str, content: bytes, kind: int) -> bytes:
    return part(1, name) + content + number(20, kind)


def node(
    op: str, inputs: Sequence[str], output: str, *attributes: bytes, domain: str = ""
) -> bytes:
    body = b"".join(part(1, name) for name in inputs) + part(2, output) + part(4, op)
    return body + b"".join(part(5, a) for a in attributes) + (part(7, domain) if domain else b"")


def value_info(name: str, kind: int, *dims: int | str) -> bytes:
    sizes = b"".join(part(1, part(2, d) if isinstance(d, str) else number(1, d)) for d in dims)
    return part(1, name) + part(2, part(1, number(1, kind) + part(2, sizes)))


def graph(nodes: Sequence[bytes], tensors: Sequence[bytes], *more: bytes, size: int = 28) -> bytes:
    body = b"".join(part(1, one) for one in nodes) + part(2, "g")
    body += b"".join(part(5, one) for one in tensors)
    body += part(11, value_info("images", UINT8, "n", size, size))
    return body + part(12, value_info("probs", FLOAT, "n", 10)) + b"".join(more)


def onnx_file(path: Path, graph_body: bytes, *more: bytes, domains: Sequence[str] = ("",)) -> Path:
    """Write a model that is sealed as one of ours."""
    path.write_bytes(add_onnx_metadata(model(graph_body, *more, domains=domains), METADATA))
    return path


def model(graph_body: bytes, *more: bytes, domains: Sequence[str] = ("",)) -> bytes:
    opsets = b"".join(part(8, part(1, domain) + number(2, 17)) for domain in domains)
    return number(1, 8) + opsets + part(7, graph_body) + b"".join(more)


METADATA = ModelMetadata(format="onnx")
KERNEL = tensor("w", np.zeros((784, 10), np.float32))
ROW = tensor("row", np.array([-1, 784], np.int64))
HEAD = (
    node("Cast", ["images"], "x", attribute("to", number(3, FLOAT), INT)),
    node("Reshape", ["x", "row"], "flat"),
)
TAIL = (node("MatMul", ["flat", "w"], "z"), node("Softmax", ["z"], "probs"))


def benign(path: Path) -> Path:
    return onnx_file(path, graph([*HEAD, *TAIL], [KERNEL, ROW]))


def _nodes(*nodes: bytes, tensors: Sequence[bytes] = ()) -> Callable[[Path], object]:
    """The plain network with further operations and tensors."""
    return partial(onnx_file, graph_body=graph([*HEAD, *nodes, *TAIL], [KERNEL, ROW, *tensors]))


def _branch(tensors: Sequence[bytes], nodes: Sequence[bytes] = ()) -> bytes:
    body = b"".join(part(1, one) for one in nodes) + part(2, "b")
    return body + b"".join(part(5, one) for one in tensors) + part(12, part(1, "w"))


def _if(branch: bytes) -> bytes:
    branches = {"then": branch, "else": _branch([])}
    parts = [attribute(f"{n}_branch", part(6, body), GRAPH) for n, body in branches.items()]
    return node("If", ["yes"], "w2", *parts)


def _deep(depth: int) -> bytes:
    branch = _branch([])
    for _ in range(depth):
        branch = _branch([], [_if(branch)])
    return _if(branch)


def _function(name: str, nodes: Sequence[bytes]) -> bytes:
    body = part(1, name) + part(4, "a") + part(5, "b") + b"".join(part(7, one) for one in nodes)
    return part(25, body + part(9, part(1, "own") + number(2, 1)) + part(10, "own"))


def _chain(path: Path) -> None:
    """Forty functions, each of which calls the next one twice."""
    names = [f"f{index}" for index in range(40)]
    functions = [
        _function(
            name, [node(later, ["a"], "c", domain="own"), node(later, ["c"], "b", domain="own")]
        )
        for name, later in zip(names, [*names[1:], "f39"], strict=True)
    ]
    first = node("f0", ["x"], "y", domain="own")
    onnx_file(path, graph([*HEAD, first, *TAIL], [KERNEL, ROW]), *functions, domains=("", "own"))


def _external_function(path: Path) -> None:
    constant = attribute("value", part(5, external("w")), TENSOR)
    function = _function("f", [node("Constant", [], "b", constant)])
    first = node("f", ["x"], "y", domain="own")
    onnx_file(path, graph([*HEAD, first, *TAIL], [KERNEL, ROW]), function, domains=("", "own"))


def _with_secret(path: Path) -> None:
    """Weights that lie beside the file, where ONNX Runtime would find them."""
    secret = path.parent.parent / "secret.bin"
    secret.write_bytes(bytes(4 * 7840))
    onnx_file(path, graph([*HEAD, *TAIL], [external("w", f"../{secret.name}"), ROW]))


BIG = tensor("big", np.array([2**30], np.int64))
HALF = tensor("half", np.array([2**14, 2**5], np.int64))
FILL = node("ConstantOfShape", ["big"], "filled")
HIDDEN = (  # a size that only arithmetic tells
    node("Mul", ["half", "half"], "size"),
    node("ConstantOfShape", ["size"], "filled"),
    node("ReduceSum", ["filled"], "sum", attribute("keepdims", number(3, 0), INT)),
    node("Add", ["flat", "sum"], "flat2"),
    node("MatMul", ["flat2", "w"], "z"),
    node("Softmax", ["z"], "probs"),
)
SPARSE = part(1, tensor("s", np.zeros(1, np.float32))) + number(3, 2**40)
NAN = tensor("w", np.full((784, 10), np.nan, np.float32))

ONNX_FILES = (
    HostileFile(
        "external.onnx",
        "reads weights from outside its seal (CVE-2022-25882)",
        "stores weights in other files",
        _with_secret,
    ),
    HostileFile(
        "location.onnx",
        "says that weights are elsewhere, without saying where",
        "stores weights in other files",
        partial(onnx_file, graph_body=graph([*HEAD, *TAIL], [external("w", by_field=False), ROW])),
    ),
    HostileFile(
        "absolute.onnx",
        "reads weights from an absolute path (CVE-2024-27318)",
        "stores weights in other files",
        partial(onnx_file, graph_body=graph([*HEAD, *TAIL], [external("w", "/etc/passwd"), ROW])),
    ),
    HostileFile(
        "subgraph.onnx",
        "hides such weights in a branch",
        "stores weights in other files",
        _nodes(_if(_branch([external("w")]))),
    ),
    HostileFile(
        "constant.onnx",
        "hides such weights in a constant",
        "stores weights in other files",
        _nodes(node("Constant", [], "c", attribute("value", part(5, external("c")), TENSOR))),
    ),
    HostileFile(
        "function.onnx", "hides such weights in a function", "stores weights in", _external_function
    ),
    HostileFile(
        "sparse.onnx",
        "declares a sparse tensor of 10^12 values",
        "holds sparse tensors",
        partial(onnx_file, graph_body=graph([*HEAD, *TAIL], [KERNEL, ROW], part(15, SPARSE))),
    ),
    HostileFile(
        "domain.onnx",
        "names an operation of a library",
        "RunProgram of evil is not allowed",
        _nodes(node("RunProgram", ["x"], "y", domain="evil")),
    ),
    HostileFile(
        "context.onnx",
        "loads a compiled model from another file",
        "EPContext is not allowed",
        _nodes(node("EPContext", ["x"], "y", domain="com.microsoft")),
    ),
    HostileFile(
        "ort.onnx",
        "is a file of the other format of ONNX Runtime",
        "in the format of ONNX Runtime",
        lambda path: path.write_bytes(add_onnx_metadata(b"\x08\0\0\0ORTM" + bytes(100), METADATA)),
    ),
    HostileFile(
        "short.onnx",
        "declares 10^12 weights and holds 40 bytes",
        "declares 1,000,000,000,000 values",
        _nodes(tensors=[tensor("v", np.zeros(10, np.float32), [10**6, 10**6])]),
    ),
    HostileFile(
        "negative.onnx",
        "declares a negative axis",
        "unknown type or shape",
        _nodes(tensors=[tensor("v", np.zeros(10, np.float32), [-10])]),
    ),
    HostileFile("fill.onnx", "fills 4 GB from 8 bytes", "1073741824", _nodes(FILL, tensors=[BIG])),
    HostileFile(
        "chain.onnx",
        "unfolds to 2^40 operations",
        "unfolds to more|too deeply",
        _chain,
    ),
    HostileFile("deep.onnx", "nests graphs 200 times", "nested too deeply", _nodes(_deep(200))),
    HostileFile(
        "training.onnx",
        "brings a graph for training",
        "holds a training graph",
        lambda path: onnx_file(path, graph([*HEAD, *TAIL], [KERNEL, ROW]), part(20, b"")),
    ),
    HostileFile(
        "group.onnx",
        "hides parts in a kind of field that no writer uses",
        "an unknown kind of field",
        lambda path: onnx_file(path, graph([*HEAD, *TAIL], [KERNEL, ROW]), varint(99 << 3 | 3)),
    ),
    HostileFile(
        "large.onnx",
        "takes images of 2^20 pixels per side",
        "its input has",
        partial(onnx_file, graph_body=graph([*HEAD, *TAIL], [KERNEL, ROW], size=2**20)),
    ),
    HostileFile(
        "nan.onnx",
        "answers with values that are not numbers",
        "not probabilities",
        partial(onnx_file, graph_body=graph([*HEAD, *TAIL], [NAN, ROW])),
        reaches_runtime=True,
    ),
    HostileFile(
        "hidden-fill.onnx",
        "fills 1 TB, of a size that arithmetic tells",
        "ONNX Runtime cannot run it|failed",
        partial(onnx_file, graph_body=graph([*HEAD, *HIDDEN], [KERNEL, ROW, HALF])),
        reaches_runtime=True,
    ),
    HostileFile(
        "other-input.onnx",
        "takes other images than it states",
        r"expected input \(\(28, 28\), 'uint8'\)",
        partial(onnx_file, graph_body=graph([*HEAD, *TAIL], [KERNEL, ROW], size=14)),
        reaches_runtime=True,
    ),
    HostileFile(
        "external-foreign.onnx",
        "reads weights from another file",
        "stores weights in other files",
        lambda path: path.write_bytes(model(graph([*HEAD, *TAIL], [external("w"), ROW]))),
        by="adopt",
    ),
)
