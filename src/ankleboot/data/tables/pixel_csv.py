"""CSV files with a column for each pixel, with or without a header."""

import csv
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ankleboot.core.errors import DataError, first_line
from ankleboot.core.files import read_failure
from ankleboot.data.image_folder.listing import SPLIT_ORDER
from ankleboot.data.image_folder.report import join_names
from ankleboot.data.image_folder.split_names import split_of
from ankleboot.data.preprocessing.image_formats import SUFFIXES
from ankleboot.data.tables.arrays import ArrayPart, check_lengths, label_text
from ankleboot.data.tables.pixels import as_images
from ankleboot.data.tables.table import find_column, find_delimiter

MIN_PIXEL_COLUMNS = 16  # images of 4 x 4 pixels; fewer columns are a table of something else
MAX_LINE = 1_000_000  # characters that are read of a line, to understand it
_NAME = re.compile(r"(?P<word>pixel|pix|px|p|[rgb]|red|green|blue|)[ _-]?(?P<number>\d+)", re.I)
_PLACE = re.compile(r"(\d+)\s*x\s*(\d+)", re.I)


@dataclass(frozen=True)
class PixelColumns:
    """Columns of a CSV file of pixels.

    Attributes:
        pixels: Places of the pixels in the order of the image.
        others: Names of the other columns by place.
        delimiter: Delimiter of the fields.
        encoding: Encoding of the file.
        has_header: Whether the first line names the columns.
        in_one_cell: Whether one column holds all pixels, with blanks between them.
        header: Fields of the first line.
    """

    pixels: tuple[int, ...]
    others: dict[int, str]
    delimiter: str
    encoding: str
    has_header: bool
    header: tuple[str, ...]
    in_one_cell: bool = False


def find_pixels(path: Path) -> PixelColumns | None:
    """Find the columns of pixels; None if a CSV file has other columns.

    They are called pixel0 or pixel1 and so on, r0, g0 and b0, 1x1 to 28x28, or bare numbers, or
    have no names; or one cell holds all of them.

    Raises:
        EnvironmentFailure: If the file cannot be read.
    """
    encoding, delimiter, fields, first = _first_lines(path)
    whole = _unmangled(fields)
    if is_data(whole):
        texts = [i for i, text in enumerate(whole) if not _is_number(text)]
        others = {i: "" for i in texts} or {0: "", len(whole) - 1: ""}
        places = [i for i in range(len(whole)) if i not in others]
        return PixelColumns(tuple(places), others, delimiter, encoding, False, tuple(fields))
    keys = {i: key for i, text in enumerate(fields) if (key := _key(text)) is not None}
    cells = [i for i, text in enumerate(first[: len(fields)]) if _holds_pixels(text)]
    if len(cells) == 1 and len(fields) > 1:
        others = {i: text for i, text in enumerate(fields) if i not in cells}
        return PixelColumns(tuple(cells), others, delimiter, encoding, True, tuple(fields), True)
    if len(keys) < MIN_PIXEL_COLUMNS:
        return None
    others = {i: text for i, text in enumerate(fields) if i not in keys}
    names = [first[i] for i in others if i < len(first)]
    if any(Path(name).suffix.lower() in SUFFIXES for name in names):
        return None  # a table of images, with features of each
    words = list(dict.fromkeys(word for word, _ in keys.values()))
    pixels = sorted(keys, key=lambda i: (words.index(keys[i][0]), keys[i][1]))
    return PixelColumns(tuple(pixels), others, delimiter, encoding, True, tuple(fields))


def read_pixel_csv(path: Path) -> tuple[dict[str, ArrayPart], list[str]]:
    """Read a CSV file of pixels by split, all as training images if no column says it.

    Without a column of labels there are no images, and a note names the columns.

    Raises:
        DataError: If a value is no number from 0 to 255, or the rows differ in length.
    """
    columns = find_pixels(path)
    if columns is None:
        raise DataError(f"{path}: no columns of pixels")
    notes: list[str] = []
    try:
        place = _label_place(path, columns, notes)
        if place is None:
            return {}, notes
        values = _pixels(path, columns, place, notes)
        labels = [label_text(text) for text in _load(path, columns, (place,), str)[:, 0]]
        splits = _splits(path, columns, place, notes)
    except OSError as error:
        raise read_failure(path, error) from error
    except (ValueError, csv.Error) as error:
        raise DataError(
            f"{path}: expected a label and numbers from 0 to 255 ({first_line(error)})"
        ) from error
    whole = ArrayPart(as_images(values, str(path), notes), labels)
    check_lengths(whole, str(path))
    if splits is None:
        return {"train": whole}, notes
    rows = {split: np.flatnonzero(splits == split) for split in SPLIT_ORDER}
    return {
        split: ArrayPart(whole.images[places], [labels[i] for i in places])
        for split, places in rows.items()
        if len(places)
    }, notes


def is_data(fields: Sequence[str]) -> bool:
    """Check if the first row of a CSV file holds a label and pixels already."""
    numbers = [text for text in fields if _is_number(text)]
    if len(numbers) <= MIN_PIXEL_COLUMNS or len(numbers) < len(fields) - 1:
        return False
    if not all(text.isdecimal() for text in numbers):
        return True
    values = set(map(int, numbers))  # as names of columns they count up by one, in any order
    return len(values) < len(numbers) or max(values) - min(values) >= len(values)


