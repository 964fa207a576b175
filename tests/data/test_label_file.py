"""Label files: decisions survive kills, foreign tables survive us."""

import errno
import io
import os
from pathlib import Path
from typing import Any

import pytest

from ankleboot.core.errors import DataError, EnvironmentFailure, UsageError
from ankleboot.data.label_file import (
    COLUMNS,
    HEADER,
    Decision,
    open_label_file,
    parse_label_file,
    read_label_file,
)
from helpers.hostile import check_csv

LINES = (
    b"path,label,old_label,time\n"
    b"cat/1.png,dog,cat,2026-11-29T10:12:03+0000\n"
    b"cat/2.png,,cat,2026-11-29T10:12:05+0000\n"
)


def test_a_decision_is_in_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with open_label_file(path) as file:
        assert not path.exists()  # an opened page alone writes nothing
        file.append("cat/1.png", "dog", "cat")
        assert path.read_bytes().startswith(HEADER + b"cat/1.png,dog,cat,20")
        file.append('odd, "name".png', "", "cat")
    _, decisions = read_label_file(path)
    assert [(d.path, d.label, d.old_label) for d in decisions] == [
        ("cat/1.png", "dog", "cat"),
        ('odd, "name".png', "", "cat"),
    ]
    assert len(decisions[0].time) == 24


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_torn_last_line_is_left_out_and_repaired(tmp_path: Path, cut: int) -> None:
    """As after a power cut at any byte of the last line."""
    whole = parse_label_file(LINES, "x")
    torn = LINES[:-1][: len(LINES) - cut]
    assert parse_label_file(torn, "x") == (whole if cut == 1 else whole[:1])
    path = tmp_path / "labels.csv"
    path.write_bytes(torn)
    with open_label_file(path) as file:
        file.append("cat/3.png", "cat", "cat")
    _, decisions = read_label_file(path)
    assert decisions[:-1] == (whole if cut == 1 else whole[:1])
    assert decisions[-1].path == "cat/3.png"


def test_a_torn_character_is_no_error() -> None:
    torn = LINES + "cat/ä".encode()[:-1]
    assert len(parse_label_file(torn, "x")) == 2


def test_undo_removes_the_last_lines_also_those_of_earlier_openings(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(LINES)
    with open_label_file(path) as file:
        file.append("cat/2.png", "cat", "cat")
        assert file.decided["cat/2.png"].label == "cat"
        assert file.last == file.undo() and path.read_bytes() == LINES
        assert file.decided["cat/2.png"].label == ""  # of the earlier opening
        undone = file.undo()
        assert undone is not None and undone.path == "cat/2.png" and not undone.label
        assert "cat/2.png" not in file.decided
        assert path.read_bytes() == b"".join(LINES.splitlines(keepends=True)[:2])
        file.append("cat/3.png", "dog", "cat")
        assert [file.undo(), file.undo()] != [None, None]
        assert (file.decided, file.last, file.undo()) == ({}, None, None)
    assert path.read_bytes() == HEADER


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_undo_knows_where_the_lines_of_any_editor_start(tmp_path: Path, line_break: str) -> None:
    odd = ['ä/"1".png,dog,,', "", '"a\nb, ""c"".png",,cat,', "d,cat,,"]
    whole = [f"{row}{line_break}".encode() for row in (",".join(COLUMNS), *odd)]
    path = tmp_path / "labels.csv"
    path.write_bytes(b"".join(whole))
    expected = [b"".join(whole[:number]) for number in (4, 3, 1)]
    with open_label_file(path) as file:
        for content, name in zip(expected, ("d", 'a\nb, "c".png', 'ä/"1".png'), strict=True):
            undone = file.undo()
            assert undone is not None and undone.path == name
            assert path.read_bytes().rstrip(b"\r\n") == content.rstrip(b"\r\n")
        file.append("e.png", "cat", "")
    assert [each.path for each in read_label_file(path)[1]] == ["e.png"]


def test_a_full_disk_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(LINES)
    with open_label_file(path) as file:

        def full(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(EnvironmentFailure, match="disk full"):
            file.append("cat/3.png", "cat", "cat")
        assert "cat/3.png" not in file.decided
    assert path.read_bytes() == LINES


def test_a_table_of_another_program_is_read_but_never_written(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"\xef\xbb\xbfpath,label,split\r\na.png,cat,train\r\nb.png,dog,test")
    _, decisions = read_label_file(path)
    assert decisions == (Decision("a.png", "cat"), Decision("b.png", "dog"))
    with pytest.raises(UsageError, match="name a new file with --labels"):
        with open_label_file(path):
            pass


def test_one_page_at_a_time_writes(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with open_label_file(path):
        with pytest.raises(EnvironmentFailure, match="another `ankleboot label`"):
            with open_label_file(path):
                pass
    with open_label_file(path):
        pass


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected the columns path,label,old_label,time, got none"),
        (b"name,class\na,b\n", "got name,class"),
        (b"path,label\n,cat\n", "line 2: expected a path and 2 columns"),
        (b"path,label\na.png\n", "line 2: expected a path and 2 columns"),
        (b"path,label\na.png,cat,3\n", "line 2: expected a path and 2 columns"),
        (b"path,label\n\xff,cat\n", "not UTF-8"),
    ],
)
def test_a_line_of_another_form_is_named(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_label_file(content, "labels.csv")


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_label_file(tmp_path / "none.csv")


def test_opening_removes_what_a_kill_left_of_this_file_alone(tmp_path: Path) -> None:
    mine, other = (tmp_path / f".{name}.csv.0123456789ab.tmp" for name in ("labels", "table"))
    mine.touch()
    other.touch()  # perhaps being written
    with open_label_file(tmp_path / "labels.csv"):
        assert other.exists() and not mine.exists()


def test_a_spreadsheet_sees_no_formula_and_the_names_come_back(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    names = ["=cmd|' /C calc'!A1", "-a.jpg", "'+1\r", "-1", "a;=b"]
    with open_label_file(path) as file:
        for name in names:
            file.append(name, name, name)
    check_csv(path.read_bytes().decode(), path)
    with open_label_file(path) as file:
        assert list(file.decided) == names
        file.undo()
    decisions = read_label_file(path)[1]
    assert [(each.path, each.label, each.old_label) for each in decisions] == [
        (name, name, name) for name in names[:-1]
    ]


def test_a_write_that_the_system_cuts_short_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Short(io.FileIO):
        def write(self, data: Any) -> int:
            return super().write(bytes(data)[:7])

    path = tmp_path / "labels.csv"
    path.write_bytes(HEADER)
    monkeypatch.setattr(Path, "open", lambda path, mode, **_: Short(path, "r+"))
    with open_label_file(path) as file:
        file.append("cat/1.png", "dog", "cat")
    monkeypatch.undo()
    assert path.read_bytes().startswith(HEADER + b"cat/1.png,dog,cat,2")
    assert path.read_bytes().endswith(b"\n")
