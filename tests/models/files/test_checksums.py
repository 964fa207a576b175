"""Checksums of model files: every flipped bit, missing byte and foreign file is refused."""

import io
import json
import os
import random
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import ForeignModelError, ModelError
from ankleboot.core.files import sha256_of
from ankleboot.models.files import checksums
from ankleboot.models.files.checksums import (
    DIRECTORY_ENTRY,
    MAX_MEMBERS,
    MAX_METADATA_BYTES,
    add_folder_checksums,
    add_onnx_metadata,
    add_tflite_checksum,
    format_of_folder,
    model_files,
    read_model,
    read_onnx_metadata,
    read_verified_folder,
    read_verified_onnx,
    read_verified_tflite,
)
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog

NO_CHECKSUM = "has no checksum of Ankleboot; take foreign files in with ankleboot adopt"
METADATA = ModelMetadata(recipe="x", format="litert", temperature=1.3)


def flip_bits(content: bytes, number: int) -> list[bytes]:
    """Return copies of the content, each with one bit flipped."""
    rng = random.Random(0)
    copies = []
    for _ in range(number):
        index, bit = rng.randrange(len(content)), rng.randrange(8)
        flipped = bytes([content[index] ^ (1 << bit)])
        copies.append(content[:index] + flipped + content[index + 1 :])
    return copies


def test_every_flipped_bit_of_a_tflite_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tflite"
    content = (catalog.FOLDER / catalog.MODEL_FILE).read_bytes()
    for damaged in flip_bits(content, 1_000):
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match=r"a\.tflite: "):
            read_verified_tflite(path)


def test_every_flipped_bit_of_the_appended_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tflite"
    body = bytes(range(256))
    content = add_tflite_checksum(body, METADATA)
    path.write_bytes(content)
    assert read_verified_tflite(path) == (body, METADATA)
    for index in range(len(content)):
        path.write_bytes(content[:index] + bytes([content[index] ^ 1]) + content[index + 1 :])
        with pytest.raises(ModelError):
            read_verified_tflite(path)


def test_every_flipped_bit_of_an_onnx_file_is_refused(tmp_path: Path) -> None:
    """The bytes of the network do not matter: the checksum covers them all."""
    path, body = tmp_path / "a.onnx", random.Random(1).randbytes(300)
    content = add_onnx_metadata(body, METADATA)
    path.write_bytes(content)
    assert read_verified_onnx(path) == content and read_onnx_metadata(path) == METADATA
    for index in range(len(content)):
        flipped = bytes([content[index] ^ 1 << index % 8])
        path.write_bytes(content[:index] + flipped + content[index + 1 :])
        with pytest.raises(ModelError, match=r"a\.onnx: damaged"):
            read_verified_onnx(path)


def test_metadata_in_another_order_and_spacing_is_accepted(tmp_path: Path) -> None:
    """The checksum covers the stored bytes, however a version of Ankleboot writes them."""
    body, path = b"some flatbuffer", tmp_path / "old.tflite"
    path.write_bytes(tflite_file(body, METADATA.to_json()))
    assert read_verified_tflite(path) == (body, METADATA)
    add_folder_checksums(tmp_path, METADATA)
    document = json.loads((tmp_path / "ankleboot.json").read_text())
    turned = dict(reversed(document.items()))
    assert list(turned) != list(document)
    (tmp_path / "ankleboot.json").write_text(json.dumps(turned))
    assert read_verified_folder(tmp_path) == METADATA


def tflite_file(body: bytes, fields: dict[str, Any]) -> bytes:
    """Write a file with a valid checksum as another version of Ankleboot might."""
    packed = io.BytesIO(body)
    document = fields | {"bytes": len(body), "sha256": sha256_of(body)}
    texts = {
        "labels.txt": "a\nb\n",
        "ankleboot.json": json.dumps(document, indent=1, sort_keys=True),
    }
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_STORED) as archive:
        for name, text in texts.items():
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3
            archive.writestr(entry, text)
    return packed.getvalue()