def _first_lines(path: Path) -> tuple[str, str, list[str], list[str]]:
    """Return the encoding, the delimiter and the fields of the first two lines."""
    try:
        with path.open("rb") as binary:
            is_utf16 = binary.read(2) in (b"\xff\xfe", b"\xfe\xff")
        encoding = "utf-16" if is_utf16 else "utf-8-sig"
        with path.open(encoding=encoding, errors="replace") as file:
            lines = [file.readline(MAX_LINE).rstrip("\r\n") for _ in range(2)]
    except OSError as error:
        raise read_failure(path, error) from error
    except UnicodeError:
        lines = ["", ""]  # reading reports it
    delimiter = find_delimiter(lines[0])
    first, second = ([t.strip().strip('"') for t in line.split(delimiter)] for line in lines)
    return encoding, delimiter, first, second


def _unmangled(fields: list[str]) -> list[str]:
    """Undo the numbers that pandas adds to equal names (0, 0.1, 0.2), if all fields have them."""
    seen: Counter[str] = Counter()
    for text in fields:
        base, _, number = text.partition(".")
        if (number or "0") != str(seen[base]):
            return fields
        seen[base] += 1
    return [text.partition(".")[0] for text in fields]


def _key(text: str) -> tuple[str, tuple[int, ...]] | None:
    """Return the word and the numbers in the name of a column of pixels."""
    if match := _PLACE.fullmatch(text.strip()):
        return "", (int(match[1]), int(match[2]))
    if match := _NAME.fullmatch(text.strip()):
        return match["word"].lower(), (int(match["number"]),)
    return None


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text.strip()))


def _label_place(path: Path, columns: PixelColumns, notes: list[str]) -> int | None:
    """Find the column of labels by its name, as the only one that is left, or by its values."""
    if columns.has_header:
        names = list(columns.others.values())
        label, split = find_column(names, "label"), find_column(names, "split")
        rest = [name for name in names if name != split]
        if label is None and columns.in_one_cell and len(rest) == 1:
            label = rest[0]
            notes.append(f"column {label!r} taken as the label")
        if label is None and names:
            notes.append(f"expected a column label beside the pixels, found {join_names(names)}")
        return next((i for i, text in columns.others.items() if text == label), None)
    places = list(columns.others)
    place = places[0] if len(places) == 1 else _place_without_header(path, columns)
    notes.append(f"no header; the {'last' if place else 'first'} column is the label")
    if _unmangled(list(columns.header)) != list(columns.header):
        notes.append("the first line is a row, in which pandas numbered equal values")
    return place


def _place_without_header(path: Path, columns: PixelColumns) -> int:
    """Find the label in a file without header: the first column, or the last one."""
    places = tuple(columns.others)
    ends = _load(path, columns, places, str)
    values = [Counter(ends[:, i].tolist()) for i in range(len(places))]
    repeat = [len(counts) > 1 and min(counts.values()) > 1 for counts in values]
    whole = [all(text.isdecimal() for text in counts) for counts in values]
    dense = [
        ok and max(map(int, counts)) - min(map(int, counts)) + 1 == len(counts)
        for ok, counts in zip(whole, values, strict=True)
    ]
    likely = [a and b for a, b in zip(repeat, dense, strict=True)]
    if all(likely):
        raise DataError(
            f"{path}: no header, and the first and the last column may both be the label; write a "
            "header with the name label, and pixel0, pixel1 and so on"
        )
    if not any(likely):
        likely = repeat
    return places[1] if likely == [False, True] else places[0]


def _pixels(path: Path, columns: PixelColumns, label: int, notes: list[str]) -> np.ndarray:
    """Read the pixels of all rows, in the order of the image."""
    pixels = columns.pixels
    if columns.in_one_cell:
        cells = _load(path, columns, pixels, str)[:, 0]
        return np.array([np.array(cell.split(), np.float32) for cell in cells])
    if not columns.has_header:
        pixels = tuple(i for i in range(len(columns.header)) if i != label)
    elif list(pixels) != sorted(pixels):
        notes.append("columns of pixels sorted by their numbers")
    try:
        return _load(path, columns, pixels, np.int16)
    except ValueError:
        return _load(path, columns, pixels, np.float32)


def _splits(path: Path, columns: PixelColumns, label: int, notes: list[str]) -> np.ndarray | None:
    """Return the split of each row by a column; note the columns that are not used."""
    others = {i: text for i, text in columns.others.items() if i != label and text}
    name = find_column(list(others.values()), "split")
    place = next((i for i, text in others.items() if text == name), None)
    unused = [text for i, text in others.items() if i != place]
    if unused:
        notes.append(f"columns not used: {join_names(unused)}")
    if place is None:
        return None
    texts = _load(path, columns, (place,), str)[:, 0].tolist()
    words = {text: re.sub("(?<=[a-z])(?=[A-Z])", " ", text) for text in set(texts)}
    meanings = {text: split_of(word) or "" for text, word in words.items()}
    if unknown := sorted(text for text, split in meanings.items() if not split):
        raise DataError(f"{path}: column {name!r} has {join_names(list(map(repr, unknown)))}")
    shown = ", ".join(f"{text} as {split}" for text, split in sorted(meanings.items()))
    notes.append(f"splits from column {name!r}: {shown}")
    return np.array([meanings[text] for text in texts])


def _holds_pixels(text: str) -> bool:
    values = text.split()
    return len(values) >= MIN_PIXEL_COLUMNS and all(map(_is_number, values))


def _load(path: Path, columns: PixelColumns, places: Sequence[int], dtype: type) -> np.ndarray:
    """Read some columns; numpy does that fast."""
    with warnings.catch_warnings():  # about empty lines, which count nowhere
        warnings.simplefilter("ignore", UserWarning)
        return np.loadtxt(
        path, dtype, delimiter=columns.delimiter, skiprows=int(columns.has_header), usecols=places,
        ndmin=2, encoding=columns.encoding, comments=None, quotechar='"',
    )  # fmt: skip
