"""Rows of all runs below a folder, cached in an index.

The index is an SQLite file in the cache folder. It holds, by run folder, the row and the sizes and
times of the files that the row came from; a row whose files have changed is read anew. An index
that cannot be read or written costs time, nothing else.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from ankleboot import __version__
from ankleboot.core.errors import EnvironmentFailure, UsageError
from ankleboot.core.files import make_folder, sha256_of
from ankleboot.core.paths import AnyPath, cache_folder, expand
from ankleboot.models.run_list.columns import COLUMNS, SOURCES, Row, read_row
from ankleboot.models.run_list.find import find_runs

WAIT_S = 2.0  # for another process that writes the index

Entries = Mapping[str, tuple[str, str]]
"""Stamp and row as JSON, by folder."""


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
    rows, changed = [], {}
    for run in runs:
        key, stamp = str(run.relative_to(base)), _stamp(run)
        if key in known and known[key][0] == stamp:
            rows.append(json.loads(known[key][1]))
            rows[-1]["run"] = str(run)  # as the folder was named this time
        else:
            row = read_row(run)
            rows.append(row)
            changed[key] = stamp, json.dumps(row)
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
                return {folder: (stamp, row) for folder, stamp, row in stored}
        except sqlite3.OperationalError:  # locked, or in a folder that cannot be written
            pass
        except sqlite3.DatabaseError:  # damaged
            with suppress(OSError):
                path.unlink()
    return {}


def _write_index(path: Path | None, changed: Entries, gone: Iterable[str]) -> None:
    if path is None:
        return
    with suppress(sqlite3.Error), _connection(path) as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO runs VALUES (?, ?, ?)",
            [(folder, stamp, row) for folder, (stamp, row) in changed.items()],
        )
        connection.executemany("DELETE FROM runs WHERE folder = ?", [(key,) for key in gone])
