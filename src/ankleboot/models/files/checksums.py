"""Metadata and checksums inside model files.

A flipped bit of a `.tflite` file may load and silently change its predictions. So every
file that `export` writes carries its `ModelMetadata` and a SHA-256 of its content, in a place that
the runtimes of the format ignore. A loader verifies the SHA-256 before it runs anything:

.tflite  a zip archive behind the flatbuffer with labels.txt and ankleboot.json: the way in which
         TensorFlow Lite packs associated files (`unzip model.tflite` shows them)
.onnx    entries of `metadata_props`; the last one, appended, is the SHA-256 of all bytes before it
folders  ankleboot.json with the SHA-256 of every other file, and of itself

The checksum guards against damage, not against forgery: anyone can compute it.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from ankleboot.core.errors import ForeignModelError, ModelError
from ankleboot.core.files import (
    DAMAGED_ZIP,
    read_bytes,
    sha256_of,
    sha256_of_file,
    write_json,
)
from ankleboot.models.files.metadata import ModelMetadata, parse_object

METADATA_NAME = "ankleboot.json"
LABELS_NAME = "labels.txt"
ONNX_KEY = "ankleboot"  # key of the metadata among an ONNX file's metadata_props
DIRECTORY_ENTRY = b"PK\x01\x02"  # of a zip archive; the reader refuses entries without it
MAX_MEMBERS = 100  # Keras writes three
MAX_METADATA_BYTES = 1_000_000  # the shipped files have 600; many classes need more
MAX_MODEL_BYTES = 200 * 2**20  # the shipped files have less than 6 MB
MAX_FOLDER_BYTES = 2**30
MAX_FOLDER_FILES = 1_000  # the pages of a browser have about 40
_NO_CHECKSUM = "has no checksum of Ankleboot; take foreign files in with ankleboot adopt"
_CHANGED = "damaged: its SHA-256 is not the stored one"


def add_tflite_checksum(flatbuffer: bytes, info: ModelMetadata) -> bytes:
    """Append labels, metadata and checksum; equal content gives equal bytes."""
    document = info.to_json() | {"bytes": len(flatbuffer), "sha256": sha256_of(flatbuffer)}
    labels = "\n".join(info.labels) + "\n"
    return _append_zip(flatbuffer, labels.encode(), json.dumps(document).encode())


def _append_zip(flatbuffer: bytes, labels: bytes, metadata: bytes) -> bytes:
    packed = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(packed, "a") as archive:
        for name, content in ((LABELS_NAME, labels), (METADATA_NAME, metadata)):
            entry = zipfile.ZipInfo(name)  # stored; dated 1980: the bytes depend on no clock
            entry.create_system = 3  # the same bytes on every system
            archive.writestr(entry, content)
    return packed.getvalue()


def check_directory(content: bytes) -> None:
    """Refuse an archive whose list of members takes seconds to read.

    Raises:
        ModelError: If it has too many entries.
    """
    if content.count(DIRECTORY_ENTRY) > MAX_MEMBERS:
        raise ModelError("holds more members than a model has")


def read_verified_tflite(path: Path) -> tuple[bytes, ModelMetadata]:
    """Return the flatbuffer and its metadata after verifying the checksum.

    The check packs the stored bytes again, so it depends on no field of `ModelMetadata`.

    Raises:
        ModelError: If the file is missing, damaged or without a checksum.
    """
    content = read_model(path)
    check_directory(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in (LABELS_NAME, METADATA_NAME):
                if archive.getinfo(name).file_size > MAX_METADATA_BYTES:
                    raise ModelError(f"{path}: {name} is larger than {MAX_METADATA_BYTES:,} bytes")
            labels, metadata = archive.read(LABELS_NAME), archive.read(METADATA_NAME)
        document = parse_object(metadata)
        flatbuffer, digest = content[: document.pop("bytes")], document.pop("sha256")
    except (*DAMAGED_ZIP, TypeError, AttributeError) as error:
        raise ForeignModelError(f"{path}: damaged, or {_NO_CHECKSUM}") from error
    info = ModelMetadata.from_json(document, path)
    if digest != sha256_of(flatbuffer) or content != _append_zip(flatbuffer, labels, metadata):
        raise ModelError(f"{path}: {_CHANGED}")
    return flatbuffer, info


def add_onnx_metadata(content: bytes, info: ModelMetadata) -> bytes:
    """Append the metadata as an entry of `metadata_props`, and the checksum."""
    entry = _long_field(1, ONNX_KEY.encode()) + _long_field(2, json.dumps(info.to_json()).encode())
    return add_onnx_checksum(content + _long_field(14, entry))


def _long_field(number: int, content: bytes) -> bytes:
    """Encode a length-delimited protobuf field of any length."""
    length, size = len(content), bytearray()
    while length > 127:
        size.append(length & 127 | 128)
        length >>= 7
    return bytes([number << 3 | 2, *size, length]) + content


def read_onnx_metadata(path: Path) -> ModelMetadata | None:
    """Read the metadata that `add_onnx_metadata` appended to a verified file, without a runtime.

    Files of `export` carry theirs elsewhere among the properties; they give None.
    """
    body = read_verified_onnx(path)[:-_ONNX_CHECKSUM_BYTES]
    _, key, value = body.rpartition(_long_field(1, ONNX_KEY.encode()))
    text = value.partition(b"{")[2]
    if not key or not text.endswith(b"}"):
        return None
    return ModelMetadata.from_text(b"{" + text, path)


def add_onnx_checksum(content: bytes) -> bytes:
    """Append the SHA-256 as one more entry of `metadata_props`.

    Source: Protocol Buffers encoding, "Last One Wins" and repeated fields: bytes of a message may
    be appended to another of its kind, https://protobuf.dev/programming-guides/encoding/
    """
    return content + _ONNX_PREFIX + sha256_of(content).encode()


def read_verified_onnx(path: Path) -> bytes:
    """Return the file's content after verifying the checksum; `ONNX_KEY` names its metadata.

    Raises:
        ModelError: If the file is missing, damaged or without a checksum.
    """
    content = read_model(path)
    body, checksum = content[:-_ONNX_CHECKSUM_BYTES], content[-_ONNX_CHECKSUM_BYTES:]
    if not checksum.startswith(_ONNX_PREFIX):
        raise ForeignModelError(f"{path}: damaged, or {_NO_CHECKSUM}")
    if content != add_onnx_checksum(body):
        raise ModelError(f"{path}: {_CHANGED}")
    return content


_SHA256_DIGITS = 64
_ENTRY = _long_field(1, b"ankleboot.sha256") + _long_field(2, bytes(_SHA256_DIGITS))
_ONNX_PREFIX = _long_field(14, _ENTRY)[:-_SHA256_DIGITS]  # ModelProto.metadata_props
_ONNX_CHECKSUM_BYTES = len(_ONNX_PREFIX) + _SHA256_DIGITS


def add_folder_checksums(folder: Path, info: ModelMetadata) -> None:
    """Write the metadata and the SHA-256 of every file below `folder`."""
    document = info.to_json() | {"files": _checksums(folder)}
    write_json(folder / METADATA_NAME, document | {"sha256": _own_checksum(document)})


def format_of_folder(folder: Path) -> str:
    """Return the format that an exported folder states; empty for any other path.

    Raises:
        ModelError: If the metadata cannot be read.
    """
    path = folder / METADATA_NAME
    return str(_read_metadata(path).get("format", "")) if path.is_file() else ""


def read_verified_folder(folder: Path) -> ModelMetadata:
    """Return the metadata of a folder after verifying every file.

    Raises:
        ModelError: If a file is missing, changed or too many, or the folder has no checksums.
    """
    path = folder / METADATA_NAME
    if not path.is_file():
        raise ModelError(f"{folder}: {_NO_CHECKSUM}")
    document = _read_metadata(path)
    try:
        if document.pop("sha256") != _own_checksum(document):
            raise ValueError("its SHA-256 is not the stored one")
        expected = dict(document.pop("files"))
        actual = _checksums(folder)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: damaged metadata ({error})") from error
    if changed := sorted(n for n in expected | actual if expected.get(n) != actual.get(n)):
        raise ModelError(f"{folder / changed[0]}: {_CHANGED}")
    return ModelMetadata.from_json(document, path)


def _read_metadata(path: Path) -> dict[str, Any]:
    try:
        return parse_object(read_model(path))
    except ValueError as error:
        raise ModelError(f"{path}: damaged metadata ({error})") from error


def _own_checksum(document: dict[str, Any]) -> str:
    return sha256_of(json.dumps(document, sort_keys=True).encode())


def _checksums(folder: Path) -> dict[str, str]:
    files = [path for path in model_files(folder) if path != folder / METADATA_NAME]
    return {file.relative_to(folder).as_posix(): sha256_of_file(file) for file in files}


def model_files(folder: Path) -> list[Path]:
    """Return the files below a folder, sorted.

    Raises:
        ModelError: If there are links, or more or larger files than models have.
    """
    paths: list[Path] = []
    for path in folder.rglob("*"):
        paths.append(path)
        if len(paths) > MAX_FOLDER_FILES:
            raise ModelError(f"{folder}: holds more than {MAX_FOLDER_FILES:,} files")
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ModelError(f"{folder}: {path.name} is a link, or no file")
    files = sorted(path for path in paths if path.is_file())
    if sum(file.stat().st_size for file in files) > MAX_FOLDER_BYTES:
        raise ModelError(f"{folder}: larger than the allowed {MAX_FOLDER_BYTES >> 20} MiB")
    return files


def read_model(path: Path, max_bytes: int = MAX_MODEL_BYTES) -> bytes:
    """Read a model file.

    Raises:
        ModelError: If it is missing, no regular file, or too large.
        EnvironmentFailure: If it cannot be read.
    """
    if path.exists() and not path.is_file():
        raise ModelError(f"{path}: expected a file")
    if path.exists() and path.stat().st_size > max_bytes:
        raise ModelError(f"{path}: larger than the allowed {max_bytes >> 20} MiB")
    return read_bytes(path, missing=ModelError(f"{path}: no such model file"))
