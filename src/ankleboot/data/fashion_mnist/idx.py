"""Read IDX files (http://yann.lecun.com/exdb/mnist, "the IDX file format") and say what is wrong.

A file is known by the SHA-256 of its *decompressed* bytes: mirrors recompress, and plain MNIST has
the same names and shapes. When the hash differs, `diagnose` finds the words for why.
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
    """One file of a data set as it must be.

    Attributes:
        name: Without ".gz".
        count: Number of images or labels.
        sha256: Of the decompressed bytes.
        gz_sha256: Of the compressed file as first published; other compressions are welcome.
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
        """Size of the decompressed file."""
        if self.holds_images:
            return IMAGES_HEADER + self.count * IMAGE_SIZE**2
        return LABELS_HEADER + self.count


def parse_images(raw: bytes, name: str) -> Images:
    """View the bytes of an IDX image file as an array (read-only, nothing is copied).

    Raises:
        DataError: If magic number, image size or length do not fit.
    """
    count = _checked_count(raw, name, IMAGES_MAGIC, IMAGES_HEADER)
    rows, columns = np.frombuffer(raw, ">u4", count=2, offset=8).tolist()
    if (rows, columns) != (IMAGE_SIZE, IMAGE_SIZE):
        raise DataError(
            f"{name}: expected images of 28 x 28 pixels, the header says {rows} x {columns}"
        )
    _check_length(raw, name, count, IMAGES_HEADER + count * IMAGE_SIZE**2)
    return np.frombuffer(raw, np.uint8, offset=IMAGES_HEADER).reshape(count, IMAGE_SIZE, IMAGE_SIZE)


def parse_labels(raw: bytes, name: str) -> Labels:
    """View the bytes of an IDX label file as an array.

    Raises:
        DataError: If magic number or length do not fit, or a label is not 0-9.
    """
    count = _checked_count(raw, name, LABELS_MAGIC, LABELS_HEADER)
    _check_length(raw, name, count, LABELS_HEADER + count)
    labels = np.frombuffer(raw, np.uint8, offset=LABELS_HEADER)
    if labels.size and labels.max() >= NUM_CLASSES:
        first = int(np.argmax(labels >= NUM_CLASSES))
        raise DataError(
            f"{name}: label {first} is {labels[first]}, expected 0 to {NUM_CLASSES - 1}"
        )
    return labels


def _checked_count(raw: bytes, name: str, magic: int, header: int) -> int:
    kind, other = ("image", "label") if magic == IMAGES_MAGIC else ("label", "image")
    if len(raw) < LABELS_HEADER:
        raise DataError(f"{name}: not an IDX {kind} file: only {len(raw)} bytes long")
    found, count = np.frombuffer(raw, ">u4", count=2).tolist()
    if found in (IMAGES_MAGIC, LABELS_MAGIC) and found != magic:
        raise DataError(f"{name}: not an IDX {kind} file but an IDX {other} file; are two swapped?")
    if found != magic:
        raise DataError(f"{name}: not an IDX {kind} file: it begins with {raw[:40]!r}")
    if len(raw) < header:
        raise DataError(f"{name}: truncated IDX {kind} file: only {len(raw)} bytes long")
    return int(count)


def _check_length(raw: bytes, name: str, count: int, expected: int) -> None:
    if len(raw) != expected:
        raise DataError(
            f"{name}: the header promises {count} items, that is {expected} bytes, "
            f"but the file has {len(raw)}"
        )


def verify(raw: bytes, wanted: IdxFile, origin: str) -> None:
    """Check that bytes are exactly the wanted file's content.

    Raises:
        DataError: Naming `origin`, both hashes, and the likeliest reason.
    """
    found = sha256_of(raw)
    if found != wanted.sha256:
        raise DataError(
            f"{origin}: {diagnose(raw, wanted)} (sha256 {found}, expected {wanted.sha256})"
        )


def diagnose(raw: bytes, wanted: IdxFile) -> str:
    """Say in words why bytes are not the wanted file."""
    try:
        parse = parse_images if wanted.holds_images else parse_labels
        count = len(parse(raw, wanted.name))
    except DataError as error:
        return str(error).removeprefix(f"{wanted.name}: ")
    if count != wanted.count:
        return f"holds {count} items, expected {wanted.count}; are train and t10k swapped?"
    return "other content of the right shape, plain MNIST perhaps: it has the same names and sizes"


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
        raise DataError(f"{origin}: truncated gzip data, only {len(raw)} of {limit} bytes came out")
    if decompressor.unused_data:
        raise DataError(
            f"{origin}: {len(decompressor.unused_data)} bytes of garbage after the gzip data"
        )
    return raw
