"""Files of kinds that are not read, and what to make of them, by their first bytes and suffix."""

from pathlib import Path

from ankleboot.core.errors import UsageError

_UNPACK = "unpack it and name the folder"
_SAVE = "save it as .csv with the columns path and label"
_ARRAYS = "save images and labels with numpy.savez as x_train and y_train"
_IMAGES = "name a folder of images with their suffixes (.jpg, .png)"
_KINDS = (
    (b"Rar!", ".rar", "a RAR archive", _UNPACK),
    (b"7z\xbc\xaf", ".7z", "a 7z archive", _UNPACK),
    (b"", ".tar .tar.gz .tgz .tar.bz2 .tbz .tar.xz .txz", "a tar archive",
     "unpack it (tar -xf) and name the folder"),
    (b"\x1f\x8b", ".gz", "packed with gzip", "unpack it (gunzip; tar -xf for a tar archive)"),
    (b"BZh9", ".bz2", "packed with bzip2", "unpack it (bunzip2; tar -xf for a tar archive)"),
    (b"\xfd7zXZ", ".xz", "packed with xz", "unpack it (unxz; tar -xf for a tar archive)"),
    (b"SQLite format 3", ".db .sqlite .sqlite3", "an SQLite database", _SAVE),
    (b"\xd0\xcf\x11\xe0", ".xls", "an Excel file", _SAVE),
    (b"", ".xlsx .xlsm .ods .numbers", "a spreadsheet", _SAVE),
    (b"ARROW1", ".arrow .feather", "an Arrow file", "save it as .parquet"),
    (b"\x93NUMPY", ".npy", "one array", _ARRAYS),
    (b"\x89HDF", ".h5 .hdf5", "an HDF5 file", _ARRAYS),
    (b"MATLAB", ".mat", "a MATLAB file", _ARRAYS),
    ((b"\x80\x02}", b"\x80\x03}", b"\x80\x04\x95"), ".pkl .pickle .pt .pth",
     "a Python pickle (it can run code)", _ARRAYS),
    (b"", ".tfrecord .tfrecords", "a TFRecord file", "save the images as files, in folders"),
    (b"", ".json", "JSON in one piece", "save one object a line, with path and label, as .jsonl"),
    (b"\xff\xd8\xff", "", "a JPEG image (alone, or without a suffix)", _IMAGES),
    (b"\x89PNG", "", "a PNG image (alone, or without a suffix)", _IMAGES),
    (b"", ".xml", "XML", _SAVE),
    (b"L\0\0\0\x01\x14\x02\0", ".lnk", "a shortcut of Windows", "name what it leads to"),
)  # fmt: skip
"""First bytes, suffixes, name and advice; the first that fits counts."""


def check_kind(path: Path) -> None:
    """Refuse a file of a kind that is known and not read.

    Raises:
        UsageError: With what the file is, and what to do.
    """
    kind = kind_of(path)
    if kind is not None:
        raise UsageError(f"--data {path}: {kind[0]}, which is not read; {kind[1]}")


def kind_of(path: Path) -> tuple[str, str] | None:
    """Return what a file is, and what to do with it; None if it is no such kind."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        head = b""  # reading reports it
    name = path.name.lower()
    for magic, suffixes, kind, advice in _KINDS:
        if name.endswith(tuple(suffixes.split())) or (magic and head.startswith(magic)):
            return kind, advice
    return None
