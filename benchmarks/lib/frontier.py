"""Accuracy of our recipes by parameters, bytes and seconds, beside published points.

Each run of a recipe and a seed is stored in a file of its own, so that runs can be collected over
several sittings and machines. A stored run is not repeated while its recipe, the data and
`NUMERICS_VERSION` stay; files of others are kept and left out of the summary.
"""

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ankleboot.core import environment
from ankleboot.core.errors import AnklebootError, EnvironmentFailure, UsageError
from ankleboot.core.executors.executor import Task
from ankleboot.core.executors.local import LocalExecutor
from ankleboot.core.files import make_folder, sha256_of, write_json
from ankleboot.core.progress import RemainingTime
from ankleboot.inference.load import resolve_model
from ankleboot.recipes.catalog import RECIPES, get_recipe
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.recipes.recipe import Recipe

PUBLISHED = Path(__file__).parents[1] / "frontier_published.json"

Row = dict[str, Any]


def default_recipes() -> list[str]:
    """List the recipes that learn Fashion-MNIST as it is, without photos and from scratch."""
    return [
        name
        for name, recipe in RECIPES.items()
        if is_comparable(recipe) and not recipe.photo_simulation
    ]


def is_comparable(recipe: Recipe) -> bool:
    """Return whether a recipe trains a network from scratch on images like Fashion-MNIST's."""
    return recipe.architecture != "transfer" and recipe.image_spec == ImageSpec()


def choose_recipes(names: Sequence[str], settings: Sequence[str]) -> list[Recipe]:
    """Return the named recipes (all default ones if none is), with some fields changed.

    Raises:
        UsageError: If a recipe or field is unknown, or a recipe is not comparable.
    """
    changes = _changes(settings)
    recipes = [get_recipe(name, **changes) for name in names or default_recipes()]
    for recipe in recipes:
        if not is_comparable(recipe):
            raise UsageError(
                f"{recipe.name}: expected a recipe that trains from scratch on 28 x 28 gray "
                f"images; valid: {', '.join(default_recipes())}"
            )
    return recipes


def _changes(settings: Iterable[str]) -> dict[str, str]:
    pairs = [setting.partition("=") for setting in settings]
    for key, equals, _ in pairs:
        if not equals:
            raise UsageError(f"--set {key}: expected KEY=VALUE")
    return {key: value for key, _, value in pairs}


def decisive_fields(recipe: Recipe) -> dict[str, Any]:
    """Return the fields that differ from their defaults, without name and seed."""
    defaults = Recipe(name="").to_json()
    own = recipe.to_json() | {"name": "", "seed": defaults["seed"]}
    return {key: value for key, value in own.items() if value != defaults[key]}


def run_key(recipe: Recipe, data_sha256: str, gone_teacher: str = "") -> str:
    """Return the key of a stored run: recipe, data and the arithmetic of training.

    Unlike that of a study it leaves out processor and versions, which the file holds: they change
    the last bits of weights and the seconds, not what the accuracies have in common.

    Args:
        recipe: Recipe of the run.
        data_sha256: Hash of the training file.
        gone_teacher: Checksum of the teacher's model, in case it is no longer on this machine.
    """
    decisive = {
        "recipe": decisive_fields(recipe),
        "data": data_sha256,
        "numerics": environment.NUMERICS_VERSION,
    }
    if recipe.teacher:
        decisive["teacher"] = _model_sha256(recipe.teacher) or gone_teacher
    return sha256_of(json.dumps(decisive, sort_keys=True).encode())[:12]


def _model_sha256(name: str) -> str:
    """Return the checksum of a teacher's model; "" if it is gone."""
    try:
        return resolve_model(name).predictor.info.model_sha256
    except AnklebootError:
        return ""


@dataclass(frozen=True)
class RunStore:
    """Files of the runs on one data set, a run in each."""

    folder: Path
    data_sha256: str

    def path(self, recipe: Recipe, gone_teacher: str = "") -> Path:
        """Return the file of the run of a recipe, whose seed counts."""
        key = run_key(recipe, self.data_sha256, gone_teacher)
        return self.folder / f"{recipe.name}-seed{recipe.seed}-{key}.json"

    def has(self, recipe: Recipe) -> bool:
        """Return whether the run is stored."""
        return _read(self.path(recipe)) is not None

    def rows(self) -> list[Row]:
        """Return the runs of the catalog's recipes as they are today, by recipe and seed.

        The overrides of a run count as part of its recipe.
        """
        rows = []
        for path in sorted(self.folder.glob("*.json")):
            row = _read(path)
            recipe = None if row is None else _current_recipe(row)
            teacher = (row or {}).get("teacher_sha256") or ""
            if row and recipe and path == self.path(recipe, teacher):
                rows.append(row)
        order = list(RECIPES)
        rows.sort(key=lambda row: (order.index(row["recipe"]), row["overrides"], row["seed"]))
        return rows


def _read(path: Path) -> Row | None:
    """Read a stored run; None if it is missing or damaged."""
    try:
        row: Row = json.loads(path.read_text())
        return row if {"recipe", "overrides", "seed", "diverged"} <= row.keys() else None
    except (OSError, ValueError, AttributeError):
        return None


def _current_recipe(row: Row) -> Recipe | None:
    """Return the recipe of this name and these overrides; None if it does not exist any more."""
    try:
        return get_recipe(row["recipe"], **_changes(row["overrides"]), seed=row["seed"])
    except UsageError:
        return None


