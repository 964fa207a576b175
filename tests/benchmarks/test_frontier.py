"""Collection, summary and figure of `bench.py frontier`."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation

from ankleboot.core.errors import UsageError
from ankleboot.core.executors import local
from ankleboot.core.executors.executor import Task
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import SPRINT, get_recipe, overrides_of
from ankleboot.recipes.parse import from_json
from ankleboot.recipes.recipe import Recipe
from bench import bench
from helpers.images import TINY
from lib import frontier, frontier_plot
from lib.frontier_run import measure_run

DATA = "0" * 64
AVX2 = {"cpu": "a", "cpu_flags": ["avx2"], "cores": 2, "usable_cores": 2, "machine": "x86_64"}
BF16 = AVX2 | {"cpu_flags": ["avx2", "avx512f", "avx512_bf16"]}


def make_row(recipe: Recipe, accuracy: float = 0.91, **changes: Any) -> dict[str, Any]:
    row = {
        "recipe": recipe.name,
        "overrides": overrides_of(recipe),
        "seed": recipe.seed,
        "diverged": "",
        "parameters": 50_000,
        "train_seconds": 10.0 + recipe.seed,
        "validation_accuracy": accuracy + 0.01,
        "test_accuracy": accuracy,
        "best_epoch_on_test": {"epoch": 2, "accuracy": accuracy + 0.002},
        "float32": {"bytes": 200_000, "p50_us": 40.0},
        "int8": {"bytes": 60_000, "p50_us": 20.0, "accuracy_change": -0.001},
        "load_average": [0.5, 2.0],
        "accelerator": None,
        "hardware": AVX2,
        "versions": {"keras": "3", "tensorflow": "2"},
        "git_commit": None,
        "date": "2026-11-29",
    }
    return row | changes


def write_rows(folder: Path, rows: Sequence[dict[str, Any]], data: str = DATA) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        changes = dict(setting.split("=") for setting in row["overrides"])
        recipe = get_recipe(row["recipe"], **changes, seed=row["seed"])
        frontier.RunStore(folder, data).path(recipe).write_text(json.dumps(row))


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Recipe and seed of every run that would be trained, which then takes no time."""
    calls: list[str] = []

    def run(task: Task, *_: object, **__: object) -> dict[str, Any]:
        recipe, data_name = task.arguments
        job = from_json(json.loads(recipe))
        assert (task.module, data_name) == ("lib.frontier_run", "sample")
        calls.append(f"{job.name} {job.seed}")
        return make_row(job)

    monkeypatch.setattr(local, "attempt", run)
    return calls


@pytest.fixture
def collect(tmp_path: Path) -> Callable[[Sequence[Recipe], int], None]:
    def run(recipes: Sequence[Recipe], seeds: int) -> None:
        store = frontier.RunStore(tmp_path, DATA)
        frontier.collect_runs(store, recipes, seeds, "sample", None, lambda _: None)

    return run


def test_stored_run_is_not_repeated(
    collect: Callable[..., None], trained: list[str], tmp_path: Path
) -> None:
    recipes = frontier.choose_recipes(["sprint", "plain"], [])
    collect(recipes, 1)
    collect(recipes, 2)
    assert trained == ["sprint 0", "plain 0", "sprint 1", "plain 1"]
    collect(recipes, 2)
    collect(recipes, 0)
    assert len(trained) == 4
    collect(frontier.choose_recipes(["sprint"], ["epochs=3"]), 1)  # another recipe
    assert trained[4:] == ["sprint 0"]
    assert len(frontier.RunStore(tmp_path, DATA).rows()) == 5


def test_damaged_file_is_made_anew(
    collect: Callable[..., None], trained: list[str], tmp_path: Path
) -> None:
    frontier.RunStore(tmp_path, DATA).path(SPRINT).write_text("{")
    assert frontier.RunStore(tmp_path, DATA).rows() == []
    collect([SPRINT], 1)
    assert trained == ["sprint 0"]


def test_key_is_that_of_what_decides_about_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    key = frontier.run_key(SPRINT, DATA)
    assert key == frontier.run_key(replace(SPRINT, name="other", seed=5), DATA)
    assert key != frontier.run_key(replace(SPRINT, filters=17), DATA)
    assert key != frontier.run_key(SPRINT, "1" * 64)
    monkeypatch.setattr("ankleboot.core.environment.NUMERICS_VERSION", 99)
    assert key != frontier.run_key(SPRINT, DATA)


def test_a_run_stays_in_the_summary_when_its_teacher_is_gone(tmp_path: Path) -> None:
    taught = replace(SPRINT, teacher=str(tmp_path / "gone"))
    store = frontier.RunStore(tmp_path, DATA)
    row = make_row(taught, teacher_sha256="2" * 64)
    store.path(taught, "2" * 64).write_text(json.dumps(row))
    assert store.rows() == [row]
    assert not store.has(taught)  # this teacher cannot be used again


def test_summary_leaves_out_runs_of_former_recipes_and_other_data(tmp_path: Path) -> None:
    write_rows(tmp_path, [make_row(SPRINT), make_row(replace(SPRINT, epochs=3))])
    write_rows(tmp_path, [make_row(replace(SPRINT, seed=1))], data="1" * 64)
    former = tmp_path / f"sprint-seed2-{frontier.run_key(replace(SPRINT, filters=17), DATA)}.json"
    former.write_text(json.dumps(make_row(replace(SPRINT, seed=2))))
    (tmp_path / "gone-seed0-0.json").write_text(json.dumps(make_row(replace(SPRINT, name="gone"))))
    rows = frontier.RunStore(tmp_path, DATA).rows()
    assert [(row["recipe"], row["overrides"]) for row in rows] == [
        ("sprint", []),
        ("sprint", ["epochs=3"]),
    ]


