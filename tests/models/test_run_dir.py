"""Creation of run folders: what may lie in one, and how the next one is named."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ankleboot.core.errors import UsageError
from ankleboot.models.run_dir import create_run, next_run_dir
from ankleboot.models.run_list.index import list_runs
from helpers.images import TINY
from helpers.run_folders import write_run


def test_a_run_that_was_killed_before_its_recipe_does_not_block_the_folder(tmp_path: Path) -> None:
    """It had written a label file, which no resumed cross-validation could get past."""
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "labels.csv").write_text("path,label\n")
    with create_run(tmp_path) as run:
        run.start(TINY, {}, None)
    assert not run.label_path.exists()  # the new run learned the original labels


def test_a_label_file_alone_is_the_users(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").touch()
    with pytest.raises(UsageError, match="not empty"), create_run(tmp_path):
        pass
    assert (tmp_path / "labels.csv").exists()


def test_a_run_of_one_fold_and_a_cross_validation_have_different_names(tmp_path: Path) -> None:
    (tmp_path / "tiny-seed0-001").mkdir()
    fold = replace(TINY, folds=5, fold=2)
    names = [
        next_run_dir(tmp_path, TINY).name,
        next_run_dir(tmp_path, fold).name,
        next_run_dir(tmp_path, TINY, folds=5).name,
    ]
    assert names == ["tiny-seed0-002", "tiny-seed0-fold2of5-001", "tiny-seed0-folds5-001"]


def test_runs_of_several_seeds_are_named_by_the_first_and_the_last(tmp_path: Path) -> None:
    several = replace(TINY, seed=5)
    assert next_run_dir(tmp_path, several, seeds=3) == tmp_path / "tiny-seeds5to7-001"
    assert next_run_dir(tmp_path, TINY, seeds=1) == tmp_path / "tiny-seeds0to0-001"


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="POSIX")
def test_names_and_order_of_runs_do_not_depend_on_the_clock(
    tmp_path: Path, isolated_cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock jumps back by years and to other time zones between the runs."""
    moments = [("Pacific/Auckland", 1_800_000_000), ("America/Lima", 1_700_000_000), ("UTC", 0)]
    try:
        for zone, now in moments:
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            folder = next_run_dir(tmp_path, TINY)
            created = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(now))
            write_run(folder, manifest={"created": created})
            for path in (*folder.iterdir(), folder):
                os.utime(path, (now, now))
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    names = [f"tiny-seed0-{counter:03d}" for counter in (1, 2, 3)]
    for use_index in (False, True, True):
        rows = list_runs(tmp_path, use_index=use_index)
        assert [Path(str(row["run"])).name for row in rows] == names
