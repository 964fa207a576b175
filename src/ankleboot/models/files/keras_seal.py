"""Seal of a `.keras` file: its metadata as the comment of the zip archive.

Keras ignores the comment, so the file opens everywhere (`unzip -z model.keras` shows it). A file
that is copied out of its run folder keeps its labels, image spec, split and temperature, and every
byte before the comment is covered by `model_sha256`, the hash of the file as Keras wrote it.
"""

import json
from dataclasses import replace
from pathlib import Path

from ankleboot.core.errors import ModelError
from ankleboot.core.files import sha256_of
from ankleboot.models.files.checksums import MAX_FOLDER_BYTES, read_model
from ankleboot.models.files.metadata import ModelMetadata

END_RECORD = b"PK\x05\x06"  # of a zip archive; 22 bytes with the length of the comment, and that
END_BYTES = 22
PREFIX = b"ankleboot "  # of our comments
MAX_COMMENT_BYTES = 65_535


def sealed(content: bytes, info: ModelMetadata) -> bytes:
    """Return a `.keras` file with its metadata; a seal that it has is replaced.

    A file with more labels than a comment holds (about 3,000) stays without a seal.
    """
    body, _ = split_seal(content)
    info = replace(info, model_sha256=sha256_of(body))
    text = json.dumps(info.to_json(), sort_keys=True).encode()
    comment = PREFIX + sha256_of(text).encode() + b" " + text
    if len(comment) > MAX_COMMENT_BYTES:
        return body
    return body[:-2] + len(comment).to_bytes(2, "little") + comment


def read_seal(path: Path) -> ModelMetadata | None:
    """Read the metadata of a `.keras` file after verifying it; None if the file has no seal.

    Raises:
        ModelError: If the file or its seal is damaged.
    """
    body, comment = split_seal(read_model(path, MAX_FOLDER_BYTES))
    if not comment:
        return None
    digest, _, text = comment.removeprefix(PREFIX).partition(b" ")
    if sha256_of(text).encode() != digest:
        raise ModelError(f"{path}: damaged metadata (its SHA-256 is not the stored one)")
    info = ModelMetadata.from_text(text, path)
    if info.model_sha256 != sha256_of(body):
        raise ModelError(f"{path}: damaged: its SHA-256 is not the stored one")
    return info


def model_sha256(path: Path) -> str:
    """Return the hash of a model file; of a `.keras` file as Keras wrote it, without our seal."""
    content = read_model(path, MAX_FOLDER_BYTES)
    return sha256_of(split_seal(content)[0] if path.suffix == ".keras" else content)


def split_seal(content: bytes) -> tuple[bytes, bytes]:
    """Divide a file into the archive as Keras wrote it, and our comment or b""."""
    start = content.rfind(END_RECORD, -END_BYTES - MAX_COMMENT_BYTES)
    end = start + END_BYTES
    if start < 0 or not content.startswith(PREFIX, end):
        return content, b""
    return content[: end - 2] + bytes(2), content[end:]
