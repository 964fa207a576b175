"""Files and folders as people have them: what each is, and the images in it.

a folder          IDX files, Parquet files, tables of pixels, metadata.csv, or folders of classes
.csv .tsv .txt    columns path and label, or label and a column for each pixel
.jsonl .parquet   columns path or image bytes, and label
.npz              arrays x_train, y_train, x_test, y_test, or images and labels
.zip              any of these
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ankleboot.core.errors import DataError, UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.data.fashion_mnist.load import has_idx_files
from ankleboot.data.fashion_mnist.recognize import recognize
from ankleboot.data.image_folder.layout import UNLABELED
from ankleboot.data.image_folder.listing import ImageListing
from ankleboot.data.image_folder.scan import scan_folder
from ankleboot.data.image_folder.split_names import split_of
from ankleboot.data.tables.archive import unpack
from ankleboot.data.tables.arrays import (
    ArrayPart,
    list_arrays,
    pixel_columns,
    read_npz,
    read_pixel_csv,
)
from ankleboot.data.tables.idx_files import name_classes, read_idx_files
from ankleboot.data.tables.parquet import read_parquet
from ankleboot.data.tables.rows import Part, list_rows
from ankleboot.data.tables.table import (
    SNIFFED_CHARS,
    Table,
    find_delimiter,
    read_csv,
    read_json_lines,
)

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
SUFFIXES = (*CSV_SUFFIXES, ".jsonl", ".parquet", ".npz", ".zip")
EXPECTED = f"a folder, or a file ({' '.join(SUFFIXES)})"
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""Tables that Hugging Face's imagefolder keeps beside the images."""


@dataclass(frozen=True)
class Source:
    """Content of a path: a known data set or a listing."""

    dataset: Dataset | None = None
    listing: ImageListing | None = None


def read_source(path: Path) -> Source:
    """Find out what a file or folder is, and list its images.

    Raises:
        DataError: If its content is wrong.
        EnvironmentFailure: If reading it needs a package that is not installed.
        UsageError: If it is a file of another kind.
    """
    return _read_folder(path, None) if path.is_dir() else _read_file(path, None)


def holds_image_files(path: Path) -> bool:
    """Check if a file lists or holds image files, and not arrays of pixels."""
    suffix = path.suffix.lower()
    if suffix in CSV_SUFFIXES:
        return pixel_columns(_header(path)[0]) is None
    return suffix in (".jsonl", ".parquet", ".zip")


def is_table(path: Path) -> bool:
    """Check if a file has a suffix of this module's."""
    return path.is_file() and path.suffix.lower() in SUFFIXES


def _read_file(path: Path, within: Path | None) -> Source:
    suffix = path.suffix.lower()
    if suffix == ".zip":
        folder, notes = unpack(path)
        return _with_notes(_read_folder(folder, folder), notes)
    if suffix == ".npz":
        parts, notes = read_npz(path)
        return _arrays(path, parts, notes)
    if suffix in CSV_SUFFIXES:
        if (arrays := _read_pixels(path)) is not None:
            return _arrays(path, *arrays)
        return _rows(path, read_csv, within)
    if suffix == ".jsonl":
        return _rows(path, read_json_lines, within)
    if suffix == ".parquet":
        return _rows(path, read_parquet, within)
    if has_idx_files(path.parent) and path.is_file():
        return _idx(path.parent, path)
    raise UsageError(f"--data {path}: expected {EXPECTED}")


def _read_folder(folder: Path, within: Path | None) -> Source:
    """Read a folder; `within` is the folder of an archive, which its tables may not leave."""
    if has_idx_files(folder):
        return _idx(folder)
    if parquet := sorted([*folder.glob("*.parquet"), *folder.glob("data/*.parquet")]):
        return Source(listing=_shards(folder, parquet, within))
    if metadata := _metadata(folder):
        parts = [Part(_read_table(p), _split_of_folder(folder, p), within) for p in metadata]
        if all(part.table.find("label") for part in parts):
            return Source(listing=list_rows(folder, parts))
    inner = [path for path in folder.iterdir() if not path.name.startswith((".", "__"))]
    tables = [path for path in inner if is_table(path) and path.suffix.lower() != ".txt"]
    if tables and not any(path.is_dir() for path in inner):
        main = [path for path in tables if _role(path) in ("", "train")]
        if len(main) == 1:
            source = _read_file(main[0], within)
            return _with_notes(source, [f"read from {main[0].name} in it"])
        names = ", ".join(path.name for path in tables)
        raise DataError(f"{folder}: several tables ({names}); name one of them with --data")
    if within and len(inner) == 1 and inner[0].is_dir():  # archives often hold one folder
        return _read_folder(inner[0], within)
    listing = scan_folder(folder)
    if len(listing.class_names) == 1 and listing.class_names[0].lower() in UNLABELED and tables:
        raise DataError(
            f"{folder}: one folder of images, and {tables[0].name} beside it; name the table: "
            f"--data {tables[0]}"
        )
    return Source(listing=listing)


def _with_notes(source: Source, notes: list[str]) -> Source:
    if source.listing is None:
        return source
    return replace(source, listing=replace(source.listing, notes=(*notes, *source.listing.notes)))


