"""Readers of model files, whose seals may be right whatever they say."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.files import sha256_of
from ankleboot.core.types import Images
from ankleboot.inference.numpy_network import FILE_NAME, NumpyPredictor
from ankleboot.models.files import checksums, keras_seal
from ankleboot.models.files.metadata import ModelMetadata
from soak.fuzz import seeds


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def text_metadata(_: Path, content: bytes) -> object:
    return ModelMetadata.from_text(content, "x")


def forged_tflite(folder: Path, content: bytes) -> None:
    """Seal any description, as a stranger can."""
    body = b"TFL3" * 4
    document: Any = None
    with suppress(ValueError, RecursionError):
        document = json.loads(content)
    if isinstance(document, dict):
        document = {"bytes": len(body), "sha256": sha256_of(body)} | document
        content = json.dumps(document).encode()
    file = checksums._append_zip(body, b"a\nb\n", content)  # noqa: SLF001
    checksums.read_verified_tflite(written(folder, "x.tflite", file))


def tflite_file(folder: Path, content: bytes) -> None:
    checksums.read_verified_tflite(written(folder, "x.tflite", content))


def tflite_files() -> list[bytes]:
    return [checksums.add_tflite_checksum(b"TFL3" * 8, ModelMetadata(labels=("a", "b")))]


def forged_onnx(folder: Path, content: bytes) -> None:
    entry = checksums._long_field(1, b"ankleboot") + checksums._long_field(2, content)  # noqa: SLF001
    file = checksums.add_onnx_checksum(b"\x08\x07" + checksums._long_field(14, entry))  # noqa: SLF001
    checksums.read_onnx_metadata(written(folder, "x.onnx", file))


def onnx_file(folder: Path, content: bytes) -> None:
    checksums.read_onnx_metadata(written(folder, "x.onnx", content))


def onnx_files() -> list[bytes]:
    return [checksums.add_onnx_metadata(b"\x08\x07", ModelMetadata(labels=("a", "b")))]


def forged_keras(folder: Path, content: bytes) -> None:
    body = seeds.zipped({"config.json": b"{}", "metadata.json": b"{}"})
    comment = keras_seal.PREFIX + sha256_of(content).encode() + b" " + content
    if len(comment) <= keras_seal.MAX_COMMENT_BYTES:
        body = body[:-2] + len(comment).to_bytes(2, "little") + comment
    keras_seal.read_seal(written(folder, "x.keras", body))


def keras_file(folder: Path, content: bytes) -> None:
    keras_seal.read_seal(written(folder, "x.keras", content))


def keras_files() -> list[bytes]:
    body = seeds.zipped({"config.json": b"{}", "metadata.json": b"{}"})
    return [keras_seal.sealed(body, ModelMetadata(labels=("a", "b")))]


def network(folder: Path, content: bytes) -> None:
    """Run any layers in a folder with right checksums."""
    written(folder, FILE_NAME, content)
    checksums.add_folder_checksums(folder, ModelMetadata(format="playground"))
    predictor = NumpyPredictor(folder)
    images: Images = np.full((2, 28, 28), 9, np.uint8)
    predictor.predict(images)


def folder_document(folder: Path, content: bytes) -> None:
    written(folder, checksums.METADATA_NAME, content)
    checksums.format_of_folder(folder)
    checksums.read_verified_folder(folder)
