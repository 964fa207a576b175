"""Metadata inside `.keras` files."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from ankleboot.core.errors import ModelError
from ankleboot.core.files import sha256_of
from ankleboot.models.files.keras_seal import model_sha256, read_seal, sealed
from ankleboot.models.files.metadata import ModelMetadata

INFO = ModelMetadata(recipe="mine", labels=("cat", "dög <b>"), temperature=1.5, split="stratified")


@pytest.fixture
def content() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", bytes(5_000))
    return buffer.getvalue()


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_the_metadata_comes_back_and_the_archive_stays(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path / "m.keras", sealed(content, INFO))
    digest = sha256_of(content)
    assert read_seal(path) == replace(INFO, model_sha256=digest)
    assert model_sha256(path) == digest
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["config.json", "model.weights.h5"]


def test_a_second_seal_replaces_the_first(tmp_path: Path, content: bytes) -> None:
    once = sealed(content, INFO)
    other = replace(INFO, temperature=2.0)
    assert sealed(once, other) == sealed(content, other)


def test_a_file_without_a_seal_has_none(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path / "m.keras", content)
    assert read_seal(path) is None
    assert model_sha256(path) == sha256_of(content)
    labels = tuple(f"class {i} {'x' * 20}" for i in range(5_000))
    assert sealed(content, replace(INFO, labels=labels)) == content


def test_every_changed_byte_is_noticed(tmp_path: Path, content: bytes) -> None:
    whole = sealed(content, INFO)
    comment = whole.index(b"ankleboot ")
    for position in [*range(0, len(content) - 2, 97), *range(comment + 10, len(whole), 13)]:
        changed = bytearray(whole)
        changed[position] ^= 1
        with pytest.raises(ModelError, match="damaged"):
            read_seal(written(tmp_path / "m.keras", bytes(changed)))
    for end in range(comment + 10, len(whole), 50):
        with pytest.raises(ModelError, match="damaged"):
            read_seal(written(tmp_path / "m.keras", whole[:end]))