def test_a_valid_checksum_of_metadata_that_says_nonsense_is_no_use(tmp_path: Path) -> None:
    path = tmp_path / "a.tflite"
    path.write_bytes(tflite_file(b"model", METADATA.to_json() | {"temperature": "hot"}))
    with pytest.raises(ModelError, match=f"^{path}: damaged metadata "):
        read_verified_tflite(path)
    path.unlink()
    add_folder_checksums(tmp_path, replace(METADATA, labels=()))
    with pytest.raises(ModelError, match=f"^{tmp_path}/ankleboot.json: damaged metadata "):
        read_verified_folder(tmp_path)


def test_equal_content_gives_equal_bytes_on_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    here = add_tflite_checksum(b"model", METADATA)
    monkeypatch.setattr("sys.platform", "win32")
    assert add_tflite_checksum(b"model", METADATA) == here


def test_any_zip_reader_shows_the_labels_of_a_tflite_file() -> None:
    with zipfile.ZipFile(io.BytesIO(add_tflite_checksum(b"model", METADATA))) as archive:
        assert archive.namelist() == ["labels.txt", "ankleboot.json"]
        assert archive.read("labels.txt").decode().split("\n")[:-1] == list(CLASS_NAMES)
        assert json.loads(archive.read("ankleboot.json"))["temperature"] == 1.3


@pytest.mark.parametrize(
    ("name", "make", "read"),
    [
        ("a.tflite", add_tflite_checksum, read_verified_tflite),
        ("a.onnx", add_onnx_metadata, read_verified_onnx),
    ],
)
def test_truncated_and_foreign_files_are_refused(
    name: str,
    make: Callable[[bytes, ModelMetadata], bytes],
    read: Callable[[Path], object],
    tmp_path: Path,
) -> None:
    content, path = make(bytes(range(256)) * 2, METADATA), tmp_path / name
    for size in range(len(content)):
        path.write_bytes(content[:size])
        with pytest.raises(ModelError, match=f"{name}: damaged"):
            read(path)
    path.write_bytes(b"not a model at all" * 100)
    with pytest.raises(ForeignModelError, match=f"^{path}: damaged, or {NO_CHECKSUM}$"):
        read(path)


def test_a_file_with_a_long_list_of_members_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.tflite"
    content = add_tflite_checksum(DIRECTORY_ENTRY * (MAX_MEMBERS - 2), METADATA)
    path.write_bytes(content)  # the two of the archive make it as many as are allowed
    assert read_verified_tflite(path)[1] == METADATA
    path.write_bytes(DIRECTORY_ENTRY + content)
    with pytest.raises(ModelError, match="^holds more members than a model has$"):
        read_verified_tflite(path)


def test_metadata_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tflite"
    for size, is_refused in ((MAX_METADATA_BYTES, False), (MAX_METADATA_BYTES + 1, True)):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("labels.txt", " " * size)
            archive.writestr("ankleboot.json", "{}")
        path.write_bytes(packed.getvalue())
        with pytest.raises(ModelError) as caught:
            read_verified_tflite(path)
        told = f"{path}: labels.txt is larger than 1,000,000 bytes"
        assert (str(caught.value) == told) == is_refused


def test_an_added_or_missing_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"1")
    add_folder_checksums(tmp_path, METADATA)
    assert read_verified_folder(tmp_path) == METADATA
    (tmp_path / "more").write_bytes(b"2")
    with pytest.raises(ModelError, match="more: damaged"):
        read_verified_folder(tmp_path)
    (tmp_path / "more").unlink()
    (tmp_path / "weights").unlink()
    with pytest.raises(ModelError, match="weights: damaged"):
        read_verified_folder(tmp_path)