def collect_runs(
    store: RunStore,
    recipes: Sequence[Recipe],
    seeds: int,
    data_name: str,
    runs: Path | None,
    progress: Callable[[str], None],
) -> None:
    """Make the missing runs, seed by seed, each in a fresh process, and store each at once.

    Args:
        store: Store of the finished runs.
        recipes: Recipes to train.
        seeds: Number of seeds of each, counted from 0.
        data_name: Name of the data set, as in `train`.
        runs: Folder that keeps the run folders; None to remove them.
        progress: Receiver of a line per run.

    Raises:
        EnvironmentFailure: If a run fails.
        Interrupted: On a signal; the finished runs are stored.
    """
    make_folder(store.folder)
    jobs = [replace(recipe, seed=seed) for seed in range(seeds) for recipe in recipes]
    missing = [job for job in jobs if not store.has(job)]
    progress(f"{len(jobs)} runs, {len(jobs) - len(missing)} of them stored")
    keep = [] if runs is None else [str(runs)]
    tasks = {
        Task(
            f"{job.name}, seed {job.seed}, {job.epochs} epochs",
            "lib.frontier_run",
            (json.dumps(job.to_json()), data_name, *keep),
        ): job
        for job in missing
    }
    remaining = RemainingTime(len(tasks))
    for outcome in LocalExecutor().run(list(tasks)):  # one at a time, for the seconds
        if outcome.document is None:
            raise EnvironmentFailure(f"{outcome.task.name}: {outcome.error}")
        write_json(store.path(tasks[outcome.task]), outcome.document)
        progress(f"{remaining.next()}  {outcome.task.name}: {describe(outcome.document)}")


def describe(row: Row) -> str:
    """Return the main figures of a run in a line."""
    if row["diverged"]:
        return f"diverged: {row['diverged']}"
    best = row["best_epoch_on_test"]["accuracy"]
    return (
        f"test {100 * row['test_accuracy']:.2f} % (best epoch on test {100 * best:.2f} %), "
        f"{row['parameters']:,} parameters, {row['train_seconds']:.1f} s of training"
    )


def frontier_document(store: RunStore, data_name: str) -> dict[str, Any]:
    """Return the summary of the stored runs beside the published points of Fashion-MNIST."""
    rows = store.rows()
    return {
        "data": {"name": data_name, "train_sha256": store.data_sha256},
        "summary": summarize(rows),
        "published": published_points() if data_name == "fashion-mnist" else [],
        "environments": environments(rows),
    }


def environments(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return hardware, versions and date of the latest run on each kind of machine."""
    latest = {describe_machine(row): row for row in sorted(rows, key=lambda row: str(row["date"]))}
    keys = ("hardware", "versions", "git_commit", "date")
    return [{"machine": name} | {key: row[key] for key in keys} for name, row in latest.items()]


def summarize(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return a row per recipe, the smallest network first.

    Seconds and latencies are medians by machine; int8 is that of the runs whose file was kept.
    """
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["recipe"], *row["overrides"]), []).append(row)
    summary = [_summarize_recipe(*group) for group in groups.items()]
    return sorted(summary, key=lambda row: row["parameters"] or 0)


def _summarize_recipe(key: tuple[str, ...], rows: Sequence[Row]) -> dict[str, Any]:
    done = [row for row in rows if not row["diverged"]]
    int8 = [row["int8"] for row in done if "failure" not in row["int8"]]
    float32 = [row["float32"] for row in done if "failure" not in row["float32"]]
    gains = [row["best_epoch_on_test"]["accuracy"] - row["test_accuracy"] for row in done]
    return {
        "recipe": key[0],
        "overrides": list(key[1:]),
        "parameters": done[0]["parameters"] if done else None,
        "runs": len(done),
        "diverged": len(rows) - len(done),
        "test_accuracy": mean_and_std(row["test_accuracy"] for row in done),
        "validation_accuracy": mean_and_std(row["validation_accuracy"] for row in done),
        "best_epoch_on_test": mean_and_std(row["best_epoch_on_test"]["accuracy"] for row in done),
        "best_epoch_gain": mean_and_std(gains),
        "int8_change": mean_and_std(row["accuracy_change"] for row in int8),
        "int8_bytes": max((row["bytes"] for row in int8), default=None),
        "int8_failures": len(done) - len(int8),
        "float32_bytes": max((each["bytes"] for each in float32), default=None),
        "machines": _by_machine(done),
    }


def mean_and_std(values: Iterable[float]) -> dict[str, float | None]:
    """Return the mean and the standard deviation of the sample; None for what too few give."""
    numbers = list(values)
    return {
        "mean": statistics.mean(numbers) if numbers else None,
        "std": statistics.stdev(numbers) if len(numbers) > 1 else None,
    }


def _by_machine(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return seconds and latencies of each kind of machine that made the runs."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(describe_machine(row), []).append(row)
    return [
        {
            "machine": machine,
            "runs": len(own),
            "train_seconds": statistics.median(row["train_seconds"] for row in own),
            "largest_load": max(max(row["load_average"]) for row in own),
            "float32_p50_us": _median(row["float32"].get("p50_us") for row in own),
            "int8_p50_us": _median(row["int8"].get("p50_us") for row in own),
        }
        for machine, own in groups.items()
    ]


def describe_machine(row: Row) -> str:
    """Return the accelerator, or the cores and the instructions that decide about seconds."""
    if row["accelerator"]:
        return str(row["accelerator"])
    hardware = row["hardware"]
    flags = set(hardware["cpu_flags"])
    if {"avx512_bf16", "amx_bf16"} & flags:
        kind = "bfloat16"
    elif "avx512f" in flags:
        kind = "AVX-512"
    else:
        kind = "AVX2" if "avx2" in flags else hardware["machine"]
    return f"{hardware['usable_cores']} cores, {kind}"


def _median(values: Iterable[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return statistics.median(numbers) if numbers else None


def published_points() -> list[dict[str, Any]]:
    """Read the published accuracies."""
    points: list[dict[str, Any]] = json.loads(PUBLISHED.read_text())["points"]
    return points
