"""Files and folders as people have them: what each is, and the images in it.

a folder          IDX files, Parquet files, tables of pixels, metadata.csv, or folders of classes
.csv .tsv .txt    columns path and label, or label and a column for each pixel
.jsonl .parquet   columns path or image bytes, and label
.npz              arrays x_train, y_train, x_test, y_test, or images and labels
.zip              any of these
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ankleboot.core.errors import DataError, UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.data.fashion_mnist.load import has_idx_files
from ankleboot.data.fashion_mnist.recognize import recognize
from ankleboot.data.image_folder.listing import ImageListing
from ankleboot.data.label_file import is_label_file
from ankleboot.data.tables.archive import note_parts, places_of_archives, unpack
from ankleboot.data.tables.arrays import ArrayPart, list_arrays, read_npz
from ankleboot.data.tables.beside_images import (
    choose,
    examine,
    images_below,
    note_splits_beside,
    note_unused,
    scan_classes,
)
from ankleboot.data.tables.file_splits import files_of_splits, split_of_file
from ankleboot.data.tables.idx_files import name_classes, read_idx_files
from ankleboot.data.tables.label_names import name_labels
from ankleboot.data.tables.pixel_csv import find_pixels, read_pixel_csv
from ankleboot.data.tables.table_files import (
    METADATA,
    deep_parquet,
    list_parquet,
    list_split_tables,
    list_table,
)
from ankleboot.data.tables.unread_kinds import check_kind
from ankleboot.data.walk import IGNORED_FILES

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
SUFFIXES = (*CSV_SUFFIXES, ".jsonl", ".parquet", ".npz", ".zip")
EXPECTED = f"a folder, or a file ({' '.join(SUFFIXES)})"


@dataclass(frozen=True)
class Source:
    """Content of a path: a known data set or a listing; `files` are those that were read."""

    dataset: Dataset | None = None
    listing: ImageListing | None = None
    files: tuple[Path, ...] = ()


def read_source(path: Path) -> Source:
    """Find out what a file or folder is, and list its images.

    Raises:
        DataError: If its content is wrong.
        EnvironmentFailure: If reading it needs a package that is not installed.
        UsageError: If it is a file of another kind.
    """
    if path.is_dir():
        return _read_folder(path, None)
    source = _read_file(path, None)
    return _with_notes(source, note_splits_beside(path, source.files) if source.files else [])


def holds_image_files(path: Path) -> bool:
    """Check if a file lists or holds image files, and not arrays of pixels."""
    suffix = path.suffix.lower()
    if suffix in CSV_SUFFIXES:
        return find_pixels(path) is None
    return suffix in (".jsonl", ".parquet", ".zip")


def is_table(path: Path) -> bool:
    """Check if a file has a suffix of this module's."""
    return path.is_file() and path.suffix.lower() in SUFFIXES


def _read_file(path: Path, within: Path | None) -> Source:
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        check_kind(path)
    if suffix == ".zip":
        return _archives([file for files in files_of_splits(path).values() for file in files], path)
    if suffix == ".npz":
        return _array_files(path, read_npz)
    if suffix in CSV_SUFFIXES and find_pixels(path) is not None:
        return _array_files(path, read_pixel_csv)
    if suffix in SUFFIXES:
        return _table(path, within)
    if has_idx_files(path.parent) and path.is_file():
        return _idx(path.parent, path)
    check_kind(path)
    raise UsageError(f"--data {path}: expected {EXPECTED}")


def _read_folder(folder: Path, within: Path | None) -> Source:
    """Read a folder; `within` is the folder of an archive, which its tables may not leave."""
    if has_idx_files(folder):
        return _idx(folder)
    tables = _tables(folder)
    if found := list_split_tables(folder, within):
        source = Source(None, found[0], tuple(found[1]))
    elif not tables:
        source = _without_tables(folder, within)
    elif images := images_below(folder):
        source = _beside_images(folder, tables, images, within)
    else:
        source = _alone(folder, tables, within)
    if source.listing is None or not source.files:
        return source
    return _with_notes(source, note_unused(folder, source.listing, source.files))


def _without_tables(folder: Path, within: Path | None) -> Source:
    """Read folders of classes; else tables or Parquet files in folders of splits."""
    try:
        return Source(listing=scan_classes(folder))
    except DataError:
        if (source := _in_splits(folder, within)) is not None:
            return source
        raise


def _in_splits(folder: Path, within: Path | None) -> Source | None:
    if found := list_split_tables(folder, within, ()):
        return Source(None, found[0], tuple(found[1]))
    if files := deep_parquet(folder):
        return Source(listing=list_parquet(folder, files, within), files=tuple(files))
    return None


def _table(path: Path, within: Path | None) -> Source:
    listing, files = list_table(path, within)
    return Source(listing=listing, files=tuple(files))


