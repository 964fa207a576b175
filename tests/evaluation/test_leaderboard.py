"""Mean and spread of groups of runs."""

import math
from pathlib import Path

import pytest
from scipy import stats

from ankleboot.core.errors import UsageError
from ankleboot.evaluation.leaderboard import rank_groups
from ankleboot.models.run_list.index import list_runs
from helpers.run_folders import write_run

pytestmark = pytest.mark.usefixtures("isolated_cache_dir")


def test_runs_that_differ_in_their_seeds_alone_are_one_group(tmp_path: Path) -> None:
    accuracies = [0.90, 0.91, 0.95]
    for seed, accuracy in enumerate(accuracies):
        write_run(tmp_path / f"s{seed}", accuracy=accuracy, seed=seed)
    write_run(tmp_path / "other", accuracy=0.99, epochs=5)
    write_run(tmp_path / "data", manifest={"data": {"name": "b", "train_sha256": "1" * 64}})
    write_run(tmp_path / "stopped", accuracy=None, seed=9)
    best, group, data = rank_groups(list_runs(tmp_path))
    assert (best.name, best.n, best.std, best.ci95) == ("sprint epochs=5", 1, None, None)
    assert (data.data, data.n) == ("b", 1)
    assert (group.name, group.n, group.best, group.worst) == ("sprint", 3, 0.95, 0.90)
    assert group.mean == pytest.approx(0.92)
    assert group.std == pytest.approx(stats.tstd(accuracies))
    expected = stats.t.interval(0.95, 2, 0.92, stats.tstd(accuracies) / math.sqrt(3))
    assert group.ci95 == pytest.approx(expected)
    assert group.runs == tuple(str(tmp_path / f"s{seed}") for seed in range(3))


def test_the_folds_of_a_cross_validation_are_one_group(tmp_path: Path) -> None:
    for fold in (1, 2):
        write_run(tmp_path / f"fold-{fold}", folds=2, fold=fold, accuracy=0.8 + fold / 10)
    (group,) = rank_groups(list_runs(tmp_path))
    assert (group.name, group.n) == ("sprint folds=2", 2)


def test_labels_parents_and_teachers_divide_groups(tmp_path: Path) -> None:
    write_run(tmp_path / "a")
    write_run(tmp_path / "b", seed=1, manifest={"label_file": {"sha256": "2" * 64}})
    for name in ("parent", "teacher"):
        entry = {name: {"run": "x", "model_sha256": "3" * 64}}
        write_run(tmp_path / name, seed=2, manifest=entry)
    standings = rank_groups(list_runs(tmp_path))
    assert len(standings) == 4
    assert "sprint with corrected labels" in [standing.name for standing in standings]


def test_the_smallest_loss_and_the_shortest_time_come_first(tmp_path: Path) -> None:
    write_run(tmp_path / "a", accuracy=None)
    rows = [
        {**row, "state": "complete", "validation_loss": loss, "group": loss}
        for loss in (0.3, 0.1)
        for row in list_runs(tmp_path)
    ]
    assert [standing.mean for standing in rank_groups(rows, "validation_loss")] == [0.1, 0.3]


def test_a_metric_is_a_column_with_numbers(tmp_path: Path) -> None:
    write_run(tmp_path / "a")
    rows = list_runs(tmp_path)
    with pytest.raises(UsageError, match="recipe: expected a column with numbers"):
        rank_groups(rows, "recipe")
    with pytest.raises(UsageError, match="unknown column"):
        rank_groups(rows, "precision_at_3")
    assert rank_groups(rows, "test_accuracy") == []
