"""Label file: decisions about the labels of images, one line each, beside the data.

    path,label,old_label,time
    cat/17.jpg,dog,cat,2026-11-29T10:12:03+0000
    cat/18.jpg,,cat,2026-11-29T10:12:05+0000

The last line about an image counts. A label equal to the old one confirms it; an empty label
leaves the image out. No image is renamed or changed.
"""

import csv
import io
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock

from ankleboot.core.csv_text import csv_text, read_cell
from ankleboot.core.errors import DataError, EnvironmentFailure, UsageError
from ankleboot.core.files import (
    atomic_write,
    file_lock,
    read_bytes,
    remove_temp_files,
    write_failure,
)

LABEL_FILE = "labels.csv"
COLUMNS = ("path", "label", "old_label", "time")
HEADER = (",".join(COLUMNS) + "\n").encode()
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%z"


@dataclass(frozen=True)
class Decision:
    """Decision about one image.

    Attributes:
        path: Name of the image's file in the data set.
        label: Name of the class; "" for an image that is not usable.
        old_label: Label before the decision; "" if there was none.
        time: Local time as in `TIME_FORMAT`; "" in files of other programs.
    """

    path: str
    label: str
    old_label: str = ""
    time: str = ""


def is_label_file(path: Path) -> bool:
    """Check if a file begins as `ankleboot label` begins one; it is no table of images."""
    try:
        with path.open("rb") as file:
            return file.readline(len(HEADER)) == HEADER
    except OSError:
        return False


def read_label_file(path: Path) -> tuple[bytes, tuple[Decision, ...]]:
    """Return the content of a label file and its decisions in order.

    Raises:
        UsageError: If there is no such file.
        EnvironmentFailure: If it cannot be read.
        DataError: If it has other columns, or a line of another form.
    """
    content = read_bytes(path, missing=UsageError(f"--labels {path}: no such file"))
    return content, parse_label_file(content, path)


def parse_label_file(content: bytes, name: object) -> tuple[Decision, ...]:
    """Return the decisions in the content of a label file; errors as in `read_label_file`.

    A torn last line, which a power cut leaves, was never confirmed to anybody; it is left out.
    """
    whole, torn = _split_torn_line(content)
    try:
        text = whole.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: not UTF-8 text ({error.reason})") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="")
    columns = reader.fieldnames or ()
    if not {"path", "label"} <= set(columns):
        raise DataError(
            f"{name}: expected the columns {','.join(COLUMNS)}, got {','.join(columns) or 'none'}"
        )
    if torn and _is_complete(torn, columns):
        return parse_label_file(content + b"\n", name)
    return tuple(_decisions(reader, name))


def _decisions(reader: "csv.DictReader[str]", name: object) -> Iterator[Decision]:
    try:
        for row in reader:
            if None in row.values() or "" in row or not row["path"]:
                columns = len(reader.fieldnames or ())
                raise DataError(
                    f"{name}: line {reader.line_num}: expected a path and {columns} columns"
                )
            yield Decision(*(read_cell(row.get(column, "")) for column in COLUMNS))
    except csv.Error as error:
        raise DataError(f"{name}: line {reader.line_num}: {error}") from error


def _split_torn_line(content: bytes) -> tuple[bytes, bytes]:
    """Divide the content behind its last line break."""
    end = content.rfind(b"\n") + 1
    return content[:end], content[end:]


def _line_ends(content: bytes) -> list[int]:
    """Return the bytes up to the end of each line of the table, the header's first.

    A quoted path may hold line breaks.
    """
    num_read = 0

    def lines() -> Iterator[str]:
        nonlocal num_read
        for line in io.StringIO(content.decode(), newline=""):
            num_read += len(line.encode())
            yield line

    return [num_read for row in csv.reader(lines()) if row]


def _is_complete(line: bytes, columns: Sequence[str]) -> bool:
    """Return whether a last line without a line break is whole: an editor may have left it so."""
    if tuple(columns) != COLUMNS:
        return True
    try:
        time.strptime(line.decode().rpartition(",")[2], TIME_FORMAT)
    except ValueError:
        return False
    return True


class LabelFile:
    """Open label file that receives decisions.

    Each decision is on the disk when `append` returns. A kill at any moment leaves whole lines,
    and perhaps a torn last one, which the next opening removes.

    Attributes:
        decided: Last decision about each image.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.decided: dict[str, Decision] = {}
        self._lines: list[tuple[int, Decision | None, Decision]] = []
        if path.exists():
            content, decisions = read_label_file(path)
            if not content.startswith((HEADER, HEADER[:-1] + b"\r\n")):
                raise UsageError(
                    f"{path}: a table of another program; name a new file with --labels FILE"
                )
            whole, torn = _split_torn_line(content)
            if torn and _is_complete(torn, COLUMNS):
                self._write(len(content), b"\n")
                whole = content + b"\n"
            elif torn:
                self._write(len(whole), b"")
            for start, decision in zip(_line_ends(whole), decisions, strict=False):
                self._add(start, decision)

    @property
    def last(self) -> Decision | None:
        """The decision that `undo` takes back; None if there is none."""
        return self._lines[-1][2] if self._lines else None

    def append(self, path: str, label: str, old_label: str) -> Decision:
        """Store a decision.

        Raises:
            EnvironmentFailure: If it cannot be written; the file is then as before.
        """
        decision = Decision(path, label, old_label, time.strftime(TIME_FORMAT))
        line = csv_text([(path, label, old_label, decision.time)]).encode()
        if not self.path.exists():
            atomic_write(self.path, HEADER)
        end = self.path.stat().st_size
        self._write(end, line)
        self._add(end, decision)
        return decision

    def undo(self) -> Decision | None:
        """Remove the last decision, and return it; None if there is none.

        Raises:
            EnvironmentFailure: If the file cannot be written.
        """
        if not self._lines:
            return None
        start, before, decision = self._lines[-1]
        self._write(start, b"")
        self._lines.pop()
        if before is None:
            del self.decided[decision.path]
        else:
            self.decided[decision.path] = before
        return decision

    def _add(self, start: int, decision: Decision) -> None:
        """Remember the line that starts at a byte, and the decision that it replaces."""
        self._lines.append((start, self.decided.get(decision.path), decision))
        self.decided[decision.path] = decision

    def _write(self, end: int, line: bytes) -> None:
        """Make the file end with a line that starts at byte `end`, and flush it to the disk."""
        try:
            with self.path.open("r+b", buffering=0) as file:
                try:
                    file.truncate(end)
                    file.seek(end)
                    rest = memoryview(line)
                    while rest:  # the system may write less than it was given
                        rest = rest[file.write(rest) :]
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(end)
                    raise
        except OSError as error:
            raise write_failure(self.path, error, len(line)) from error


@contextmanager
def open_label_file(path: Path) -> Iterator[LabelFile]:
    """Open a label file for decisions; one process at a time.

    Raises:
        EnvironmentFailure: If another process holds it, or its folder cannot be written.
        UsageError: If the file belongs to another program.
    """
    try:
        with file_lock(path.with_name(f".{path.name}.lock"), wait=False):
            remove_temp_files(path.parent, of=f"{path.name}.")
            yield LabelFile(path)
    except filelock.Timeout as error:
        raise EnvironmentFailure(f"{path}: another `ankleboot label` writes to it") from error
