"""Hostile and damaged model files are refused before anything loads them."""

import io
import json
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ankleboot.core.errors import ModelError
from ankleboot.models.foreign.scan import input_shape, scan

DENSE = {
    "module": "keras.layers",
    "class_name": "Dense",
    "config": {"name": "dense", "units": 10, "activation": "softmax"},
    "registered_name": None,
}
INPUT = {
    "module": "keras.layers",
    "class_name": "InputLayer",
    "config": {"batch_shape": [None, 28, 28, 1], "dtype": "float32", "name": "inputs"},
    "registered_name": None,
}


def model_config(*layers: dict[str, Any]) -> dict[str, Any]:
    inner = {"name": "mine", "layers": list(layers or (INPUT, DENSE))}
    return {"module": "keras", "class_name": "Sequential", "config": inner}


def weights(fill: Callable[[Any], None] | None = None) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["layers/dense/vars/0"] = np.zeros((784, 10), np.float32)
        if fill is not None:
            fill(file)
    return content.getvalue()


def keras_file(
    path: Path,
    config: dict[str, Any] | bytes | None = None,
    content: bytes | None = None,
    more: dict[str, bytes] | None = None,
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    text = config if isinstance(config, bytes) else json.dumps(config or model_config()).encode()
    members = {"metadata.json": b"{}", "config.json": text}
    members["model.weights.h5"] = weights() if content is None else content
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, body in (members | (more or {})).items():
            archive.writestr(name, body)
    return path


def layer(class_name: str, module: str | None = "keras.layers", **entries: Any) -> dict[str, Any]:
    entry = {"module": module, "class_name": class_name, "config": {"name": "x"}}
    return entry | {"registered_name": None} | entries


def refused(path: Path, match: str, kind: str = "keras") -> None:
    with pytest.raises(ModelError, match=match) as caught:
        scan(path, kind)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def test_a_plain_model_passes(tmp_path: Path) -> None:
    path = keras_file(tmp_path / "plain.keras")
    scan(path, "keras")
    assert input_shape(path, "keras") == (28, 28, 1)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_named_as_such(tmp_path: Path, share: float) -> None:
    path = keras_file(tmp_path / "cut.keras")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refused(path, "incomplete or damaged model file")


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        (layer("Lambda"), "'Lambda' is not allowed: a Lambda layer runs a program"),
        (layer("TFSMLayer"), "'TFSMLayer' is not allowed: it loads a graph"),
        (layer("TorchModuleWrapper"), "is not allowed: it is not among the layers"),
        (layer("StringLookup"), "is not allowed"),
        (layer("system", "os"), "'system' comes from os, not from Keras"),
        (layer("get_file", "keras.utils"), "is not allowed"),
        (layer("Dense", "kerasevil.layers"), "comes from kerasevil"),
        (layer("Dense", registered_name="Mine>Dense"), "comes from Mine>Dense"),
        (layer("function", "builtins"), "is not allowed"),
        (layer("__lambda__", None), "is not allowed"),
        (layer("Dense", config={"units": 1_000_000}), r"units=1,000,000, but the file holds 7,840"),
        (layer("Dense", config={"kernel_initializer": layer("eval", "builtins")}), "'eval'"),
    ],
)
def test_layers_outside_the_list_are_refused(
    tmp_path: Path, entry: dict[str, Any], match: str
) -> None:
    refused(keras_file(tmp_path / "evil.keras", model_config(INPUT, entry)), match)
    wrapped = model_config(INPUT, model_config(INPUT, entry))
    refused(keras_file(tmp_path / "nested.keras", wrapped), match)


def test_a_class_of_its_author_is_refused_with_a_way_out(tmp_path: Path) -> None:
    config = model_config() | {"class_name": "MyNet", "module": "nets"}
    refused(keras_file(tmp_path / "own.keras", config), "expected a Sequential or functional")


def test_configurations_that_exhaust_the_machine_are_refused(tmp_path: Path) -> None:
    many = model_config(INPUT, *[DENSE] * 10_000)
    refused(keras_file(tmp_path / "many.keras", many), "has 10,001 layers")
    deep = b'{"class_name": "Sequential", "config": ' + b"[" * 200_000
    refused(keras_file(tmp_path / "deep.keras", deep), "configuration is damaged")
    nested: dict[str, Any] = {}
    for _ in range(200):
        nested = {"x": nested}
    config = model_config() | {"more": nested}
    refused(keras_file(tmp_path / "nested.keras", config), "nested too deeply")


