"""Metadata inside `.keras` files."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from ankleboot.core.errors import ModelError
from ankleboot.core.files import sha256_of
from ankleboot.models.files import keras_seal
from ankleboot.models.files.keras_seal import model_sha256, read_seal, sealed, split_seal
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


def test_any_zip_reader_shows_the_metadata(content: bytes) -> None:
    whole = sealed(content, INFO)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        name, digest, text = archive.comment.split(b" ", 2)
    assert (name, digest.decode()) == (b"ankleboot", sha256_of(text))
    assert json.loads(text)["temperature"] == 1.5
    length = whole[len(content) - 2 : len(content)]  # in the end record, APPNOTE 4.3.16
    assert int.from_bytes(length, "little") == len(whole) - len(content)


def test_equal_metadata_gives_equal_bytes(content: bytes) -> None:
    one, other = ({"mean": 0, "scale": 255}, {"scale": 255, "mean": 0})
    assert sealed(content, replace(INFO, convention=one)) == (
        sealed(content, replace(INFO, convention=other))
    )


def test_the_longest_comment_of_a_zip_archive_is_a_seal(tmp_path: Path, content: bytes) -> None:
    labels = tuple(f"{i} {'x' * 900}" for i in range(70))
    rest = 65_535 - len(sealed(content, replace(INFO, labels=labels))) + len(content)
    longest = replace(INFO, labels=labels, data="y" * rest)
    path = written(tmp_path / "m.keras", sealed(content, longest))
    assert path.stat().st_size == len(content) + 65_535
    assert read_seal(path) == replace(longest, model_sha256=sha256_of(content))
    assert sealed(content, replace(longest, data="y" * (rest + 1))) == content


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


def test_an_archive_may_hold_archives_or_nothing(tmp_path: Path, content: bytes) -> None:
    """Their end records are none of the file."""
    outer, empty = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("inner.zip", sealed(content, INFO))
    zipfile.ZipFile(empty, "w").close()
    for body in (outer.getvalue(), empty.getvalue()):
        path = written(tmp_path / "m.keras", body)
        assert read_seal(path) is None and model_sha256(path) == sha256_of(body)
        written(path, sealed(body, INFO))
        assert read_seal(path) == replace(INFO, model_sha256=sha256_of(body))


def test_only_the_comment_of_an_archive_is_a_seal(content: bytes) -> None:
    seal = sealed(content, INFO)[len(content) - 22 :]
    too_far = seal + bytes(65_535)  # for zip readers too
    assert not zipfile.is_zipfile(io.BytesIO(too_far))
    for other in (too_far, bytes(21) + b"ankleboot x", b"ankleboot x", b"", content + seal[:20]):
        assert split_seal(other) == (other, b"")


def test_the_hash_of_a_file_of_another_format_covers_all_of_it(
    tmp_path: Path, content: bytes
) -> None:
    whole = sealed(content, INFO)
    assert model_sha256(written(tmp_path / "m.onnx", whole)) == sha256_of(whole)


def test_a_seal_that_is_whole_but_says_nonsense_is_refused(tmp_path: Path, content: bytes) -> None:
    for text in (b"[]", b"nonsense", json.dumps(INFO.to_json() | {"temperature": "hot"}).encode()):
        comment = b"ankleboot " + sha256_of(text).encode() + b" " + text
        whole = content[:-2] + len(comment).to_bytes(2, "little") + comment
        path = written(tmp_path / "m.keras", whole)
        with pytest.raises(ModelError, match=f"^{path}: damaged metadata "):
            read_seal(path)


def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "m.keras", content)
    monkeypatch.setattr(keras_seal, "MAX_FOLDER_BYTES", len(content) - 1)
    for read in (read_seal, model_sha256):
        with pytest.raises(ModelError, match=f"^{path}: larger than the allowed "):
            read(path)
