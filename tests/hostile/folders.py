"""Hostile exported folders, sealed as ours."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.files import sha256_of
from ankleboot.core.types import pack_array
from ankleboot.models.files.checksums import METADATA_NAME, add_folder_checksums
from ankleboot.models.files.metadata import ModelMetadata
from hostile.hostile_file import HostileFile


def folder(path: Path, format: str, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    add_folder_checksums(path, ModelMetadata(format=format))
    return path


def _zeros(*shape: int) -> dict[str, Any]:
    return pack_array(np.zeros(shape, np.float32))


FLATTEN, RELU = {"kind": "flatten"}, {"kind": "activation", "function": "relu"}
DENSE = {"kind": "dense", "kernel": _zeros(784, 10), "bias": _zeros(10)}
POOL = {"kind": "pooling", "by": "max", "window": 2, "stride": 2, "padding": "same"}
CONVOLUTION: dict[str, Any] = {"kind": "convolution", "kernel": _zeros(3, 3, 1, 1)}
CONVOLUTION |= {"bias": _zeros(1), "stride": 1, "padding": "same"}


def network(*layers: dict[str, Any]) -> Callable[[Path], object]:
    text = json.dumps({"layers": list(layers)}).encode()
    return lambda path: folder(path, "playground", {"network.json": text})


def raw_network(text: bytes) -> Callable[[Path], object]:
    return lambda path: folder(path, "playground", {"network.json": text})


def _resealed(path: Path, **changes: Any) -> None:
    """A folder whose metadata are other ones, with hashes that fit."""
    network(FLATTEN, DENSE)(path)
    document = json.loads((path / METADATA_NAME).read_bytes()) | changes
    del document["sha256"]
    digest = sha256_of(json.dumps(document, sort_keys=True).encode())
    (path / METADATA_NAME).write_text(json.dumps(document | {"sha256": digest}))


def _linked(path: Path) -> None:
    network(FLATTEN, DENSE)(path)
    (path / "passwd").symlink_to("/etc/passwd")


def _saved_model(**files: bytes) -> Callable[[Path], object]:
    content = {name.replace("_dot_", "."): body for name, body in files.items()}
    return lambda path: folder(path, "saved-model", {"saved_model.pb": b"", **content})


def xml(body: str, head: str = "") -> bytes:
    return f'<?xml version="1.0"?>{head}<net version="11"><layers>{body}</layers></net>'.encode()


def constant(attributes: str) -> str:
    return f'<layer type="Const" version="opset1"><data {attributes}/></layer>'


def openvino(body: str, head: str = "") -> Callable[[Path], object]:
    files = {"model.xml": xml(body, head), "model.bin": bytes(100)}
    return lambda path: folder(path, "openvino", files)


FOLDERS = (
    HostileFile(
        "window",
        "pools windows of 30,000 pixels",
        "window",
        network(POOL | {"window": 30_000}, FLATTEN, DENSE),
    ),
    HostileFile(
        "stride",
        "moves windows by 0 pixels",
        "stride",
        network(POOL | {"stride": 0}, FLATTEN, DENSE),
    ),
    HostileFile(
        "huge",
        "moves windows by 10^400 pixels",
        "damaged layers",
        raw_network(b'{"layers": [{"kind": "pooling", "stride": 1' + b"0" * 400 + b"}]}"),
    ),
    HostileFile(
        "nan",
        "holds weights that are not numbers",
        "not finite",
        network(FLATTEN, DENSE | {"bias": pack_array(np.full(10, np.nan))}),
    ),
    HostileFile(
        "shapes",
        "holds a kernel for other inputs",
        "for a row",
        network(FLATTEN, DENSE | {"kernel": _zeros(10, 10)}),
    ),
    HostileFile(
        "channels",
        "holds a kernel for other channels",
        "for a map",
        network(CONVOLUTION | {"kernel": _zeros(3, 3, 7, 1)}, FLATTEN, DENSE),
    ),
    HostileFile(
        "order", "flattens before it convolves", "for a map", network(FLATTEN, CONVOLUTION, DENSE)
    ),
    HostileFile(
        "wide",
        "computes 28,000 maps of 100,000 values",
        "damaged layers",
        network(
            CONVOLUTION | {"kernel": _zeros(1, 1, 1, 28_000), "bias": _zeros(28_000)},
            FLATTEN,
            DENSE,
        ),
    ),
    HostileFile(
        "bits",
        "unpacks 10^12 bits from none",
        "damaged layers",
        network(FLATTEN, DENSE | {"bias": {"shape": [10**12], "dtype": "bool", "values": ""}}),
    ),
    HostileFile(
        "kind",
        "names a layer that does not exist",
        "unknown layer kind",
        network({"kind": "__import__"}),
    ),
    HostileFile(
        "list",
        "holds no list of layers",
        "damaged layers",
        raw_network(b'{"layers": {"kind": null}}'),
    ),
    HostileFile(
        "layers", "has 5,000 layers", "at most 1,000", network(*[RELU] * 5_000, FLATTEN, DENSE)
    ),
    HostileFile(
        "deep",
        "nests its layers 100,000 times",
        "damaged layers",
        raw_network(b'{"layers": ' + b"[" * 100_000),
    ),
    HostileFile(
        "labels",
        "has fewer outputs than labels",
        "its output has shape",
        lambda path: _resealed(path, labels=["a", "b"]),
    ),
    HostileFile(
        "temperature",
        "divides by a temperature of 0",
        "temperature 0",
        lambda path: _resealed(path, temperature=0.0),
    ),
    HostileFile("link", "links to another file", "is a link", _linked),
    HostileFile(
        "chunked",
        "brings a second graph, which TensorFlow prefers",
        r"holds 'saved_model\.cpb'",
        _saved_model(saved_model_dot_cpb=b"x"),
    ),
    HostileFile(
        "asset",
        "brings a file for its operations",
        "holds 'vocabulary'",
        _saved_model(vocabulary=b"x"),
    ),
    HostileFile(
        "entities",
        "unfolds entities of XML",
        "declares a type of document",
        openvino("&a;", '<!DOCTYPE net [<!ENTITY a "b">]>'),
    ),
    HostileFile(
        "constants",
        "reads constants behind their file",
        "end behind their file",
        openvino(constant('offset="0" size="1000000" shape="1"')),
    ),
    HostileFile(
        "extension",
        "names an operation of a library",
        "RunProgram is not OpenVINO",
        openvino('<layer type="RunProgram" version="extension"/>'),
    ),
    HostileFile(
        "ports",
        "gives an output of 10^10 values",
        "has the shape",
        openvino(f"<layer><output><port>{2 * '<dim>100000</dim>'}</port></output></layer>"),
    ),
    HostileFile(
        "values",
        "declares 10^12 values in 4 bytes",
        "declares the shape",
        openvino(constant('offset="0" size="4" shape="1000000,1000000"')),
    ),
)
