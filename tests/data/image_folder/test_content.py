"""Bytes and pixels of images: hashed, and decoded as they were hashed."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ankleboot.core.errors import DataError
from ankleboot.data.image_folder.content import (
    ChangedFileError,
    decode_hashed,
    hash_images,
    read_hashed,
    reason_of,
)
from ankleboot.data.image_folder.listing import ImageFile

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 4, 3), dtype=np.uint8)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def row(content: bytes | np.ndarray) -> ImageFile:
    """An image in a table."""
    return ImageFile(Path("table.parquet"), "row 3", "train", "cat", content=content)


def hashed(image: ImageFile) -> ImageFile:
    (result,) = hash_images([image])
    return result


def test_a_file_and_a_cell_of_equal_bytes_have_the_hash_of_the_bytes(tmp_path: Path) -> None:
    content = png(PIXELS)
    (tmp_path / "a.png").write_bytes(content)
    for image in (ImageFile(tmp_path / "a.png", "a.png", "train", "cat"), row(content)):
        expected = replace(
            image, sha256=hashlib.sha256(content).hexdigest(), num_bytes=len(content)
        )
        assert hashed(image) == expected
        np.testing.assert_array_equal(decode_hashed(hashed(image)), PIXELS)


def test_pixels_have_one_hash_whatever_their_order_in_memory() -> None:
    first, turned = hashed(row(PIXELS)), hashed(row(np.asfortranarray(PIXELS)))
    assert first == turned and first.name == "row 3"
    assert len(first.sha256) == 64 and first.num_bytes == PIXELS.size
    others = [PIXELS.reshape(4, 6, 3), PIXELS[..., 0], PIXELS.reshape(6, 12), PIXELS ^ 1]
    assert len({first.sha256, *(hashed(row(other)).sha256 for other in others)}) == 5


def test_pixels_of_a_table_become_colors() -> None:
    np.testing.assert_array_equal(decode_hashed(row(PIXELS)), PIXELS)
    gray = PIXELS[..., 1]
    np.testing.assert_array_equal(decode_hashed(row(gray)), np.stack([gray, gray, gray], axis=-1))


def test_an_image_that_is_no_file_is_a_fault_with_a_reason(tmp_path: Path) -> None:
    folder = ImageFile(tmp_path, "pets", "train", "cat")
    assert hashed(folder).fault.startswith("no images in this folder")
    gone = hashed(ImageFile(tmp_path / "gone.png", "gone.png", "train", "cat"))
    assert (gone.fault, gone.sha256) == ("no such file", "")


def test_a_file_with_other_bytes_than_were_hashed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(PIXELS))
    file = hashed(ImageFile(path, "a.png", "train", "cat"))
    assert read_hashed(file) == png(PIXELS)
    path.write_bytes(png(PIXELS ^ 1))
    with pytest.raises(ChangedFileError, match=f"^{path}: changed while it was read; run the comm"):
        read_hashed(file)
    path.unlink()
    with pytest.raises(ChangedFileError, match=f"^{path}: no such file, though it was there at"):
        decode_hashed(file)


def test_a_reason_stands_without_the_name_of_the_file_or_row(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"")
    for image in (ImageFile(path, "cat/a.png", "train", "cat"), row(b"")):
        with pytest.raises(DataError) as caught:
            decode_hashed(hashed(image))
        assert reason_of(caught.value, image) == "an empty file"