def _tables(folder: Path) -> list[Path]:
    """List the tables and archives in a folder, and Hugging Face's Parquet files in data/."""
    paths = [*sorted(folder.iterdir()), *sorted(folder.glob("data/*.parquet"))]
    return [
        path
        for path in paths
        if is_table(path)
        and not path.name.startswith(".")
        and path.name.lower() not in IGNORED_FILES
        and not is_label_file(path)
    ]


def _inner_folder(folder: Path) -> Path | None:
    """Return the only folder in a folder, as archives often have it."""
    names = [p for p in folder.iterdir() if not p.name.startswith((".", "__"))]
    inner = [path for path in names if path.name.lower() not in IGNORED_FILES]
    return inner[0] if len(inner) == 1 and inner[0].is_dir() else None


def _alone(folder: Path, tables: list[Path], within: Path | None) -> Source:
    """Read a folder of tables or archives without images beside them."""
    tables = [path for path in tables if path.suffix.lower() != ".txt"]
    if not tables:
        return _without_tables(folder, within)
    parquet = [path for path in tables if path.suffix.lower() == ".parquet"]
    if parquet:
        listing = list_parquet(folder, parquet, within)
        return Source(listing=listing, files=tuple(parquet))
    if len(tables) > 1 and all(path.suffix.lower() == ".zip" for path in tables):
        return _archives(tables, folder)
    by_role = {role: [p for p in tables if split_of_file(p) == role] for role in ("train", "")}
    main = by_role["train"] or by_role[""]
    if len(main) != 1 and not (main and set(main) == set(files_of_splits(main[0])["train"])):
        names = ", ".join(path.name for path in tables)
        raise DataError(f"{folder}: several tables ({names}); name one of them with --data")
    return _with_notes(_read_file(main[0], within), [f"read from {main[0].name} in it"])


def _beside_images(
    folder: Path, tables: list[Path], images: list[Path], within: Path | None
) -> Source:
    """Read a folder of images with tables beside them: by a table, or by folders of classes."""
    mains = [p for p in tables if split_of_file(p) in ("", "train") or p.name in METADATA]
    candidates = [p for p in mains if p.suffix.lower() not in (".npz", ".zip")]
    found = [table for p in candidates if (table := examine(p, folder, images))]
    try:
        scanned: ImageListing | DataError = scan_classes(folder)
    except DataError as error:
        scanned = error
    path, notes = choose(folder, found, scanned)
    if path is not None:
        return _with_notes(_table(path, within), notes)
    if isinstance(scanned, ImageListing) and len(scanned.class_names) > 1:
        return _with_notes(Source(listing=scanned), notes)
    if not found and any(path.suffix.lower() != ".txt" for path in mains):
        return _alone(folder, tables, within)
    if isinstance(scanned, DataError):
        if (source := _in_splits(folder, within)) is not None:
            return source
        raise DataError("; ".join([str(scanned), *notes])) from scanned
    return _with_notes(Source(listing=scanned), notes)


def _with_notes(source: Source, notes: Iterable[str]) -> Source:
    if source.listing is None:
        return source
    return replace(source, listing=replace(source.listing, notes=(*notes, *source.listing.notes)))


def _archives(paths: list[Path], source: Path) -> Source:
    """Read archives as one folder."""
    places = places_of_archives(paths)
    folder, notes = unpack(places)
    inner = folder
    while (only := _inner_folder(inner)) is not None:
        inner = only
    try:
        read = _read_folder(inner, folder)
    except DataError as error:
        raise DataError(str(error).replace(str(folder), str(source))) from error
    if len(places) > 1:
        shown = ", ".join(f"{path.name} as {place or '.'}/" for path, place in places.items())
        notes.insert(0, f"archives read as one folder: {shown}")
    else:
        notes += note_parts(paths[0])
    return replace(_with_notes(read, notes), files=tuple(paths))


def _array_files(
    path: Path, read: Callable[[Path], tuple[dict[str, ArrayPart], list[str]]]
) -> Source:
    """Read a file of arrays, and those of the other splits beside it."""
    parts, notes = read(path)
    if "train" not in parts:
        why = "; ".join(notes) or f"found {', '.join(parts) or 'none'}"
        raise DataError(f"{path}: no training images with labels; {why}")
    used = [path]
    others = [(s, file) for s, files in files_of_splits(path).items() for file in files]
    for split, file in others:
        if file == path:
            continue
        used.append(file)
        if split in parts:
            notes.append(f"{file.name}: not used, as {split} images are in {path.name}")
            continue
        found, more = read(file)
        part = found.get(split, found.get("train"))
        if part is None:
            notes.append(f"{file.name}: images without labels, left out")
            continue
        parts[split] = part
        notes += [f"{split} images from {file.name}", *more]
    notes = list(dict.fromkeys(notes))
    known = _recognized(path, parts)
    if known is not None:
        return Source(known, files=tuple(used))
    listing = list_arrays(path, parts, _layout("arrays", parts), notes)
    return Source(listing=name_labels(listing, path), files=tuple(used))


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
