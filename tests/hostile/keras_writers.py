"""Writers of files of Keras, sealed as ours: configurations, archives and weights."""

import io
import json
import os
import stat
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ankleboot.core.files import sha256_of
from ankleboot.models.files.keras_seal import PREFIX, sealed, split_seal
from ankleboot.models.files.metadata import ModelMetadata

MARKER = "marker"
"""Name of the file, beside the hostile one, that programs try to write."""

INPUT: dict[str, Any] = {
    "module": "keras.layers",
    "class_name": "InputLayer",
    "config": {"batch_shape": [None, 28, 28, 1], "dtype": "float32", "name": "inputs"},
    "registered_name": None,
}


def layer(class_name: str, module: str | None = "keras.layers", **config: Any) -> dict[str, Any]:
    entry = {"module": module, "class_name": class_name, "registered_name": None}
    return entry | {"config": {"name": class_name.lower()} | config}


FLATTEN = layer("Flatten")
DENSE = layer("Dense", units=10, activation="softmax")


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    inner = {"name": "mine", "layers": list(layers or (INPUT, FLATTEN, DENSE))}
    return {"module": "keras", "class_name": "Sequential", "config": inner}


def weights(fill: Callable[[Any], object] | None = None, value: float = 0.0) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["layers/dense/vars/0"] = np.full((784, 10), value, np.float32)
        file["layers/dense/vars/1"] = np.zeros(10, np.float32)
        if fill is not None:
            fill(file)
    return content.getvalue()


def archive(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression, compresslevel=1) as file:
        for name, body in members.items():
            file.writestr(name, body)
    return content.getvalue()


def keras_file(
    path: Path,
    config: dict[str, Any] | bytes | None = None,
    content: bytes | None = None,
    more: Mapping[str, bytes] | None = None,
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """Write a `.keras` file that is sealed as one of ours."""
    text = config if isinstance(config, bytes) else json.dumps(config or sequential()).encode()
    members = {"metadata.json": b"{}", "config.json": text}
    members["model.weights.h5"] = weights() if content is None else content
    path.write_bytes(sealed(archive(members | dict(more or {}), compression), ModelMetadata()))
    return path


def program(text: str) -> dict[str, Any]:
    """A Lambda layer as Keras stores it; its code would write the marker."""
    function = {"class_name": "__lambda__", "config": {"code": text, "defaults": None}}
    return layer("Lambda", function=function)


def resealed(path: Path, text: bytes) -> Path:
    """Write a plain file whose seal holds another document; the hashes fit."""
    body, _ = split_seal(keras_file(path).read_bytes())
    comment = PREFIX + sha256_of(text).encode() + b" " + text
    path.write_bytes(body[:-2] + len(comment).to_bytes(2, "little") + comment)
    return path


def with_metadata(path: Path, **changes: Any) -> Path:
    body, _ = split_seal(keras_file(path).read_bytes())
    document = ModelMetadata(model_sha256=sha256_of(body)).to_json() | changes
    return resealed(path, json.dumps(document).encode())


def config_twice(path: Path) -> None:
    body = io.BytesIO(split_seal(keras_file(path).read_bytes())[0])
    with zipfile.ZipFile(body, "a") as file:
        entry = file.infolist()[1]
        entry.filename = "config.json"
        file.filelist.append(entry)
        file._didModify = True  # type: ignore[attr-defined]  # typeshed has no private names
    path.write_bytes(sealed(body.getvalue(), ModelMetadata()))


def link_as_config(path: Path) -> None:
    body = io.BytesIO(archive({"metadata.json": b"{}", "model.weights.h5": weights()}))
    with zipfile.ZipFile(body, "a") as file:
        entry = zipfile.ZipInfo("config.json")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(entry, "/etc/passwd")
    path.write_bytes(sealed(body.getvalue(), ModelMetadata()))


def truncated(path: Path) -> None:
    content = keras_file(path).read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def flipped(path: Path) -> None:
    content = bytearray(keras_file(path).read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def external_storage(path: Path) -> None:
    secret = path.with_name("secret.bin")
    secret.write_bytes(bytes(400))

    def fill(file: Any) -> None:
        file.create_dataset("w", (10,), np.float32, external=[(os.fspath(secret), 0, 40)])

    keras_file(path, content=weights(fill))


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((10,), np.float32)
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (10,))
    file.create_virtual_dataset("w", layout)


def cycle(file: Any) -> None:
    group = file["layers"]
    group["a"] = group
    group["b"] = group


def put(name: str, value: Any) -> Callable[[Any], None]:
    return lambda file: file.__setitem__(name, value)


def declare(shape: tuple[int, ...], **options: Any) -> Callable[[Any], object]:
    return lambda file: file.create_dataset("w", shape, np.float32, **options)


def many_arrays(file: Any) -> None:
    for number in range(100):
        file.create_dataset(f"w{number}", (12_000_000,), np.float32, chunks=(1_000_000,))


def hidden_units(path: Path) -> None:
    """A kernel of 784 million values, for which the file holds a bias of a million."""
    config = sequential(INPUT, FLATTEN, layer("Dense", units=1_000_000))

    def fill(file: Any) -> None:
        file["layers/dense/vars/9"] = np.zeros(1_000_000, np.float32)

    keras_file(path, config, weights(fill))


def feature_maps(path: Path) -> None:
    """Maps of 12.5 billion values between an image and ten probabilities."""
    layers = (layer("UpSampling2D", size=[4_000, 4_000]), layer("GlobalAveragePooling2D"), DENSE)
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["layers/dense/vars/0"] = np.zeros((1, 10), np.float32)
        file["layers/dense/vars/1"] = np.zeros(10, np.float32)
    keras_file(path, sequential(INPUT, *layers), content.getvalue())


def old_file(path: Path, entry: dict[str, Any], shape: tuple[int, ...] = (784, 10)) -> None:
    first = {"class_name": "Flatten", "config": {"batch_input_shape": [None, 28, 28, 1]}}
    config = {"class_name": "Sequential", "config": {"name": "m", "layers": [first, entry]}}
    with h5py.File(path, "w") as file:
        file.create_dataset("model_weights/dense/kernel", shape, np.float32)
        file.attrs["model_config"] = json.dumps(config)


def deep_config(depth: int) -> bytes:
    return b'{"class_name": "Sequential", "config": ' + b"[" * depth


def with_layers(*layers: dict[str, Any]) -> Callable[[Path], object]:
    return partial(keras_file, config=sequential(INPUT, *layers))


def with_weights(fill: Callable[[Any], object]) -> Callable[[Path], object]:
    return lambda path: keras_file(path, content=weights(fill))


CODE = "4wEAAAAAAAAAAAAAAAIAAABDAAAA"  # the beginning of marshalled code
INITIALIZER = layer("eval", "builtins", source="open('marker', 'w')")
