"""Sealed documents: believed only as they were written."""

import hashlib
import json
from pathlib import Path

import pytest

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.sealed import DamagedError, read_sealed, warn_of_damage, write_sealed

DOCUMENT = {"key": "ü", "shape": [1, 2], "notes": {"unreadable": None}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A sealed document."""
    write_sealed(tmp_path / "a.json", DOCUMENT)
    return tmp_path / "a.json"


@pytest.mark.parametrize("document", [DOCUMENT, None, [], 5, "", {"a": 1.5}])
def test_a_document_comes_back_as_it_was(path: Path, document: object) -> None:
    write_sealed(path, document)
    assert read_sealed(path) == document


def test_others_read_it_as_json_and_can_check_its_hash(path: Path) -> None:
    content = json.loads(path.read_text())
    text = json.dumps(content["document"]).encode()
    assert content == {"sha256": hashlib.sha256(text).hexdigest(), "document": DOCUMENT}


def test_a_missing_document_is_no_damage(tmp_path: Path) -> None:
    assert read_sealed(tmp_path / "none.json") is None


def test_every_changed_missing_or_added_byte_is_damage(path: Path) -> None:
    whole = path.read_bytes()
    changed = [whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :] for i in range(len(whole))]
    cut = [whole[:end] for end in range(len(whole))]
    for content in (*changed, *cut, whole + b"\n", b"\n" + whole, bytes(len(whole)), b"{}"):
        path.write_bytes(content)
        with pytest.raises(DamagedError, match="^has another hash than it was written with$"):
            read_sealed(path)


def test_a_document_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(DamagedError, match=r"^cannot be read \(Is a directory\)$"):
        read_sealed(tmp_path)


def test_a_document_that_cannot_be_written_names_its_path(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailure, match=f"^cannot write {tmp_path}/none/a.json: "):
        write_sealed(tmp_path / "none/a.json", DOCUMENT)


def test_damage_is_told_in_one_printable_line(caplog: pytest.LogCaptureFixture) -> None:
    warn_of_damage(Path("a\nb.npy"), DamagedError("is not the array that was written"))
    (record,) = caplog.records
    told = r"a\nb.npy is not the array that was written; it is made again"
    assert (record.levelname, record.getMessage()) == ("WARNING", told)
