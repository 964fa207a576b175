"""CSV files of pixels: where the label is, and the order of the pixels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.errors import DataError
from ankleboot.data.tables.pixel_csv import find_pixels, read_pixel_csv

NUM, SIDE = 12, 5
NAMES = [f"pixel{i}" for i in range(SIDE * SIDE)]


def images() -> np.ndarray:
    """Images of which the first and last column are no labels."""
    rng = np.random.default_rng(0)
    return rng.integers(2, 256, (NUM, SIDE * SIDE)).astype(np.uint8)


def write(
    path: Path, header: list[str] | None, rows: Sequence[Sequence[object]], **options: str
) -> Path:
    lines = [*([header] if header else []), *rows]
    text = "".join(",".join(map(str, line)) + "\n" for line in lines)
    path.write_text(text, **options)
    return path


def rows(pixels: np.ndarray, *, last: bool = False, text: bool = False) -> list[list[object]]:
    labels = [f"c{i % 3}" if text else i % 3 for i in range(NUM)]
    both = zip(pixels.tolist(), labels, strict=True)
    return [[*row, label] if last else [label, *row] for row, label in both]


def check(path: Path, pixels: np.ndarray, text: bool = False) -> list[str]:
    parts, notes = read_pixel_csv(path)
    assert np.array_equal(parts["train"].images, pixels.reshape(NUM, SIDE, SIDE))
    assert list(parts["train"].labels) == [f"c{i % 3}" if text else f"{i % 3}" for i in range(NUM)]
    return notes


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_a_file_without_header_has_its_label_first_or_last(
    last: bool, text: bool, tmp_path: Path
) -> None:
    path = write(tmp_path / "d.csv", None, rows(images(), last=last, text=text))
    place = "last" if last else "first"
    assert check(path, images(), text) == [f"no header; the {place} column is the label"]


def test_a_file_without_header_may_be_refused_but_is_not_guessed(tmp_path: Path) -> None:
    pixels = images()
    pixels[:, 0] = np.arange(NUM) % 2
    path = write(tmp_path / "d.csv", None, rows(pixels, last=True))
    with pytest.raises(DataError, match="first and the last column may both be the label; write"):
        read_pixel_csv(path)
    assert check(write(path, [*NAMES, "label"], rows(pixels, last=True)), pixels) == []


def test_pixels_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    order = sorted(range(SIDE * SIDE), key=str)  # pixel0, pixel1, pixel10, pixel11, ..., pixel2
    header = ["label", *(NAMES[i] for i in order)]
    path = write(tmp_path / "d.csv", header, rows(images()[:, order]))
    assert check(path, images()) == ["columns of pixels sorted by their numbers"]


def test_names_of_rows_and_columns_are_sorted_by_both(tmp_path: Path) -> None:
    header = [f"{i}x{j}" for j in range(1, 6) for i in range(1, 6)]
    pixels = images().reshape(NUM, SIDE, SIDE)
    path = write(
        tmp_path / "d.csv", ["label", *header], rows(pixels.swapaxes(1, 2).reshape(NUM, -1))
    )
    check(path, images())


def test_fractions_and_black_and_white_are_scaled(tmp_path: Path) -> None:
    unit = np.array([[f"{v / 255:.6f}" for v in row] for row in images().tolist()])
    path = write(tmp_path / "d.csv", ["label", *NAMES], rows(unit))
    assert check(path, images()) == ["values from 0 to 1, multiplied by 255"]
    check(write(path, None, rows(unit)), images())
    path = write(path, ["label", *NAMES], rows(images() % 2))
    assert check(path, images() % 2 * 255) == ["values 0 and 1, multiplied by 255"]


def test_quotes_and_utf_16_are_read(tmp_path: Path) -> None:
    table = [['"c,d"' if row[0] == 1 else row[0], *row[1:]] for row in rows(images())]
    path = write(tmp_path / "d.csv", ["label", *NAMES], table, encoding="utf-16")
    parts, _ = read_pixel_csv(path)
    assert set(parts["train"].labels) == {"0", "c,d", "2"}


@pytest.mark.filterwarnings("error")
def test_empty_lines_do_not_count(tmp_path: Path) -> None:
    path = write(tmp_path / "d.csv", ["label", *NAMES], rows(images(), text=True))
    path.write_text(path.read_text().replace("\n", "\n\n"))
    assert check(path, images(), text=True) == []


def test_a_first_line_that_pandas_numbered_is_a_row(tmp_path: Path) -> None:
    first = ["0", *(f"0.{i}" for i in range(1, SIDE * SIDE + 1))]
    path = write(tmp_path / "d.csv", first, rows(images()))
    parts, notes = read_pixel_csv(path)
    assert len(parts["train"].images) == NUM + 1
    assert notes[1] == "the first line is a row, in which pandas numbered equal values"


def test_features_of_images_are_no_pixels(tmp_path: Path) -> None:
    table = [[f"{i}.jpg", *row] for i, row in enumerate(rows(images()))]
    path = write(tmp_path / "d.csv", ["filename", "label", *(f"p{i}" for i in range(25))], table)
    assert find_pixels(path) is None


def test_columns_of_colors_are_one_channel_after_the_other(tmp_path: Path) -> None:
    ramp = np.add.outer(np.arange(SIDE), np.arange(SIDE)) * 10
    planes = np.concatenate([ramp.ravel(), 200 - ramp.ravel(), np.full(SIDE * SIDE, 128)])
    pixels = (planes[None] + np.arange(NUM)[:, None]).astype(np.uint8)
    header = [f"{color}{i}" for color in "rgb" for i in range(SIDE * SIDE)]
    parts, _ = read_pixel_csv(write(tmp_path / "d.csv", ["label", *header], rows(pixels)))
    expected = np.moveaxis(pixels.reshape(NUM, 3, SIDE, SIDE), 1, -1)
    assert np.array_equal(parts["train"].images, expected)


def test_pixels_in_one_cell_and_a_column_of_splits_are_read(tmp_path: Path) -> None:
    usage = ["Training", "PublicTest", "PrivateTest"]
    table = [
        [f"c{i % 2}", " ".join(map(str, row)), usage[i % 3]]
        for i, row in enumerate(images().tolist())
    ]
    path = write(tmp_path / "d.csv", ["emotion", "pixels", "Usage"], table)
    parts, notes = read_pixel_csv(path)
    assert np.array_equal(parts["train"].images, images()[::3].reshape(-1, SIDE, SIDE))
    assert (len(parts["train"].labels), len(parts["test"].labels)) == (4, 8)
    assert notes == [
        "column 'emotion' taken as the label",
        "splits from column 'Usage': PrivateTest as test, PublicTest as test, Training as train",
    ]


def test_columns_beside_the_pixels_are_used_or_named(tmp_path: Path) -> None:
    table = [[i, *row] for i, row in enumerate(rows(images()))]
    path = write(tmp_path / "d.csv", ["id", "label", *NAMES], table)
    assert check(path, images()) == ["columns not used: id"]
    path = write(path, ["id", "what", *NAMES], table)
    assert read_pixel_csv(path) == (
        {}, ["expected a column label beside the pixels, found id, what"]
    )  # fmt: skip
    path = write(path, ["split", "label", *NAMES], table)
    with pytest.raises(DataError, match="column 'split' has '0', '1'"):
        read_pixel_csv(path)
