"""Tests of the one reader of JSON documents."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NotRequired, TypedDict

import msgspec
import pytest

from ankleboot.core import documents
from ankleboot.core.documents import parse_document, read_document
from ankleboot.core.errors import DataError, EnvironmentFailure, ModelError


class Inner(TypedDict):
    share: Annotated[float, msgspec.Meta(ge=0, le=1)]


class Document(TypedDict):
    format: int
    inner: Inner
    names: NotRequired[list[str]]


@dataclass(frozen=True)
class Point:
    x: int
    y: float


GOOD = {"format": 1, "inner": {"share": 0.5}, "names": ["a"], "later": [1]}


def test_a_document_keeps_the_keys_that_its_schema_does_not_know() -> None:
    assert parse_document(json.dumps(GOOD), Document) == GOOD


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"inner": None}, "$.inner"),
        ({"inner": {}}, "$.inner"),
        ({"inner": {"share": True}}, "$.inner.share"),
        ({"inner": {"share": 2}}, "$.inner.share"),
        ({"names": ["a", 1]}, "$.names[1]"),
        ({"names": "a"}, "$.names"),
        ({"format": "1"}, "$.format"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, object], place: str) -> None:
    with pytest.raises(ValueError, match=place.replace("$", r"\$").replace("[", r"\[")):
        parse_document(json.dumps(GOOD | change), Document)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": NaN}',
        '{"format": 1' + "0" * 400 + "}",
        '{"inner": {"share": 1e999}, "format": 1}',
        "[" * 100_000,
        b"\xff\xfe{\x00}\x00",
    ],
)
def test_text_that_is_no_such_document_is_one_kind_of_error(text: str | bytes) -> None:
    with pytest.raises(ValueError) as caught:
        parse_document(text, Document)
    if text == "[" * 100_000:
        assert str(caught.value) == "nested too deeply"


def test_a_dataclass_as_schema_gives_its_objects() -> None:
    assert parse_document('{"x": 1, "y": 2.5}', Point) == Point(1, 2.5)


def test_a_newer_format_is_named_before_its_fields_are_judged() -> None:
    with pytest.raises(ValueError, match="^format 2, written by a newer Ankleboot; this one reads"):
        parse_document('{"format": 2}', Document, newest_format=1)
    with pytest.raises(ValueError, match=r"missing required field `inner`"):
        parse_document('{"format": 1}', Document, newest_format=1)
    with pytest.raises(ValueError, match=r"\$\.format"):
        parse_document('{"format": "2", "inner": {"share": 0}}', Document, newest_format=1)
    assert parse_document('{"format": 3, "inner": {"share": 0}}', Document)["format"] == 3


def test_a_file_is_missing_damaged_or_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(EnvironmentFailure, match="a.json: No such file"):
        read_document(path, Document)
    with pytest.raises(DataError, match="none here"):
        read_document(path, Document, missing=DataError("none here"))
    path.write_text('{"format": 2}')
    with pytest.raises(ModelError, match="format 2, written by a newer"):
        read_document(path, Document, newest_format=1)
    path.write_text("{}")
    with pytest.raises(ModelError, match=f"{path}: cannot be used"):
        read_document(path, Document)
    with pytest.raises(DataError, match=f"{path}: cannot be used"):
        read_document(path, Document, error=DataError)
    with pytest.raises(EnvironmentFailure, match=f"cannot read {tmp_path}: Is a directory"):
        read_document(tmp_path, Document)


def test_a_large_document_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(GOOD))
    monkeypatch.setattr(documents, "MAX_BYTES", path.stat().st_size)
    assert read_document(path, Document) == GOOD
    monkeypatch.setattr(documents, "MAX_BYTES", path.stat().st_size - 1)
    with pytest.raises(DataError, match="larger than the allowed"):
        read_document(path, Document)
