"""Creation of run folders: what may lie in one, and how the next one is named."""

from dataclasses import replace
from pathlib import Path

import pytest

from ankleboot.core.errors import UsageError
from ankleboot.models.run_dir import create_run, next_run_dir
from helpers.images import TINY


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
