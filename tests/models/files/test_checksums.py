"""Checksums of model files: every flipped bit, missing byte and foreign file is refused."""

import io
import json
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import ModelError
from ankleboot.core.files import sha256_of
from ankleboot.inference.load import load_predictor
from ankleboot.models.files.checksums import (
    add_folder_checksums,
    add_tflite_checksum,
    format_of_folder,
    read_verified_folder,
    read_verified_onnx,
    read_verified_tflite,
)
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog

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
    """Without a checksum seven in ten load and predict wrongly."""
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


def test_every_flipped_bit_of_an_onnx_file_is_refused(
    tmp_path: Path, exported: Callable[[str], Path]
) -> None:
    path = tmp_path / "a.onnx"
    content = exported("onnx").read_bytes()
    for damaged in flip_bits(content, 500) + flip_bits(content[-90:], 200):
        path.write_bytes(damaged if len(damaged) > 90 else content[:-90] + damaged)
        with pytest.raises(ModelError, match=r"a\.onnx: damaged"):
            read_verified_onnx(path)


def test_metadata_in_another_order_and_spacing_is_accepted(tmp_path: Path) -> None:
    """The checksum covers the stored bytes, however a version of Ankleboot writes them."""
    body = b"some flatbuffer"
    packed = io.BytesIO(body)
    document = METADATA.to_json() | {"bytes": len(body), "sha256": sha256_of(body)}
    texts = {
        "labels.txt": "a\nb\n",
        "ankleboot.json": json.dumps(document, indent=1, sort_keys=True),
    }
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_STORED) as archive:
        for name, text in texts.items():
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3
            archive.writestr(entry, text)
    path = tmp_path / "old.tflite"
    path.write_bytes(packed.getvalue())
    assert read_verified_tflite(path) == (body, METADATA)


def test_equal_content_gives_equal_bytes_on_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    here = add_tflite_checksum(b"model", METADATA)
    monkeypatch.setattr("sys.platform", "win32")
    assert add_tflite_checksum(b"model", METADATA) == here


def test_any_zip_reader_shows_the_labels_of_a_tflite_file(
    exported: Callable[[str], Path],
) -> None:
    with zipfile.ZipFile(exported("litert")) as archive:
        assert archive.read("labels.txt").decode().split("\n")[:-1] == list(CLASS_NAMES)
        assert json.loads(archive.read("ankleboot.json"))["temperature"] == 1.7


@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_truncated_and_foreign_files_are_refused(
    suffix: str, tmp_path: Path, exported: Callable[[str], Path]
) -> None:
    content = exported("litert" if suffix == ".tflite" else "onnx").read_bytes()
    path = tmp_path / f"a{suffix}"
    for size in range(0, len(content), max(1, len(content) // 50)):
        path.write_bytes(content[:size])
        with pytest.raises(ModelError):
            load_predictor(path)
    path.write_bytes(b"not a model at all" * 100)
    with pytest.raises(ModelError, match="has no checksum of Ankleboot; .* with ankleboot adopt"):
        load_predictor(path)


@pytest.mark.parametrize("format", ["openvino", "saved-model"])
def test_a_changed_file_in_a_folder_is_named(
    format: str, tmp_path: Path, exported: Callable[[str], Path]
) -> None:
    for changed in sorted(p for p in exported(format).rglob("*") if p.is_file()):
        name = changed.relative_to(exported(format))
        copy = tmp_path / "copy"
        shutil.copytree(exported(format), copy)
        content = (copy / name).read_bytes()
        (copy / name).write_bytes(content[:-1] + b"~")
        with pytest.raises(ModelError, match=name.name):
            load_predictor(copy)
        shutil.rmtree(copy)


def test_a_changed_digit_of_the_metadata_is_refused(
    tmp_path: Path, exported: Callable[[str], Path]
) -> None:
    shutil.copytree(exported("openvino"), tmp_path / "copy")
    path = tmp_path / "copy/ankleboot.json"
    path.write_text(path.read_text().replace('"temperature": 1.7', '"temperature": 1.8'))
    with pytest.raises(ModelError, match="damaged metadata"):
        load_predictor(tmp_path / "copy")


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


def test_only_an_exported_folder_states_a_format(tmp_path: Path) -> None:
    assert format_of_folder(tmp_path) == ""
    add_folder_checksums(tmp_path, METADATA)
    assert format_of_folder(tmp_path) == "litert"
    for text in ("", "[]", "nonsense"):
        (tmp_path / "ankleboot.json").write_text(text)
        with pytest.raises(ModelError, match="damaged metadata"):
            format_of_folder(tmp_path)