def _role(path: Path) -> str:
    """Return the split that the name of a file says, "" for none."""
    return split_of(path.stem) or ""


def _siblings(path: Path) -> dict[str, Path]:
    """Return the files of the splits beside a file that is called train; itself for others.

    Raises:
        UsageError: If the file is called test, and one called train is beside it.
    """
    role = _role(path)
    if role in ("test", "validation"):
        train = _renamed(path, "test" if role == "test" else "val[a-z]*", "train")
        if train is not None:
            raise UsageError(f"--data {path}: the name says {role}; name {train}, which trains")
    if role != "train":
        return {"train": path}
    others = {"validation": ("validation", "valid", "val", "dev"), "test": ("test",)}
    found = {"train": path}
    for split, words in others.items():
        paths = (_renamed(path, "train(ing)?", word) for word in words)
        if other := next((p for p in paths if p is not None), None):
            found[split] = other
    return found


def _renamed(path: Path, pattern: str, word: str) -> Path | None:
    name = re.sub(pattern, word, path.name, count=1, flags=re.IGNORECASE)
    other = path.with_name(name)
    return other if name != path.name and other.is_file() else None


def _read_pixels(path: Path) -> tuple[dict[str, ArrayPart], list[str]] | None:
    """Read a CSV file of pixels, and those of the other splits beside it; None for other files."""
    header, delimiter = _header(path)
    if pixel_columns(header) is None:
        return None
    parts: dict[str, ArrayPart] = {}
    notes: list[str] = []
    for split, file in _siblings(path).items():
        part = read_pixel_csv(file, *_header(file))
        if part is None and split == "train":
            raise DataError(f"{file}: pixels without a column label")
        if part is None:
            notes.append(f"{file.name}: images without labels, left out")
            continue
        parts[split] = part
        if file != path:
            notes.append(f"{split} images from {file.name}")
    return parts, notes


def _header(path: Path) -> tuple[list[str], str]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            line = file.readline(SNIFFED_CHARS * 50).rstrip("\r\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    delimiter = find_delimiter(line)
    return [text.strip().strip('"') for text in line.split(delimiter)], delimiter


def _arrays(path: Path, parts: Mapping[str, ArrayPart], notes: list[str]) -> Source:
    known = _recognized(path, parts)
    listing = None if known else list_arrays(path, parts, _layout("arrays", parts), notes)
    return Source(known, listing)


def _idx(folder: Path, file: Path | None = None) -> Source:
    parts, notes = read_idx_files(folder, file)
    if (known := _recognized(folder, parts)) is not None:
        return Source(dataset=known)
    named, class_names, note = name_classes(parts, folder)
    listing = list_arrays(folder, named, _layout("IDX files", parts), [*notes, note])
    return Source(listing=replace(listing, class_names=class_names))


def _recognized(path: Path, parts: Mapping[str, ArrayPart]) -> Dataset | None:
    return recognize(path, {split: (part.images, part.labels) for split, part in parts.items()})


def _layout(kind: str, parts: Mapping[str, ArrayPart]) -> str:
    shape = " x ".join(map(str, parts["train"].images.shape[1:]))
    splits = ", ".join(f"{split} {len(part.labels):,}" for split, part in parts.items())
    return f"{kind} of {shape} pixels ({splits} images)"


def _rows(path: Path, read: Callable[[Path], Table], within: Path | None) -> Source:
    table = read(path)
    if table.find("split"):
        return Source(listing=list_rows(path, [Part(table, within=within)]))
    parts, notes = [], []
    for split, file in _siblings(path).items():
        other = table if file == path else read(file)
        if file != path and not other.find("label"):
            notes.append(f"{file.name}: images without labels, left out")
            continue
        alone = file == path and _role(path) != "train"
        parts.append(Part(other, "" if alone else split, within))
        if file != path:
            notes.append(f"{split} images from {file.name}")
    return _with_notes(Source(listing=list_rows(path, parts)), notes)


def _shards(folder: Path, files: list[Path], within: Path | None) -> ImageListing:
    """List the images of Parquet files, each of a split that its name says."""
    parts = []
    for file in files:
        split = split_of(re.split(r"-\d+-of-\d+$", file.stem)[0]) or ""
        if len(files) > 1 and not split:
            raise DataError(
                f"{file}: several Parquet files; their names must begin with train, validation "
                "or test"
            )
        parts.append(Part(read_parquet(file), split, within))
    return list_rows(folder, parts)


def _metadata(folder: Path) -> list[Path]:
    """Return the metadata files of Hugging Face's layout, in the folder or in its splits."""
    folders = [folder, *(p for p in sorted(folder.iterdir()) if p.is_dir() and split_of(p.name))]
    return [path / name for path in folders for name in METADATA if (path / name).is_file()]


def _read_table(path: Path) -> Table:
    readers = {".csv": read_csv, ".jsonl": read_json_lines, ".parquet": read_parquet}
    return readers[path.suffix](path)


def _split_of_folder(folder: Path, path: Path) -> str:
    return (split_of(path.parent.name) or "") if path.parent != folder else ""
