"""The list of runs, read from the folders or from the index."""

import json
import os
import sqlite3
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from ankleboot.core.errors import EnvironmentFailure, UsageError
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.run_list import index
from ankleboot.models.run_list.columns import COLUMNS, OWN_COLUMNS, Row, read_row
from ankleboot.models.run_list.index import list_runs
from ankleboot.recipes.recipe import OPTIONS
from helpers.run_folders import write_run

pytestmark = pytest.mark.usefixtures("isolated_cache_dir")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the runs that were read from their folders."""
    read: list[str] = []

    def counted(folder: Path) -> Row:
        read.append(folder.name)
        return read_row(folder)

    monkeypatch.setattr(index, "read_row", counted)
    return read


def test_columns_hold_what_the_files_say(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", accuracy=0.9, epochs=7, seed=3)
    figures = {"accuracy": 0.88, "accuracy_ci95": [0.8, 0.9]}
    (run.folder / "evaluation-test.json").write_text(json.dumps(figures))
    (run.folder / "test_reads.json").write_text('{"test_reads": 2}')
    fitted = Calibration(1.5, 0.5, 0.95, 0.96, 0.9, 1_000, (0.3, 0.2), (0.1, 0.0))
    (run.folder / "calibration.json").write_text(json.dumps(asdict(fitted)))
    (row,) = list_runs(tmp_path)
    expected = {
        "run": str(run.folder),
        "state": "complete",
        "recipe": "sprint",
        "changes": "epochs=7",
        "seed": 3,
        "epochs": 7,
        "epochs_done": 2,
        "data": "bars",
        "validation_accuracy": 0.9,
        "test_accuracy": 0.88,
        "test_reads": 2,
        "temperature": 1.5,
        "cpu": "a processor (avx2)",
        "learning_rate": 0.07,
        "parent": None,
        "error": None,
    }
    assert {key: row[key] for key in expected} == expected
    assert tuple(row) == COLUMNS


def test_a_field_of_the_recipe_keeps_its_column() -> None:
    assert set(OPTIONS) | set(OWN_COLUMNS) == set(COLUMNS)
    assert not set(OPTIONS) & set(OWN_COLUMNS)


def test_runs_are_found_at_any_depth_but_not_behind_links_and_in_hidden_folders(
    tmp_path: Path,
) -> None:
    base = tmp_path / "runs"
    for name in ("b/fold-1", "b/fold-2", "a", ".hidden/c", "a/inside"):
        write_run(base / name)
    write_run(tmp_path / "elsewhere")
    (base / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (base / "notes").mkdir()
    found = [str(Path(str(row["run"])).relative_to(base)) for row in list_runs(base)]
    assert found == ["a", "b/fold-1", "b/fold-2"]
    assert [row["run"] for row in list_runs(base / "a")] == [str(base / "a")]


def test_only_what_changed_is_read_again(tmp_path: Path, reads: list[str]) -> None:
    base = tmp_path / "runs"
    for name in "abc":
        write_run(base / name)
    first = list_runs(base)
    assert reads == ["a", "b", "c"]
    assert list_runs(base) == first and len(reads) == 3
    write_run(base / "b", accuracy=0.5)
    write_run(base / "d")
    for path in (base / "c").iterdir():
        path.unlink()
    rows = list_runs(base)
    assert reads[3:] == ["b", "d"]
    assert [row["validation_accuracy"] for row in rows] == [0.9, 0.5, 0.9]
    assert list_runs(base, use_index=False) == rows


@pytest.mark.parametrize("column", ["stamp", "row", "folder"])
def test_a_row_that_was_changed_is_read_again(
    column: str, tmp_path: Path, reads: list[str]
) -> None:
    for name in "ab":
        write_run(tmp_path / "runs" / name)
    rows = list_runs(tmp_path / "runs")
    (file,) = (tmp_path / "cache" / "runs").iterdir()
    with sqlite3.connect(file) as connection:
        if column == "folder":  # two rows change places
            for old, new in (("a", "x"), ("b", "a"), ("x", "b")):
                connection.execute("UPDATE runs SET folder = ? WHERE folder = ?", (new, old))
        else:
            connection.execute(f"UPDATE runs SET {column} = replace({column}, '9', '8')")
    connection.close()
    assert list_runs(tmp_path / "runs") == rows and len(reads) == 4


def test_a_run_that_could_not_be_read_once_is_not_called_damaged_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, real = write_run(tmp_path / "runs" / "a"), Path.open

    def refused(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.name == "manifest.json":
            raise OSError(5, "Input/output error")
        return real(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refused)
        (row,) = list_runs(run.folder.parent)
    assert row["state"] == "damaged" and "Input/output error" in str(row["error"])
    (row,) = list_runs(run.folder.parent)
    assert row["state"] == "complete"


def test_a_folder_whose_name_is_no_text_is_read_each_time(tmp_path: Path, reads: list[str]) -> None:
    write_run(tmp_path / "runs" / os.fsdecode(b"not utf-8 \xff"))
    write_run(tmp_path / "runs" / "plain")
    for _ in range(2):
        assert len(list_runs(tmp_path / "runs")) == 2
    assert len(reads) == 3


def test_rows_name_the_folder_as_the_user_does(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(tmp_path / "runs" / "a")
    list_runs(tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    assert [row["run"] for row in list_runs("runs")] == ["runs/a"]
    assert len(reads) == 1


def test_a_damaged_or_locked_index_is_no_obstacle(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "WAIT_S", 0.01)
    write_run(tmp_path / "runs" / "a")
    rows = list_runs(tmp_path / "runs")
    (file,) = (tmp_path / "cache" / "runs").iterdir()
    file.write_bytes(b"no database" * 100)
    assert list_runs(tmp_path / "runs") == rows
    assert list_runs(tmp_path / "runs") == rows and len(reads) == 2
    with sqlite3.connect(file) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert list_runs(tmp_path / "runs") == rows
    connection.close()


@pytest.mark.parametrize("row", ["{", "[]", "{}", "[" * 20_000, '{"run": 5}', None])
def test_a_damaged_row_of_the_index_is_read_anew(
    tmp_path: Path, reads: list[str], row: str | None
) -> None:
    write_run(tmp_path / "runs" / "a")
    rows = list_runs(tmp_path / "runs")
    (file,) = (tmp_path / "cache" / "runs").iterdir()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE runs SET row = ?", [row])
    connection.close()
    assert list_runs(tmp_path / "runs") == rows and len(reads) == 2


def test_without_a_cache_folder_runs_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(tmp_path / "runs" / "a")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "file"))
    assert len(list_runs(tmp_path / "runs")) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("recipe.json", "{"),
        ("recipe.json", '{"name": "sprint", "epochs": -1}'),
        ("manifest.json", '{"data": null, "data_source": ""}'),
        ("manifest.json", '{"data": {"name": "x"}, "data_source": ""}'),
        ("result.json", '{"model_sha256": 1, "best_epoch": 1, "train": 3, "validation": null}'),
        ("verdict.json", "[]"),
        ("calibration.json", "nonsense"),
    ],
)
def test_a_damaged_run_is_listed_as_such(tmp_path: Path, name: str, content: str) -> None:
    write_run(tmp_path / "a")
    write_run(tmp_path / "b")
    (tmp_path / "a" / name).write_text(content)
    damaged, good = list_runs(tmp_path)
    assert (damaged["state"], good["state"]) == ("damaged", "complete")
    assert str(tmp_path / "a") in str(damaged["error"])


def test_a_run_in_training_shows_its_last_epoch(tmp_path: Path) -> None:
    write_run(tmp_path / "a", accuracy=None)
    (row,) = list_runs(tmp_path)
    assert (row["state"], row["epochs_done"]) == ("not complete", 1)
    assert (row["validation_accuracy"], row["train_seconds"]) == (0.7, 2.5)
    (tmp_path / "a/history.csv").unlink()
    (row,) = list_runs(tmp_path)
    assert row["epochs_done"] is None


def test_a_folder_that_is_none_or_unreadable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="no such folder; runs are made by"):
        list_runs(tmp_path / "none")

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("ankleboot.models.run_list.find.os.scandir", refuse)
    with pytest.raises(EnvironmentFailure, match="cannot read folder .*: Permission denied"):
        list_runs(tmp_path)


@pytest.mark.slow
def test_a_thousand_runs_are_listed_in_ten_seconds_and_from_the_index_in_one(
    tmp_path: Path,
) -> None:
    for number in range(1_000):
        write_run(tmp_path / f"sprint-seed{number}-001", seed=number)
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        rows = list_runs(tmp_path)
        seconds.append(time.perf_counter() - started)
    assert len(rows) == 1_000
    assert json.loads(json.dumps(rows)) == rows
    assert seconds[0] <= 10 and seconds[1] <= 1
