"""TFLite metadata in a `.tflite` file, which MediaPipe, ML Kit and Android Studio read.

It says what the input and the output mean, and that `labels.txt`, in the archive behind the
flatbuffer, has the names of the classes. Slots and values below are those of the schema.

Source: metadata_schema.fbs of MediaPipe,
https://github.com/google-ai-edge/mediapipe/blob/master/mediapipe/tasks/metadata/metadata_schema.fbs
"""

from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers

from ankleboot.models.files.checksums import LABELS_NAME
from ankleboot.models.files.metadata import ModelMetadata

METADATA_BUFFER = "TFLITE_METADATA"  # name of the entry in the model's list of metadata
PARSER_VERSION = "1.0.0"  # lowest version of a parser that knows all fields below
ALIGNMENT = 16  # bytes; kernels read weights where they lie in the file

RGB, GRAYSCALE = 1, 2  # ColorSpaceType
FEATURE, IMAGE = 1, 2  # ContentProperties
NORMALIZATION = 1  # ProcessUnitOptions
AXIS_LABELS = 2  # AssociatedFileType


def add_tflite_metadata(flatbuffer: bytes, info: ModelMetadata) -> bytes:
    """Return the model with its metadata, and every buffer aligned; equal input, equal bytes."""
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(flatbuffer)
    contents = [None if b.data is None else bytes(memoryview(b.data)) for b in model.buffers]
    contents.append(classifier_metadata(info))
    model.buffers = [_AlignedBuffer(content) for content in contents]
    entry = schema.MetadataT(METADATA_BUFFER, len(contents) - 1)
    model.metadata = [*(model.metadata or []), entry]
    builder = flatbuffers.Builder(sum(len(content or b"") for content in contents) + 4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


class _AlignedBuffer:
    """Buffer of a model that begins at a multiple of 16 bytes; the generated class forgets it."""

    def __init__(self, content: bytes | None) -> None:
        self.content = content

    def Pack(self, builder: Any) -> int:  # noqa: N802 - the name that the schema's classes call
        data = None
        if self.content is not None:
            builder.StartVector(1, len(self.content), ALIGNMENT)
            builder.head -= len(self.content)
            builder.Bytes[builder.head : builder.head + len(self.content)] = self.content
            data = builder.EndVector()
        return _table(builder, {} if data is None else {0: data})


def classifier_metadata(info: ModelMetadata) -> bytes:
    """Return the metadata of an image classifier that takes pixels from 0 to 255."""
    builder = flatbuffers.Builder(1024)
    subgraph = {
        2: _vector(builder, [_input(builder, info)]),
        3: _vector(builder, [_output(builder)]),
    }
    model = {
        0: builder.CreateString(f"Ankleboot {info.recipe}".strip()),
        1: builder.CreateString(f"Image classifier, {len(info.labels)} classes"),
        2: builder.CreateString(info.version),
        3: _vector(builder, [_table(builder, subgraph)]),
        7: builder.CreateString(PARSER_VERSION),
    }
    builder.Finish(_table(builder, model), file_identifier=b"M001")
    return bytes(builder.Output())


def _input(builder: Any, info: ModelMetadata) -> int:
    height, width = info.image_spec.image_shape[:2]
    size = _table(builder, numbers={0: width, 1: height}, width=4)
    colors = RGB if info.color else GRAYSCALE
    image = _table(builder, {1: size}, {0: colors})
    as_it_is = _table(builder, {0: _number(builder, 0), 1: _number(builder, 1)})  # mean, deviation
    unit = _table(builder, {1: as_it_is}, {0: NORMALIZATION})
    fields = {
        0: builder.CreateString("image"),
        1: builder.CreateString("Pixels from 0 to 255; the model scales them itself"),
        3: _table(builder, {1: image}, {0: IMAGE}),
        4: _vector(builder, [unit]),
        5: _table(builder, {0: _number(builder, 255), 1: _number(builder, 0)}),  # largest, smallest
    }
    return _table(builder, fields)


def _output(builder: Any) -> int:
    labels = _table(builder, {0: builder.CreateString(LABELS_NAME)}, {2: AXIS_LABELS})
    fields = {
        0: builder.CreateString("probability"),
        1: builder.CreateString("Calibrated probability of each class"),
        3: _table(builder, {1: _table(builder)}, {0: FEATURE}),
        5: _table(builder, {0: _number(builder, 1), 1: _number(builder, 0)}),
        6: _vector(builder, [labels]),
    }
    return _table(builder, fields)


def _table(
    builder: Any,
    offsets: Mapping[int, int] | None = None,
    numbers: Mapping[int, int] | None = None,
    *,
    width: int = 1,
) -> int:
    """Write a table whose slots hold what was written before, or numbers of `width` bytes."""
    offsets, numbers = offsets or {}, numbers or {}
    add_number = {1: builder.PrependUint8Slot, 4: builder.PrependUint32Slot}[width]
    builder.StartObject(1 + max([*offsets, *numbers], default=0))
    for slot, number in numbers.items():
        add_number(slot, number, 0)
    for slot, written in offsets.items():
        builder.PrependUOffsetTRelativeSlot(slot, written, 0)
    offset: int = builder.EndObject()
    return offset


def _vector(builder: Any, tables: Sequence[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    offset: int = builder.EndVector()
    return offset


def _number(builder: Any, value: int) -> int:
    """Write a list of floats with a single one, which holds for every channel or class."""
    builder.StartVector(4, 1, 4)
    builder.PrependFloat32(value)
    offset: int = builder.EndVector()
    return offset
