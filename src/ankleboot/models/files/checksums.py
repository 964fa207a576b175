"""Model files that describe and check themselves.

Seven in ten single-bit flips of a `.tflite` load and silently change its answers. So every file
that `export` writes carries its description (`ModelInfo`) and a SHA-256 of the rest, in a place
that the format's own runtimes ignore, and nothing is run before the hash fits:

.tflite  a zip archive behind the flatbuffer with labels.txt and ankleboot.json, which is how
         TensorFlow Lite packs associated files (`unzip model.tflite` shows them)
.onnx    entries of `metadata_props`; the last one, appended, is the hash of all before it
folders  ankleboot.json with the hash of every other file, and of itself

The hash guards against damage, not against forgery: whoever writes a file can seal it.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from ankleboot.core.errors import ModelError
from ankleboot.core.files import DAMAGED_ZIP, sha256_of, sha256_of_file, write_json
from ankleboot.models.files.metadata import ModelMetadata

INFO_NAME = "ankleboot.json"
LABELS_NAME = "labels.txt"
ONNX_KEY = "ankleboot"  # of the description among an ONNX file's metadata_props
MAX_INFO_BYTES = 1_000_000  # of a description; ours have 600, more with many classes
MAX_BYTES = 200 * 2**20  # of a model file; ours are below two MB
_NOT_OURS = "has no seal of Ankleboot; make model files with ankleboot export"


def add_tflite_checksum(flatbuffer: bytes, info: ModelMetadata) -> bytes:
    """Append labels, description and checksum; equal content gives equal bytes."""
    document = info.to_json() | {"bytes": len(flatbuffer), "sha256": sha256_of(flatbuffer)}
    labels = "\n".join(info.labels) + "\n"
    return _pack(flatbuffer, labels.encode(), json.dumps(document).encode())


def _pack(flatbuffer: bytes, labels: bytes, description: bytes) -> bytes:
    packed = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_STORED) as archive:
        for name, content in ((LABELS_NAME, labels), (INFO_NAME, description)):
            entry = zipfile.ZipInfo(name)  # dated 1980: the bytes depend on no clock
            entry.create_system = 3  # the same bytes on every system
            archive.writestr(entry, content)
    return packed.getvalue()


def read_verified_tflite(path: Path) -> tuple[bytes, ModelMetadata]:
    """Return the checked flatbuffer and its description.

    The check packs the stored bytes again, so it depends on no field of `ModelInfo`.

    Raises:
        ModelError: If the file is missing, damaged or not sealed.
    """
    content = _read(path)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in (LABELS_NAME, INFO_NAME):
                if archive.getinfo(name).file_size > MAX_INFO_BYTES:
                    raise ModelError(f"{path}: {name} is larger than {MAX_INFO_BYTES:,} bytes")
            labels, description = archive.read(LABELS_NAME), archive.read(INFO_NAME)
        document = json.loads(description)
        size = document.pop("bytes")
        digest = document.pop("sha256")
        flatbuffer = content[:size]
    except (*DAMAGED_ZIP, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: damaged, or {_NOT_OURS}") from error
    info = ModelMetadata.from_json(document, path)
    if digest != sha256_of(flatbuffer) or content != _pack(flatbuffer, labels, description):
        raise ModelError(f"{path}: damaged, not the bytes that were written (sha256)")
    return flatbuffer, info


def add_onnx_checksum(content: bytes) -> bytes:
    """Append the hash, as one more entry of `metadata_props`.

    Source: Protocol Buffers encoding, "Last One Wins" and repeated fields: bytes of a message may
    be appended to another of its kind, https://protobuf.dev/programming-guides/encoding/
    """
    return content + _ONNX_PREFIX + sha256_of(content).encode()


def read_verified_onnx(path: Path) -> bytes:
    """Return the checked file; its description is in the metadata, under `ONNX_KEY`.

    Raises:
        ModelError: If the file is missing, damaged or not sealed.
    """
    content = _read(path)
    body, seal = content[:-_ONNX_SEAL_BYTES], content[-_ONNX_SEAL_BYTES:]
    if not seal.startswith(_ONNX_PREFIX):
        raise ModelError(f"{path}: damaged, or {_NOT_OURS}")
    if content != add_onnx_checksum(body):
        raise ModelError(f"{path}: damaged, not the bytes that were written (sha256)")
    return content


def _field(number: int, content: bytes, size: int) -> bytes:
    """A length-delimited field of a protobuf message; `size` counts bytes still to be appended."""
    return bytes([number << 3 | 2, len(content) + size]) + content


_HASH_DIGITS = 64
_ENTRY = _field(1, b"ankleboot.sha256", 0) + _field(2, b"", _HASH_DIGITS)
_ONNX_PREFIX = _field(14, _ENTRY, _HASH_DIGITS)  # ModelProto.metadata_props
_ONNX_SEAL_BYTES = len(_ONNX_PREFIX) + _HASH_DIGITS


def add_folder_checksums(folder: Path, info: ModelMetadata) -> None:
    """Write the description and the hash of every file below `folder`."""
    document = info.to_json() | {"files": _hashes(folder)}
    write_json(folder / INFO_NAME, document | {"sha256": _own_hash(document)})


def read_verified_folder(folder: Path) -> ModelMetadata:
    """Return the description of a folder after checking every file.

    Raises:
        ModelError: If a file is missing, changed or too many, or the folder is not sealed.
    """
    path = folder / INFO_NAME
    if not path.is_file():
        raise ModelError(f"{folder}: {_NOT_OURS}")
    try:
        document = json.loads(path.read_bytes())
        digest = document.pop("sha256")
        if digest != _own_hash(document):
            raise ValueError("sha256")
        expected = dict(document.pop("files"))
        found = _hashes(folder)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelError(f"{path}: damaged description ({error})") from error
    if changed := sorted(n for n in expected | found if expected.get(n) != found.get(n)):
        raise ModelError(f"{folder / changed[0]}: not the file that was written (sha256)")
    return ModelMetadata.from_json(document, path)


def _own_hash(document: dict[str, Any]) -> str:
    return sha256_of(json.dumps(document, sort_keys=True).encode())


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p != folder / INFO_NAME)
    return {file.relative_to(folder).as_posix(): sha256_of_file(file) for file in files}


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path}: larger than the allowed {MAX_BYTES >> 20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