def test_every_changed_byte_of_a_folder_is_refused_and_its_file_named(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    for name in ("weights", "deeper/graph"):
        (tmp_path / name).write_bytes(b"0123456789")
    add_folder_checksums(tmp_path, METADATA)
    for name, told in (("weights", "weights: damaged"), ("deeper/graph", "graph: damaged")):
        path = tmp_path / name
        path.write_bytes(b"0123456788")
        with pytest.raises(ModelError, match=told):
            read_verified_folder(tmp_path)
        path.write_bytes(b"0123456789")
    path = tmp_path / "ankleboot.json"
    whole = path.read_bytes()
    document = json.loads(whole)
    for index in range(len(whole)):
        path.write_bytes(whole[:index] + bytes([whole[index] ^ 1]) + whole[index + 1 :])
        try:
            if json.loads(path.read_bytes()) == document:
                continue  # another space
        except ValueError:
            pass
        with pytest.raises(ModelError, match=r"ankleboot\.json: damaged metadata \("):
            read_verified_folder(tmp_path)
    path.write_text(json.dumps(document | {"recipe": "y"}))
    reason = "its SHA-256 is not the stored one"
    with pytest.raises(ModelError, match=rf"^{path}: damaged metadata \({reason}\)$"):
        read_verified_folder(tmp_path)
    for key in ("sha256", "files"):
        path.write_text(json.dumps({k: v for k, v in document.items() if k != key}))
        with pytest.raises(ModelError, match=r"ankleboot\.json: damaged metadata \("):
            read_verified_folder(tmp_path)


def test_a_folder_without_checksums_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=f"^{tmp_path}: has no checksum of Ankleboot; take foreign"
    ):
        read_verified_folder(tmp_path)


def test_links_pipes_and_too_many_or_large_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checksums, "MAX_FOLDER_FILES", 4)
    monkeypatch.setattr(checksums, "MAX_FOLDER_BYTES", 3 << 20)
    (tmp_path / "b").mkdir()
    for name in ("b/2", "b/1", "a"):
        (tmp_path / name).write_bytes(bytes(1 << 20))
    assert model_files(tmp_path) == [tmp_path / "a", tmp_path / "b/1", tmp_path / "b/2"]
    (tmp_path / "a").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(ModelError, match=f"^{tmp_path}: larger than the allowed 3 MiB$"):
        model_files(tmp_path)
    (tmp_path / "c").touch()
    with pytest.raises(ModelError, match=f"^{tmp_path}: holds more than 4 files$"):
        model_files(tmp_path)
    (tmp_path / "c").unlink()
    for make in (lambda path: path.symlink_to(tmp_path / "b"), os.mkfifo):
        (tmp_path / "a").unlink()
        make(tmp_path / "a")
        with pytest.raises(ModelError, match=f"^{tmp_path}: a is a link, or no file$"):
            model_files(tmp_path)


def test_a_model_file_is_a_file_of_a_size_that_models_have(tmp_path: Path) -> None:
    path = tmp_path / "m"
    with pytest.raises(ModelError, match=f"^{path}: no such model file$"):
        read_model(path)
    path.write_bytes(bytes(1 << 20))
    assert read_model(path, 1 << 20) == bytes(1 << 20)
    with pytest.raises(ModelError, match=f"^{path}: larger than the allowed 2 MiB$"):
        path.write_bytes(bytes((2 << 20) + 1))
        read_model(path, 2 << 20)
    with pytest.raises(ModelError, match=f"^{tmp_path}: expected a file$"):
        read_model(tmp_path)


def test_only_an_exported_folder_states_a_format(tmp_path: Path) -> None:
    assert format_of_folder(tmp_path) == format_of_folder(tmp_path / "none") == ""
    (tmp_path / "ankleboot.json").write_text("{}")
    assert format_of_folder(tmp_path) == ""
    add_folder_checksums(tmp_path, METADATA)
    assert format_of_folder(tmp_path) == "litert"
    for text in ("", "[]", "nonsense"):
        (tmp_path / "ankleboot.json").write_text(text)
        with pytest.raises(ModelError, match="damaged metadata"):
            format_of_folder(tmp_path)
