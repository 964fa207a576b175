"""Metadata of ONNX files: written and read without a runtime, as protobuf would write them."""

import json
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from ankleboot.core.errors import ModelError
from ankleboot.models.files.checksums import (
    ONNX_KEY,
    add_onnx_checksum,
    add_onnx_metadata,
    read_onnx_metadata,
)
from ankleboot.models.files.metadata import ModelMetadata

METADATA = ModelMetadata(recipe="x", format="litert", temperature=1.3)
LENGTH = len(json.dumps(METADATA.to_json())) - 1  # of the text without the letter of the recipe
BORDERS = [2**14 + shift - LENGTH for shift in range(-20, 3)]  # a length takes one byte more


@pytest.mark.parametrize("size", [0, 100, 200, *BORDERS, 20_000])
def test_metadata_of_any_length_is_what_was_added(tmp_path: Path, size: int) -> None:
    path, info = tmp_path / "a.onnx", replace(METADATA, recipe="x" * size)
    path.write_bytes(add_onnx_metadata(b"network", info))
    assert read_onnx_metadata(path) == info
    content = add_onnx_metadata(b"", info)
    model = onnx.load_model_from_string(content)
    (entry, checksum) = model.metadata_props
    assert entry.key == ONNX_KEY and entry.value == json.dumps(info.to_json())
    assert checksum.key == "ankleboot.sha256" and len(checksum.value) == 64
    assert model.SerializeToString() == content


def test_metadata_that_was_added_last_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(add_onnx_metadata(add_onnx_metadata(b"network", METADATA), METADATA))
    assert read_onnx_metadata(path) == METADATA


def with_properties(**properties: str) -> bytes:
    model = onnx.ModelProto()
    onnx.helper.set_model_props(model, properties)
    content: bytes = model.SerializeToString()
    return content


def test_a_file_without_metadata_behind_it_has_none(tmp_path: Path) -> None:
    """Files of `export` have theirs among other properties, where a runtime reads them."""
    path, text = tmp_path / "a.onnx", json.dumps(METADATA.to_json())
    bodies = (b"network", b'{"a": 1}', b'a network {"a": 1}', ONNX_KEY.encode() + b"{}", b"")
    for body in (*bodies, with_properties(ankleboot=text, more="1"), with_properties(more=text)):
        path.write_bytes(add_onnx_checksum(body))
        assert read_onnx_metadata(path) is None


def test_metadata_that_says_nonsense_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    for text in ("{}", "{nonsense}", json.dumps(METADATA.to_json() | {"temperature": "hot"})):
        path.write_bytes(add_onnx_checksum(with_properties(ankleboot=text)))
        with pytest.raises(ModelError, match=f"^{path}: damaged metadata "):
            read_onnx_metadata(path)
