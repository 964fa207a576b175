"""Parsing and verification of IDX files (http://yann.lecun.com/exdb/mnist).

A file is identified by the SHA-256 of its *decompressed* bytes: mirrors recompress files, and plain
MNIST has the same names and shapes. `diagnose` describes the likely reason for another hash.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from ankleboot.core.errors import DataError
from ankleboot.core.files import sha256_of
from ankleboot.core.types import IMAGE_SIZE, NUM_CLASSES, Images, Labels

IMAGES_MAGIC, LABELS_MAGIC = 2051, 2049
IMAGES_HEADER, LABELS_HEADER = 16, 8  # bytes


@dataclass(frozen=True)
class IdxFile:
    """Expected file of a data set.

    Attributes:
        name: Name without ".gz".
        count: Number of images or labels.
        sha256: Hash of the decompressed bytes.
        gz_sha256: Hash of the compressed file as first published; others are accepted, too.
    """

    name: str
    count: int
    sha256: str
    gz_sha256: str = ""

    @property
    def holds_images(self) -> bool:
        return "images" in self.name

    @property
    def num_bytes(self) -> int:
        """Size of the decompressed file in bytes."""
        if self.holds_images:
            return IMAGES_HEADER + self.count * IMAGE_SIZE**2
        return LABELS_HEADER + self.count


def parse(raw: bytes, file: IdxFile) -> Images | Labels:
    """View the bytes of an IDX file as images of 28 x 28 pixels or labels from 0 to 9."""
    if not file.holds_images:
        labels = parse_labels(raw, file.name)
        if labels.size and labels.max() >= NUM_CLASSES:
            first = int(np.argmax(labels >= NUM_CLASSES))
            raise DataError(
                f"{file.name}: label {first} is {labels[first]}, expected 0 to {NUM_CLASSES - 1}"
            )
        return labels
    images = parse_images(raw, file.name)
    if images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE):
        rows, columns = images.shape[1:]
        raise DataError(
            f"{file.name}: expected images of 28 x 28 pixels, the header has {rows} x {columns}"
        )
    return images


def parse_images(raw: bytes, name: str) -> np.ndarray:
    """View the bytes of an IDX image file as a read-only array; refuse other magic or sizes."""
    count = _checked_count(raw, name, IMAGES_MAGIC, IMAGES_HEADER)
    _check_length(raw, name, count)
    rows, columns = np.frombuffer(raw, ">u4", count=2, offset=8).tolist()
    if not rows or not columns:
        raise DataError(f"{name}: images of {rows} x {columns} pixels")
    return np.frombuffer(raw, np.uint8, offset=IMAGES_HEADER).reshape(count, rows, columns)


def parse_labels(raw: bytes, name: str) -> Labels:
    """View the bytes of an IDX label file as an array."""
    count = _checked_count(raw, name, LABELS_MAGIC, LABELS_HEADER)
    _check_length(raw, name, count)
    return np.frombuffer(raw, np.uint8, offset=LABELS_HEADER)


def announced_bytes(head: bytes) -> int:
    """Return the size of the file that a valid header of 16 bytes announces."""
    magic, count, rows, columns = np.frombuffer(head, ">u4", count=4).tolist()
    if magic == IMAGES_MAGIC:
        return IMAGES_HEADER + int(count) * int(rows) * int(columns)
    return LABELS_HEADER + int(count)


def _checked_count(raw: bytes, name: str, magic: int, header: int) -> int:
    kind, other = ("image", "label") if magic == IMAGES_MAGIC else ("label", "image")
    if len(raw) < LABELS_HEADER:
        raise DataError(f"{name}: not an IDX {kind} file: only {len(raw)} bytes long")
    actual, count = np.frombuffer(raw, ">u4", count=2).tolist()
    if actual in (IMAGES_MAGIC, LABELS_MAGIC) and actual != magic:
        raise DataError(f"{name}: not an IDX {kind} file but an IDX {other} file; are two swapped?")
    if actual != magic:
        raise DataError(f"{name}: not an IDX {kind} file: it begins with {raw[:40]!r}")
    if len(raw) < header:
        raise DataError(f"{name}: truncated IDX {kind} file: only {len(raw)} bytes long")
    return int(count)


def _check_length(raw: bytes, name: str, count: int) -> None:
    expected = announced_bytes(raw[:IMAGES_HEADER].ljust(IMAGES_HEADER))
    if len(raw) != expected:
        raise DataError(
            f"{name}: the header announces {count} items, which are {expected} bytes, "
            f"but the file has {len(raw)}"
        )


def verify(raw: bytes, expected: IdxFile, origin: str) -> None:
    """Check that bytes are the content of the expected file.

    Raises:
        DataError: If they are not; the message has `origin`, both hashes and the likely reason.
    """
    if (actual := sha256_of(raw)) != expected.sha256:
        raise DataError(
            f"{origin}: {diagnose(raw, expected)} (sha256 {actual}, expected {expected.sha256})"
        )


def diagnose(raw: bytes, expected: IdxFile) -> str:
    """Describe why bytes are not the expected file."""
    try:
        count = len(parse(raw, expected))
    except DataError as error:
        return str(error).removeprefix(f"{expected.name}: ")
    if count != expected.count:
        return f"holds {count} items, expected {expected.count}; are train and t10k swapped?"
    return "other content of the right shape; plain MNIST has the same names and sizes"


def gunzip(packed: bytes, limit: int, origin: str) -> bytes:
    """Decompress one gzip member of at most `limit` bytes.

    Raises:
        DataError: If the data is damaged, larger than the limit, or followed by more bytes.
    """
    decompressor = zlib.decompressobj(wbits=31)  # 31: gzip header and checksum
    try:
        raw = decompressor.decompress(packed, limit + 1)
    except zlib.error as error:
        raise DataError(
            f"{origin}: damaged gzip data ({error}); it begins with {packed[:40]!r}"
        ) from error
    if len(raw) > limit:
        raise DataError(f"{origin}: unpacks to more than the expected {limit} bytes")
    if not decompressor.eof:
        raise DataError(
            f"{origin}: truncated gzip data, only {len(raw)} of {limit} bytes were unpacked"
        )
    if decompressor.unused_data:
        raise DataError(
            f"{origin}: {len(decompressor.unused_data)} unexpected bytes after the gzip data"
        )
    return raw