def test_archives_that_hide_something_are_refused(tmp_path: Path) -> None:
    refused(keras_file(tmp_path / "a.keras", more={"../evil.py": b"x"}), r"holds '\.\./evil\.py'")
    refused(keras_file(tmp_path / "b.keras", more={"/etc/passwd": b"x"}), "holds '/etc/passwd'")
    refused(keras_file(tmp_path / "c.keras", more={"assets/vocab.txt": b"x"}), "holds 'assets")
    twice = keras_file(tmp_path / "twice.keras")
    with zipfile.ZipFile(twice, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", b"{}")
    refused(twice, "holds a file twice")
    link = tmp_path / "link.keras"
    with zipfile.ZipFile(link, "w") as archive:
        entry = zipfile.ZipInfo("config.json")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    refused(link, "or a link")


def test_an_archive_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    bomb = keras_file(
        tmp_path / "bomb.keras", content=bytes(60 * 2**20), compression=zipfile.ZIP_DEFLATED
    )
    assert bomb.stat().st_size < 100_000
    refused(bomb, r"its members declare 62,914,\d+ bytes")


def test_weights_that_declare_more_than_they_hold_are_refused(tmp_path: Path) -> None:
    def shape_bomb(file: Any) -> None:
        file.create_dataset("w", (1_000_000, 1_000), np.float32, chunks=(1_000, 1_000))

    refused(keras_file(tmp_path / "b.keras", content=weights(shape_bomb)), "declare 4,000,000,000")


def test_weights_in_other_places_are_refused(tmp_path: Path) -> None:
    def soft(file: Any) -> None:
        file["w"] = h5py.SoftLink("/layers/dense/vars/0")

    def outside(file: Any) -> None:
        file["w"] = h5py.ExternalLink("/etc/passwd", "/x")

    def external(file: Any) -> None:
        secret = tmp_path / "secret"
        secret.write_bytes(bytes(400))
        file.create_dataset("w", (10,), np.float32, external=[(os.fspath(secret), 0, 40)])

    def virtual(file: Any) -> None:
        layout = h5py.VirtualLayout((10,), np.float32)
        layout[:] = h5py.VirtualSource("/etc/passwd", "x", (10,))
        file.create_virtual_dataset("w", layout)

    def text(file: Any) -> None:
        file["w"] = "words"

    for fill, match in (
        (soft, "are a link"),
        (outside, "are a link"),
        (external, "are in another file"),
        (virtual, "are in another file"),
        (text, "are no numbers"),
    ):
        refused(keras_file(tmp_path / "w.keras", content=weights(fill)), match)


def test_old_files_are_scanned_as_well(tmp_path: Path) -> None:
    def file_with(config: dict[str, Any] | None) -> Path:
        path = tmp_path / "old.h5"
        with h5py.File(path, "w") as file:
            file["model_weights/dense/kernel"] = np.zeros((784, 10), np.float32)
            if config is not None:
                file.attrs["model_config"] = json.dumps(config)
        return path

    old = {"class_name": "Dense", "config": {"batch_input_shape": [None, 784], "units": 10}}
    sequential = {"class_name": "Sequential", "config": {"name": "m", "layers": [old]}}
    scan(file_with(sequential), "h5")
    assert input_shape(file_with(sequential), "h5") == (784,)
    code = {"class_name": "Lambda", "config": {}}
    evil = {"class_name": "Sequential", "config": {"layers": [old, code]}}
    refused(file_with(evil), "a Lambda layer runs a program", "h5")
    refused(file_with(None), r"holds weights alone.* model\.save", "h5")


def test_files_of_other_runtimes_are_scanned(tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(b"\x1c\x00\x00\x00XXXX")
    refused(path, "does not start with TFL3", "tflite")
    refused(path, "damaged|no ONNX file", "onnx")
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "saved_model.pb").symlink_to("/etc/passwd")
    refused(folder, "is a link", "saved-model")
