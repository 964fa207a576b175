"""Rows of all runs below a folder, cached in an index.

The index is an SQLite file in the cache folder. It holds, by run folder, the row and the sizes and
times of the files that the row came from, with a hash of both; a row whose files or hash differ is
read anew. Rows of damaged runs are not kept, since a passing fault of the disk looks the same. An
index that cannot be read or written costs time, nothing else.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from ankleboot import __version__
from ankleboot.core.documents import parse_document
from ankleboot.core.errors import EnvironmentFailure, UsageError
from ankleboot.core.files import make_folder, sha256_of
from ankleboot.core.paths import AnyPath, cache_folder, expand
from ankleboot.models.run_list.columns import COLUMNS, DAMAGED, SOURCES, Row, Value, read_row
from ankleboot.models.run_list.find import find_runs

WAIT_S = 2.0  # for another process that writes the index

Entries = Mapping[str, tuple[str, dict[str, Value]]]
"""Stamp and row by folder."""


def list_runs(folder: AnyPath = "runs", *, use_index: bool = True) -> list[Row]:
    """List the runs below a folder as rows, in the order of their folders.

        rows = ankleboot.list_runs("runs")
        best = max(rows, key=lambda row: row["validation_accuracy"] or 0)

    Args:
        folder: Folder with run folders, at any depth, or a run folder.
        use_index: Whether unchanged runs may come from the index, which is brought up to date.

    Returns:
        A row for each run: a value for every name in `COLUMNS`, None for what it does not have.

    Raises:
        UsageError: If there is no such folder.
        EnvironmentFailure: If a folder cannot be read.
    """
    base = expand(folder)
    if not base.is_dir():
        raise UsageError(f"{base}: no such folder; runs are made by `ankleboot train`")
    runs = list(find_runs(base))
    if not use_index:
        return [read_row(run) for run in runs]
    path = _index_path(base)
    known = _read_index(path)
    rows: list[Row] = []
    changed: dict[str, tuple[str, dict[str, Value]]] = {}
    for run in runs:
        key, stamp = str(run.relative_to(base)), _stamp(run)
        if key in known and known[key][0] == stamp:
            rows.append(known[key][1] | {"run": str(run)})  # as the folder was named this time
        else:
            row = read_row(run)
            rows.append(row)
            if row["state"] != DAMAGED:
                changed[key] = stamp, row
    gone = known.keys() - {str(run.relative_to(base)) for run in runs}
    if changed or gone:
        _write_index(path, changed, gone)
    return rows


def _stamp(run: Path) -> str:
    """Return size and time of each file of a run that its row comes from."""
    parts = []
    for name in SOURCES:
        try:
            found = os.stat(run / name)
            parts.append(f"{found.st_size}-{found.st_mtime_ns}")
        except OSError:
            parts.append("")
    return " ".join(parts)


def _index_path(base: Path) -> Path | None:
    """Return the file of a folder's index; None if this user has no cache folder."""
    with suppress(EnvironmentFailure):
        folder = cache_folder("runs")
        make_folder(folder)
        version = " ".join([__version__, *COLUMNS])  # rows of another version have other columns
        return folder / f"{sha256_of(f'{base.resolve()} {version}'.encode())[:16]}.sqlite"
    return None


@contextmanager
def _connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=WAIT_S)) as connection, connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS runs (folder TEXT PRIMARY KEY, stamp TEXT, row TEXT)"
        )
        yield connection


def _read_index(path: Path | None) -> Entries:
    if path is not None:
        try:
            with _connection(path) as connection:
                stored = connection.execute("SELECT folder, stamp, row FROM runs")
                rows = ((key, sealed, _row_of(key, sealed, text)) for key, sealed, text in stored)
                return {key: (sealed[:-65], row) for key, sealed, row in rows if row is not None}
        except sqlite3.OperationalError:  # locked, or in a folder that cannot be written
            pass
        except sqlite3.DatabaseError:  # damaged
            with suppress(OSError):
                path.unlink()
    return {}


def _sealed(key: str, stamp: str, text: str) -> str:
    """Return a stamp with a hash, by which a row that was changed is seen."""
    content = "\0".join([key, stamp, text])
    return f"{stamp} {sha256_of(content.encode('utf-8', 'replace'))}"


def _row_of(key: str, sealed: object, text: object) -> dict[str, Value] | None:
    """Return a stored row; None if it is damaged, and to be read anew."""
    if sealed != _sealed(key, str(sealed)[:-65], str(text)):
        return None
    with suppress(ValueError):
        row = parse_document(str(text), dict[str, Value])
        return row if row.keys() == set(COLUMNS) else None
    return None


def _write_index(path: Path | None, changed: Entries, gone: Iterable[str]) -> None:
    if path is None:
        return
    entries = [
        (key, stamp, json.dumps(row))
        for key, (stamp, row) in changed.items()
        if key == key.encode("utf-8", "ignore").decode()  # SQLite takes no other names
    ]
    with suppress(sqlite3.Error), _connection(path) as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO runs VALUES (?, ?, ?)",
            [(key, _sealed(key, stamp, text), text) for key, stamp, text in entries],
        )
        connection.executemany("DELETE FROM runs WHERE folder = ?", [(key,) for key in gone])
