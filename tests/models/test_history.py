"""History of a run: history.csv, read as it was written or refused."""

import csv
from dataclasses import asdict
from pathlib import Path

import pytest

from ankleboot.core.errors import ModelError
from ankleboot.models.history import COLUMNS, EpochRecord, history_csv, read_history

HISTORY = (
    EpochRecord(1, 2.25, 0.125, 2.0, 0.25, 1e-3, 0.1),
    EpochRecord(2, 1 / 3, 0.75, float("inf"), 0.5, 1e-30, 12.0),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A complete history."""
    (tmp_path / "history.csv").write_text(history_csv(HISTORY))
    return tmp_path / "history.csv"


def test_a_history_comes_back_as_it_was(path: Path) -> None:
    assert read_history(path) == HISTORY
    with path.open(newline="") as file:  # as others read it
        rows = [{key: float(text) for key, text in row.items()} for row in csv.DictReader(file)]
    assert rows == [asdict(record) for record in HISTORY]


def test_a_run_before_its_first_epoch_has_an_empty_history(path: Path) -> None:
    path.write_text(history_csv(()))
    assert read_history(path) == ()


def test_a_spreadsheet_may_have_saved_it(path: Path) -> None:
    text = path.read_text()
    path.write_bytes(text.replace("\n", "\r\n").encode())
    assert read_history(path) == HISTORY


def test_a_missing_history_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"^{tmp_path}/history.csv: missing$"):
        read_history(tmp_path / "history.csv")


def test_epochs_that_do_not_count_from_one_are_refused(path: Path) -> None:
    header, first, second = path.read_text().splitlines(keepends=True)
    for rows in (second, first + first, first + second + first, second + first, first + "\n1"):
        path.write_text(header + rows)
        with pytest.raises(ModelError, match=f"^{path}: damaged "):
            read_history(path)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_that_is_missing_or_holds_no_numbers_is_damage(path: Path, name: str) -> None:
    whole = path.read_bytes()
    place = COLUMNS.index(name)
    cells = [line.split(b",") for line in whole.splitlines()]
    for cell in (b"", b"x", b"\xff\xfe", b"0x1", b"1 2"):
        changed = [cells[0], [*cells[1][:place], cell, *cells[1][place + 1 :]], cells[2]]
        path.write_bytes(b"\n".join(b",".join(row) for row in changed) + b"\n")
        with pytest.raises(ModelError, match=f"^{path}: damaged "):
            read_history(path)
    path.write_bytes(whole.replace(name.encode(), b"another"))
    with pytest.raises(ModelError, match=f"^{path}: damaged "):
        read_history(path)


def test_a_history_that_was_cut_is_damage(path: Path) -> None:
    text = path.read_text()
    last = text.rindex("\n", 0, -1) + 1
    for end in range(last + 1, text.rindex(",") + 1):  # in the last line
        path.write_text(text[:end])
        with pytest.raises(ModelError, match=f"^{path}: damaged "):
            read_history(path)