def test_summary_has_mean_and_spread_per_recipe() -> None:
    rows = [
        make_row(replace(SPRINT, seed=seed), accuracy)
        for seed, accuracy in enumerate((0.910, 0.912, 0.914))
    ]
    rows[1]["int8"] = {"failure": "the accuracy falls by 0.41 points (limit 0.3)"}
    rows[2]["hardware"] = BF16
    rows.append(make_row(replace(SPRINT, seed=3)) | {"diverged": "epoch 2: loss is nan"})
    rows.append(make_row(get_recipe("plain"), 0.90, parameters=7_000))
    plain, sprint = frontier.summarize(rows)
    assert (plain["recipe"], plain["runs"]) == ("plain", 1)
    assert plain["test_accuracy"] == {"mean": 0.90, "std": None}
    assert (sprint["runs"], sprint["diverged"], sprint["int8_failures"]) == (3, 1, 1)
    assert sprint["test_accuracy"] == pytest.approx({"mean": 0.912, "std": 0.002})
    assert sprint["best_epoch_on_test"]["mean"] == pytest.approx(0.914)
    assert sprint["best_epoch_gain"] == pytest.approx({"mean": 0.002, "std": 0.0})
    assert sprint["int8_change"]["mean"] == pytest.approx(-0.001)
    machines = {each["machine"]: each for each in sprint["machines"]}
    assert machines["2 cores, AVX2"]["train_seconds"] == 10.5
    assert machines["2 cores, AVX2"]["int8_p50_us"] == 20.0
    assert machines["2 cores, bfloat16"]["runs"] == 1


def test_recipes_for_photos_are_refused_or_left_out() -> None:
    names = frontier.default_recipes()
    assert {"plain", "leaky", "sprint", "pocket"} <= set(names)
    assert not {"simulated", "transfer", "small", "tiny"} & set(names)
    with pytest.raises(UsageError, match="tiny: expected a recipe that trains from scratch"):
        frontier.choose_recipes(["tiny"], [])
    with pytest.raises(UsageError, match="expected KEY=VALUE"):
        frontier.choose_recipes(["sprint"], ["epochs"])


def test_every_published_point_says_how_it_was_chosen() -> None:
    points = frontier.published_points()
    assert {point["selection"] for point in points} <= {"final", "validation", "test", "unstated"}
    assert {point["data"] for point in points} <= {"current", "old", "unstated"}
    assert all(point["source"].startswith("https://") or point["claim"] for point in points)
    sizes = [point["parameters"] for point in points]
    assert sizes == sorted(sizes)


def test_labels_of_the_figure_cover_nothing() -> None:
    rows = []
    for number, name in enumerate(("plain", "leaky", "sprint", "pocket")):
        recipe = get_recipe(name)
        accuracy, size = 0.92 + number / 100, 9_000 * 3**number
        rows += [
            make_row(replace(recipe, seed=seed), accuracy + seed / 1000, parameters=size)
            for seed in range(3)
        ]
    points = frontier.published_points()
    figure = frontier_plot.draw_frontier(frontier.summarize(rows), points)
    assert figure.get_facecolor() == (1, 1, 1, 1)
    renderer = FigureCanvasAgg(figure).get_renderer()
    for axes in figure.axes:
        labels = [each for each in axes.texts if isinstance(each, Annotation)]
        assert len(labels) >= 4
        boxes = [label.get_window_extent(renderer) for label in labels]
        legend = axes.get_legend()
        assert legend
        boxes.append(legend.get_window_extent(renderer))
        assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
        assert all(axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1 + 1 for box in boxes)


@pytest.mark.parametrize("num_rows", [0, 3])
def test_command_writes_table_and_figure_from_stored_runs(tmp_path: Path, num_rows: int) -> None:
    sha256 = load_data("sample").train_sha256
    rows = [make_row(replace(SPRINT, seed=seed), 0.91) for seed in range(num_rows)]
    write_rows(tmp_path / "frontier", rows, sha256)
    arguments = ["frontier", "--seeds", "0", "--data", "sample", "--output", str(tmp_path)]
    result = CliRunner().invoke(bench, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    document = json.loads((tmp_path / "frontier.json").read_text())
    assert len(document["summary"]) == (num_rows > 0)
    assert document["published"] == []  # they are of the whole data set
    assert ("91.00 +- 0.00 (n = 3)" in result.stdout) == (num_rows > 0)
    assert (tmp_path / "frontier.png").stat().st_size > 10_000


def test_judging_epochs_on_test_changes_no_bit_of_the_run(
    bar_run: Run, bar_data: Dataset, tmp_path: Path
) -> None:
    """The weights are those of a run without it, and the record counts two test evaluations."""
    row = measure_run(TINY, bar_data, tmp_path)
    assert row["weights_sha256"] == bar_run.result()["weights_sha256"]
    assert len(row["test_by_epoch"]) == row["epochs"] == TINY.epochs
    assert row["test_by_epoch"][row["model_epoch"] - 1] == row["test_accuracy"]
    assert row["best_epoch_on_test"]["accuracy"] == max(row["test_by_epoch"])
    assert row["int8"]["bytes"] < row["float32"]["bytes"]
    (folder,) = tmp_path.iterdir()
    counted = json.loads((folder / "test_reads.json").read_text())
    assert counted == {"test_reads": 2}  # the figure, and the comparison of int8
