"""Metadata of `.tflite` files as MediaPipe and others look for it, read slot by slot."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers.table import Table

from ankleboot.export.tflite_metadata import add_tflite_metadata, classifier_metadata
from ankleboot.inference.load import load_predictor
from ankleboot.models.files.checksums import add_tflite_checksum, read_verified_tflite
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog

INFO = ModelMetadata(
    recipe="pets", version="1.2", labels=("cat", "dog"), image_size=64, color=True, crop="none"
)
FLAGS = flatbuffers.number_types


class Reader:
    """A table of a flatbuffer, read by the numbers of its slots."""

    def __init__(self, content: bytes, position: int | None = None) -> None:
        start = int.from_bytes(content[:4], "little") if position is None else position
        self.content, self.table = content, Table(content, start)

    def number(self, slot: int, kind: Any = FLAGS.Uint8Flags) -> Any:
        offset = self.table.Offset(4 + 2 * slot)
        return self.table.Get(kind, self.table.Pos + offset) if offset else None

    def text(self, slot: int) -> str:
        return str(self.table.String(self._place(slot)).decode())

    def child(self, slot: int) -> "Reader":
        return Reader(self.content, self.table.Indirect(self._place(slot)))

    def children(self, slot: int) -> list["Reader"]:
        offset = self.table.Offset(4 + 2 * slot)
        start, length = self.table.Vector(offset), self.table.VectorLen(offset)
        places = [start + 4 * index for index in range(length)]
        return [Reader(self.content, self.table.Indirect(place)) for place in places]

    def floats(self, slot: int) -> list[float]:
        values = self.table.GetVectorAsNumpy(FLAGS.Float32Flags, self.table.Offset(4 + 2 * slot))
        return [float(value) for value in values]

    def _place(self, slot: int) -> int:
        return int(self.table.Pos + self.table.Offset(4 + 2 * slot))


def stored_metadata(flatbuffer: bytes) -> bytes:
    """The content of the buffer that MediaPipe looks up by name."""
    model = schema.Model.GetRootAs(flatbuffer, 0)
    entries = [model.Metadata(index) for index in range(model.MetadataLength())]
    (entry,) = (entry for entry in entries if entry.Name() == b"TFLITE_METADATA")
    return bytes(model.Buffers(entry.Buffer()).DataAsNumpy())


def test_the_metadata_describes_input_and_output() -> None:
    content = classifier_metadata(INFO)
    assert content[4:8] == b"M001" and len(content) < 1024
    root = Reader(content)
    assert root.text(0) == "Ankleboot pets" and root.text(2) == "1.2"
    (subgraph,) = root.children(3)
    (image,), (probability,) = subgraph.children(2), subgraph.children(3)
    assert image.child(3).number(0) == 2, "ImageProperties"
    properties = image.child(3).child(1)
    assert properties.number(0) == 1, "RGB"
    sizes = [properties.child(1).number(slot, FLAGS.Uint32Flags) for slot in (0, 1)]
    assert sizes == [64, 64]
    (unit,) = image.children(4)
    assert unit.number(0) == 1, "NormalizationOptions"
    assert (unit.child(1).floats(0), unit.child(1).floats(1)) == ([0.0], [1.0])
    assert (image.child(5).floats(0), image.child(5).floats(1)) == ([255.0], [0.0])
    assert probability.child(3).number(0) == 1, "FeatureProperties"
    (labels,) = probability.children(6)
    assert (labels.text(0), labels.number(2)) == ("labels.txt", 2), "TENSOR_AXIS_LABELS"


def test_gray_images_are_said_to_be_gray() -> None:
    (subgraph,) = Reader(classifier_metadata(ModelMetadata())).children(3)
    assert subgraph.children(2)[0].child(3).child(1).number(0) == 2


@pytest.mark.parametrize("format", ["litert", "litert-fp16", "litert-int8"])
def test_exported_files_have_metadata_and_labels(
    format: str, exported: Callable[[str], Path]
) -> None:
    flatbuffer, info = read_verified_tflite(exported(format))
    assert stored_metadata(flatbuffer) == classifier_metadata(info)
    with zipfile.ZipFile(io.BytesIO(exported(format).read_bytes())) as archive:
        stored = archive.getinfo("labels.txt")
        assert stored.compress_type == zipfile.ZIP_STORED, "MediaPipe maps it"
        assert archive.read(stored).decode().splitlines() == list(info.labels)


def test_the_network_stays_the_same_and_every_buffer_is_aligned(tmp_path: Path) -> None:
    path = catalog.FOLDERS[catalog.PHOTO] / catalog.MODEL_FILE
    flatbuffer, info = read_verified_tflite(path)
    described = add_tflite_metadata(flatbuffer, info)
    assert add_tflite_metadata(flatbuffer, info) == described
    model = schema.Model.GetRootAs(described, 0)
    places = [
        buffer._tab.Vector(buffer._tab.Offset(4))
        for buffer in map(model.Buffers, range(model.BuffersLength()))
        if buffer.DataLength()
    ]
    assert len(places) > 100 and all(place % 16 == 0 for place in places)
    (tmp_path / "photo.tflite").write_bytes(add_tflite_checksum(described, info))
    noise = np.random.default_rng(0).integers(
        0, 256, (3, *info.image_spec.image_shape), dtype=np.uint8
    )
    before, after = (
        load_predictor(each).predict(noise) for each in (path, tmp_path / "photo.tflite")
    )
    np.testing.assert_array_equal(before, after)


def test_weights_behind_the_flatbuffer_come_inside(exported: Callable[[str], Path]) -> None:
    """The quantizer puts large weights behind the flatbuffer, where few readers look for them."""
    flatbuffer, _ = read_verified_tflite(exported("litert-int8"))
    model = schema.Model.GetRootAs(flatbuffer, 0)
    assert all(model.Buffers(index).Offset() <= 1 for index in range(model.BuffersLength()))
    assert load_predictor(exported("litert-int8")).info.format == "litert-int8"
