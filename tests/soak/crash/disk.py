"""Model of a disk on which a power cut keeps what was flushed, and of the rest anything.

Written data is sure after an fsync of the file. A name (of a new, renamed or removed file) is sure
after an fsync of its folder. What is not sure may be there, be missing, be cut at any byte, or be
there without what came before it; a rename may be there without the data of its file.
"""

import struct
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

T = TypeVar("T")
CREATE, TRUNCATE, WRITE, FSYNC, RENAME, UNLINK, MKDIR, APPEND = range(1, 9)
HEAD = struct.Struct("=6Q")


@dataclass(frozen=True)
class Change:
    """Entry of the shim's log; `data` is what a write wrote."""

    kind: int
    inode: int
    offset: int
    path: str
    target: str
    data: bytes


def read_log(path: Path) -> list[Change]:
    """Read the log of a process."""
    content, at, changes = path.read_bytes(), 0, []
    while at < len(content):
        kind, inode, offset, *sizes = HEAD.unpack_from(content, at)
        at += HEAD.size
        parts = []
        for size in sizes:
            parts.append(content[at : at + size])
            at += size
        first, second, data = parts
        changes.append(Change(kind, inode, offset, first.decode(), second.decode(), data))
    return changes


@dataclass
class StoredFile:
    """A file's sure content, and the changes since: (offset, data), or (size, None)."""

    sure: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def size(self) -> int:
        return len(_applied(self.sure, self.pending))

    def flush(self) -> None:
        self.sure, self.pending = _applied(self.sure, self.pending), []

    def after_cut(self, chance: Random) -> bytes:
        """Draw what a power cut leaves."""
        kept = _drawn(self.pending, chance)
        if kept and chance.random() < 0.5:
            offset, data = kept[-1]
            kept[-1] = (offset, data and data[: chance.randrange(len(data) + 1)])
        return _applied(self.sure, kept)


def _applied(content: bytes, changes: list[tuple[int, bytes | None]]) -> bytes:
    result = bytearray(content)
    for offset, data in changes:
        if data is None:
            result = result[:offset].ljust(offset, b"\0")
        else:
            result = result.ljust(offset, b"\0")
            result[offset : offset + len(data)] = data
    return bytes(result)


def _drawn(changes: list[T], chance: Random) -> list[T]:
    """Draw all, none, the first ones, or any of what is not sure."""
    how = chance.randrange(4)
    if how == 2:
        return changes[: chance.randrange(len(changes) + 1)]
    if how == 3:
        return [change for change in changes if chance.random() < 0.5]
    return list(changes) if how else []


Names = dict[str, StoredFile | None]
"""File by path; None for a folder."""


class Disk:
    """State after some changes of a log."""

    def __init__(self, top: str) -> None:
        self._top = top  # the folder that the process made
        self.sure: Names = {}
        self._now: Names = {}
        self._files: dict[int, StoredFile] = {}
        self._pending: dict[str, list[list[tuple[str, StoredFile | None, bool]]]] = defaultdict(
            list
        )

    def apply(self, change: Change) -> None:
        """Make a change, as the process sees it."""
        if change.kind == CREATE:
            self._files[change.inode] = StoredFile()
            self._name(change.path, [(change.path, self._files[change.inode], True)])
        elif change.kind == MKDIR:
            self._name(change.path, [(change.path, None, True)])
        elif change.kind == UNLINK:
            self._name(change.path, [(change.path, None, False)])
        elif change.kind == RENAME:
            moved = self._now[change.path]
            renaming = [(change.path, None, False), (change.target, moved, True)]
            self._name(change.target, renaming)
        elif change.kind == FSYNC and change.inode not in self._files:
            for names in self._pending.pop(change.path, []):
                _rename(self.sure, names)
        else:
            self._change_content(change)

    def _change_content(self, change: Change) -> None:
        file = self._files[change.inode]
        if change.kind == FSYNC:
            file.flush()
        elif change.kind == TRUNCATE:
            file.pending.append((change.offset, None))
        else:
            offset = file.size() if change.kind == APPEND else change.offset
            file.pending.append((offset, change.data))

    def _name(self, path: str, names: list[tuple[str, StoredFile | None, bool]]) -> None:
        _rename(self._now, names)
        self._pending[str(Path(path).parent)].append(names)

    def after_cut(self, chance: Random) -> dict[str, bytes | None]:
        """Draw what a power cut leaves: content by path, None for folders."""
        names = dict(self.sure)
        for pending in self._pending.values():
            for change in _drawn(pending, chance):
                _rename(names, change)
        contents: dict[int, bytes] = {}  # a file keeps one content under two names
        for file in names.values():
            if file is not None and id(file) not in contents:
                contents[id(file)] = file.after_cut(chance)
        found = {path: None if f is None else contents[id(f)] for path, f in names.items()}
        if self._top not in found:
            return {}
        return {path: content for path, content in found.items() if self._is_whole(path, found)}

    def _is_whole(self, path: str, names: dict[str, bytes | None]) -> bool:
        parents = [str(parent) for parent in Path(path).parents]
        return all(parent in names for parent in parents if parent.startswith(self._top))


def _rename(names: Names, changes: list[tuple[str, StoredFile | None, bool]]) -> None:
    for path, file, is_there in changes:
        if is_there:
            names[path] = file
        else:
            names.pop(path, None)
