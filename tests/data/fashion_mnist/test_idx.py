"""Bad bytes (rows D1-D8, D17-D19 of the failure list): refused with the reason in words."""

import gzip
import struct
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankleboot.core.errors import DataError
from ankleboot.core.files import sha256_of
from ankleboot.data.fashion_mnist.idx import (
    IdxFile,
    diagnose,
    gunzip,
    parse,
    parse_images,
    parse_labels,
    verify,
)


def image_bytes(num: int = 3, magic: int = 2051, count: int | None = None, side: int = 28) -> bytes:
    header = struct.pack(">4I", magic, num if count is None else count, side, side)
    return header + bytes(index % 251 for index in range(num * side * side))


def label_bytes(labels: list[int], magic: int = 2049, count: int | None = None) -> bytes:
    return struct.pack(">2I", magic, len(labels) if count is None else count) + bytes(labels)


IMAGES = IdxFile("train-images-idx3-ubyte", 3, sha256_of(image_bytes()))
LABELS = IdxFile("train-labels-idx1-ubyte", 3, sha256_of(label_bytes([1, 2, 3])))


def test_images_are_read_row_by_row() -> None:
    images = parse_images(image_bytes(), "x")
    assert images.shape == (3, 28, 28)
    assert images[0, 0, :3].tolist() == [0, 1, 2]
    assert images[0, 1, 0] == 28
    assert images[1, 0, 0] == 784 % 251


@given(st.lists(st.integers(0, 9), max_size=50))
def test_labels_survive_the_format(labels: list[int]) -> None:
    assert parse_labels(label_bytes(labels), "x").tolist() == labels


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "only 0 bytes"),
        (image_bytes(magic=0), "not an IDX image file"),
        (label_bytes([1, 2, 3] * 9), "an IDX label file; are two swapped"),
        (image_bytes(count=4), "announces 4 items, which are 3152 bytes, but the file has 2368"),
        (image_bytes(count=2), "announces 2 items"),
        (image_bytes(count=2**31), "announces 2147483648 items"),
        (image_bytes(side=32), "28 x 28 pixels, the header has 32 x 32"),
        (
            b"<html>please log in to the hotel network</html>",
            "it begins with b'<html>please log in",
        ),
    ],
)
def test_bad_image_files_are_refused(raw: bytes, said: str) -> None:
    with pytest.raises(DataError, match="^x-images: ") as caught:
        parse(raw, replace(IMAGES, name="x-images"))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "file"),
    [(image_bytes(count=2**32 - 1), IMAGES), (label_bytes([1, 2, 3], count=2**32 - 1), LABELS)],
)
def test_a_header_alone_allocates_nothing(raw: bytes, file: IdxFile) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="the header announces 4294967295 items"):
            parse(raw, file)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("bad", [10, 77, 255])
def test_the_first_bad_label_is_named(bad: int) -> None:
    with pytest.raises(DataError, match=f"label 2 is {bad}"):
        parse(label_bytes([0, 9, bad, bad]), LABELS)


@pytest.mark.parametrize(
    ("raw", "wanted", "said"),
    [
        (image_bytes(5), IMAGES, "holds 5 items, expected 3; are train and t10k swapped"),
        (image_bytes()[:-1] + b"\xff", IMAGES, "plain MNIST has the same names"),
        (label_bytes([1, 2, 3]), IMAGES, "are two swapped"),
        (label_bytes([1, 2, 77]), LABELS, "label 2 is 77"),
    ],
)
def test_the_reason_and_both_hashes_are_given(raw: bytes, wanted: IdxFile, said: str) -> None:
    assert said in diagnose(raw, wanted)
    with pytest.raises(DataError) as caught:
        verify(raw, wanted, "here")
    assert sha256_of(raw) in str(caught.value) and wanted.sha256 in str(caught.value)


@pytest.mark.parametrize(
    ("packed", "said"),
    [
        (gzip.compress(bytes(100), mtime=0)[:-12], "truncated gzip data"),
        (gzip.compress(bytes(101), mtime=0), "more than the expected 100 bytes"),
        (gzip.compress(bytes(10_000_000), mtime=0), "more than the expected 100 bytes"),  # a bomb
        (gzip.compress(bytes(100), mtime=0) + b"garbage", "7 unexpected bytes"),
        (gzip.compress(bytes(60), mtime=0) + gzip.compress(bytes(40), mtime=0), "unexpected bytes"),
        (b"<html>captive portal</html>", "begins with b'<html>captive"),
    ],
)
def test_bad_gzip_data_is_refused(packed: bytes, said: str) -> None:
    with pytest.raises(DataError) as caught:
        gunzip(packed, 100, "here")
    assert said in str(caught.value)


@given(st.binary(max_size=300), st.integers(0, 9))
def test_any_content_comes_back_from_any_compression(content: bytes, level: int) -> None:
    assert gunzip(gzip.compress(content, level, mtime=0), len(content), "x") == content


@given(st.binary(max_size=64))
def test_any_bytes_are_parsed_or_refused_in_one_way(raw: bytes) -> None:
    for view in (parse_images, parse_labels):
        try:
            view(raw, "x")
        except DataError:
            continue


def test_the_declared_size_is_that_of_the_file() -> None:
    assert IMAGES.num_bytes == len(image_bytes())
    assert LABELS.num_bytes == len(label_bytes([1, 2, 3]))


def test_parsing_copies_nothing() -> None:
    raw = image_bytes()
    assert np.shares_memory(parse_images(raw, "x"), np.frombuffer(raw, np.uint8))
