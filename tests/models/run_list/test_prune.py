"""Removal of runs: nothing goes that another run needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ankleboot.core.errors import EnvironmentFailure, UsageError
from ankleboot.core.files import file_lock
from ankleboot.models.run_list.index import list_runs
from ankleboot.models.run_list.prune import list_references, plan_prune, remove_runs
from helpers.run_folders import write_run

pytestmark = pytest.mark.usefixtures("isolated_cache_dir")


def names(base: Path) -> list[str]:
    return sorted(str(Path(str(row["run"])).relative_to(base)) for row in list_runs(base))


def plan(base: Path, *chosen: str) -> tuple[list[str], dict[str, str]]:
    """Names of the folders to remove, and the reasons for those that stay."""
    rows = list_runs(base)
    paths = {str(base / name) for name in chosen}
    made = plan_prune(rows, [row for row in rows if row["run"] in paths])
    kept = {str(Path(run).relative_to(base)): reason for run, reason in made.kept.items()}
    return [str(folder.relative_to(base)) for folder in made.folders], kept


def refer(base: Path, key: str) -> dict[str, object]:
    return {key: {"run": str(base), "model_sha256": "a" * 64}}


def test_only_the_chosen_runs_go(tmp_path: Path) -> None:
    for name in "abc":
        write_run(tmp_path / name)
    (tmp_path / "a" / "deep").mkdir()
    (tmp_path / "a" / "deep" / "file").write_bytes(bytes(1000))
    rows = list_runs(tmp_path)
    made = plan_prune(rows, rows[:2])
    assert made.num_bytes == sum(
        path.stat().st_size
        for name in "ab"
        for path in (tmp_path / name).rglob("*")
        if path.is_file()
    )
    remove_runs(made)
    assert names(tmp_path) == ["c"]
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["c"]


@pytest.mark.parametrize(("key", "verb"), [("parent", "started from"), ("teacher", "was taught")])
def test_what_another_run_refers_to_stays(tmp_path: Path, key: str, verb: str) -> None:
    write_run(tmp_path / "a")
    write_run(tmp_path / "b", manifest=refer(tmp_path / "a", key))
    write_run(tmp_path / "c", manifest=refer(tmp_path / "b", key))
    folders, kept = plan(tmp_path, "a", "b")
    assert folders == [] and list(kept) == ["a", "b"]
    assert verb in kept["a"]
    assert plan(tmp_path, "a", "b", "c") == (["a", "b", "c"], {})
    assert plan(tmp_path, "c") == (["c"], {})
    (sentence,) = list_references(tmp_path / "a", list_runs(tmp_path))
    assert sentence.startswith(str(tmp_path / "b"))


def test_a_cross_validation_goes_as_a_whole(tmp_path: Path) -> None:
    for number in (1, 2):
        write_run(tmp_path / f"cv/fold-{number}", folds=2, fold=number)
    (tmp_path / "cv/cross_validation.json").write_text("{}")
    folders, kept = plan(tmp_path, "cv/fold-1")
    assert folders == [] and "another fold" in kept["cv/fold-1"]
    assert plan(tmp_path, "cv/fold-1", "cv/fold-2") == (["cv"], {})


def test_a_run_in_training_stays(tmp_path: Path) -> None:
    write_run(tmp_path / "a", accuracy=None)
    code = (
        "import sys, filelock; l = filelock.FileLock(sys.argv[1]); l.acquire(); print('held', "
        "flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "a/.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stdout.readline() == "held\n"
        assert plan(tmp_path, "a") == ([], {"a": "a process works in it"})
        process.communicate("")
    assert plan(tmp_path, "a") == (["a"], {})
    with file_lock(tmp_path / "a/.lock", wait=False):  # the plan has released it
        pass


def test_a_kill_leaves_no_half_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "ab":
        write_run(tmp_path / name)
    rows = list_runs(tmp_path)

    def stop(folder: Path) -> None:
        next(folder.iterdir()).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("ankleboot.models.run_list.prune.shutil.rmtree", stop)
        remove_runs(plan_prune(rows, rows[:1]))
    assert names(tmp_path) == ["b"]
    remove_runs(plan_prune(rows[1:], rows[1:]))
    assert os.listdir(tmp_path) == ["cache"]


def test_failures_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path / "a")
    rows = list_runs(tmp_path)
    with pytest.raises(UsageError, match="not among the runs"):
        plan_prune([], rows)

    def refuse(path: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(EnvironmentFailure, match="cannot remove .*/a: Permission denied"):
        remove_runs(plan_prune(rows, rows))
    assert names(tmp_path) == ["a"]
