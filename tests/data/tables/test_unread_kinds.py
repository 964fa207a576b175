"""Files of kinds that are not read are named as what they are."""

from pathlib import Path

import pytest

from ankleboot.core.errors import UsageError
from ankleboot.data.tables.sources import read_source


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.rar", b"Rar!\x1a\x07", "a RAR archive, which is not read; unpack it and name"),
        ("r.zip", b"Rar!\x1a\x07", "a RAR archive"),
        ("t.tgz", b"\x1f\x8b", r"a tar archive.*tar -xf"),
        ("t.zip", b"\x1f\x8b", "packed with gzip"),
        ("t.csv.gz", b"\x1f\x8b", "packed with gzip"),
        ("l.xlsx", b"PK\x03\x04", r"a spreadsheet.*save it as .csv with the columns path and"),
        ("l.csv", b"\xd0\xcf\x11\xe0", "an Excel file"),
        ("l.db", b"SQLite format 3\0", "an SQLite database"),
        ("l.json", b"[]", r"JSON in one piece.*as .jsonl"),
        ("x.npy", b"\x93NUMPY", r"one array.*numpy.savez"),
        ("pets.lnk", b"", "a shortcut of Windows"),
        ("x.foo", b"", "expected a folder, or a file"),
    ],
)
def test_other_kinds_are_named_with_what_to_do(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_source(tmp_path / name)
