"""Measure each recipe over several seeds: two reference implementations and our recipes.

    python benchmarks/reproduce.py

The script trains each recipe with each seed, evaluates each run on the test split once, and writes
benchmarks/results/reproduction.json, docs/reproduction.md, the table in README.md and
src/ankleboot/recipes/measured_results.json. It resumes interrupted runs and keeps complete ones.
--report-only trains nothing and reports the complete runs. --keep keeps the rows of an earlier
reproduction.json with the same recipes and trains only the missing runs. Recipes that only
`bench.py frontier` has measured come into measured_results.json from its stored runs.
"""

import argparse
import json
import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ankleboot.core.files import atomic_write, write_json
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import RECIPES
from ankleboot.recipes.parse import from_json
from lib.frontier import RunStore

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks/results/reproduction.json"
FRONTIER = ROOT / "benchmarks/results/frontier.json"
PAGE = ROOT / "docs/reproduction.md"
README = ROOT / "README.md"
MEASURED = ROOT / "src/ankleboot/recipes/measured_results.json"

PUBLISHED: dict[str, dict[str, Any]] = {
    "plain": {"test_accuracy": (0.89, 0.91)},
    "leaky": {
        "parameters": 356_234,
        "train_accuracy": 0.9884,
        "validation_accuracy": 0.9176,
        "test_accuracy": (0.9123, 0.9123),
    },
}
"""Results that the authors of the reference implementations reported, some as a range."""
SEEDS = {"sprint": 10, "pocket": 5, "plain": 5, "leaky": 5}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--seeds", type=int, default=max(SEEDS.values()), help="most seeds per recipe"
    )
    parser.add_argument("--runs", type=Path, default=ROOT / "runs/reproduction")
    parser.add_argument("--report-only", action="store_true")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    rows = earlier_rows() if arguments.keep else {}
    for seed in range(arguments.seeds):  # the outer loop: a partial result covers all recipes
        for name in SEEDS:
            if seed >= SEEDS[name]:
                continue
            run = Run(arguments.runs / f"{name}-seed{seed}")
            if (name, seed) not in rows and not arguments.report_only:
                make(name, seed, run.folder)
            if run.is_complete:
                if not (run.folder / "evaluation-test.json").exists():
                    command("evaluate", str(run.folder), "--split", "test", "--json")
                rows[name, seed] = collect(run)
    runs = [rows[key] for key in sorted(rows, key=lambda key: (list(RECIPES).index(key[0]), key))]
    write_json(RESULT, {"command": "python benchmarks/reproduce.py", "runs": runs})
    report(runs)


def earlier_rows() -> dict[tuple[str, int], dict[str, Any]]:
    """Return the stored rows whose recipe has not changed."""
    rows = json.loads(RESULT.read_text())["runs"] if RESULT.exists() else []
    return {
        (row["recipe"], row["seed"]): row
        for row in rows
        if from_json(row["settings"]) == replace(RECIPES[row["recipe"]], seed=row["seed"])
    }


def make(name: str, seed: int, folder: Path) -> None:
    if (folder / "manifest.json").exists():
        command("train", "--resume", str(folder), "--json")
    else:
        command("train", name, "--seed", str(seed), "--run-dir", str(folder), "--json")


def command(*arguments: str) -> None:
    print("ankleboot", *arguments, flush=True)
    subprocess.run(
        [sys.executable, "-m", "ankleboot", *arguments], check=True, stdout=subprocess.DEVNULL
    )


def collect(run: Run) -> dict[str, Any]:
    """Return the figures of a run after checking its recipe."""
    result, manifest, recipe = run.result(), run.manifest(), run.recipe()
    if recipe != replace(RECIPES[recipe.name], seed=recipe.seed):
        raise SystemExit(f"{run.folder}: made by another recipe than today's {recipe.name}")
    evaluation = json.loads((run.folder / "evaluation-test.json").read_text())
    history = run.history()
    lowest = min(history, key=lambda record: record.validation_loss)
    return {
        "recipe": recipe.name,
        "seed": recipe.seed,
        "settings": recipe.to_json(),
        "parameters": result["parameters"],
        "epochs": result["epochs"],
        "train_accuracy": result["train"]["accuracy"],
        "train_loss": result["train"]["loss"],
        "validation_accuracy": result["validation"]["accuracy"],
        "validation_loss": result["validation"]["loss"],
        "lowest_validation_loss": lowest.validation_loss,
        "lowest_validation_loss_epoch": lowest.epoch,
        "test_accuracy": evaluation["accuracy"],
        "num_test": evaluation["num_examples"],
        "test_reads": evaluation["test_reads"],
        "epoch_seconds": statistics.median(record.seconds for record in history),
        "model_bytes": run.model_path.stat().st_size,
        "weights_sha256": result["weights_sha256"],
        "data": manifest["data"],
        "split": manifest["split"],
        "hardware": manifest["hardware"],
        "versions": manifest["versions"],
        "date": manifest["created"][:10],
    }


def report(runs: list[dict[str, Any]]) -> None:
    """Write the page, the table in README.md and the figures for `ankleboot recipes`."""
    groups = {name: [run for run in runs if run["recipe"] == name] for name in RECIPES}
    sections = [section(name, own) for name, own in groups.items() if own]
    write_json(MEASURED, measured(runs))
    atomic_write(PAGE, (HEAD + "\n".join(sections)).encode())
    before, start, rest = README.read_text().partition(README_START)
    _, end, after = rest.partition(README_END)
    table = "\n".join(readme_table(runs))
    atomic_write(README, f"{before}{start}\n{table}\n{end}{after}".encode())


def measured(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what `ankleboot recipes` shows, by recipe; `frontier` gives what `runs` has not."""
    own = {name: [run for run in runs if run["recipe"] == name] for name in RECIPES}
    further = frontier_runs()
    for name in RECIPES:
        own[name] = own[name] or [run for run in further if run["recipe"] == name]
    return {name: figures(own[name]) for name in RECIPES if own[name]}


def frontier_runs() -> list[dict[str, Any]]:
    """Return the stored runs of today's recipes without overrides that `bench.py frontier` made."""
    document = json.loads(FRONTIER.read_text())
    store = RunStore(FRONTIER.with_suffix(""), document["data"]["train_sha256"])
    return [
        row | {"epoch_seconds": epoch_seconds(row)}
        for row in store.rows()
        if not row["overrides"] and not row["diverged"]
    ]


def epoch_seconds(row: dict[str, Any]) -> float:
    """Return the mean seconds of an epoch and its validation."""
    stages: dict[str, float] = row["stages"]
    return (stages["steps"] + stages["evaluation"]) / int(row["epochs"])


def figures(own: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what `ankleboot recipes` shows of a recipe's runs."""
    accuracies = [run["test_accuracy"] for run in own]
    hardware = own[-1]["hardware"]
    instructions = " ".join(hardware["cpu_flags"])
    return {
        "parameters": own[0]["parameters"],
        "accuracy_mean": statistics.mean(accuracies),
        "accuracy_std": statistics.stdev(accuracies) if len(own) > 1 else None,
        "num_seeds": len(own),
        "epoch_seconds": statistics.median(run["epoch_seconds"] for run in own),
        "hardware": f"{hardware['cores']} cores, {hardware['cpu']} ({instructions})",
        "date": own[-1]["date"],
    }


README_START = "<!-- results: written by benchmarks/reproduce.py -->"
README_END = "<!-- end of results -->"


def readme_table(runs: list[dict[str, Any]]) -> list[str]:
    lines = [
        "| recipe | parameters | epochs | test accuracy | published | `model.keras` |",
        "|---|---|---|---|---|---|",
    ]
    for name in RECIPES:
        own = [run for run in runs if run["recipe"] == name]
        if own:
            first = own[0]
            published = percent(PUBLISHED.get(name, {}).get("test_accuracy"))
            lines.append(
                f"| `{name}` | {first['parameters']:,} | {first['epochs']} | "
                f"{spread(own, 'test_accuracy', 100)} % (n = {len(own)}) | {published} | "
                f"{first['model_bytes'] / 1e6:.1f} MB |"
            )
    last = runs[-1]
    machine = f"{last['hardware']['cores']} cores, {last['hardware']['cpu']}, {last['date']}"
    note = f"10,000 test images, read once per run; n is the number of seeds; {machine};"
    return [*lines, "", note, "[Reproduction](docs/reproduction.md) has the rest."]


HEAD = """# The recipes, measured: two published networks reproduced, and our own

Written by `python benchmarks/reproduce.py`; the figures of every run, with hardware, versions and
hashes, are in [reproduction.json](../benchmarks/results/reproduction.json). The test split was read
once per run, after training. Spread is the sample standard deviation over seeds; seconds are wall
time on the named machine, which ran other work too.

"""


def section(name: str, own: list[dict[str, Any]]) -> str:
    published = PUBLISHED.get(name, {})
    lines = [
        f"## `{name}`: {own[0]['epochs']} epochs, n = {len(own)} (seeds {listed(own, 'seed')})",
        "",
        "| | published | here |",
        "|---|---|---|",
        f"| parameters | {number(published.get('parameters'))} | {own[0]['parameters']:,} |",
    ]
    for key, title in (
        ("train_accuracy", "training accuracy"),
        ("validation_accuracy", "validation accuracy"),
        ("test_accuracy", "test accuracy"),
    ):
        lines.append(f"| {title} | {percent(published.get(key))} | {spread(own, key, 100)} % |")
    lines += [
        f"| training loss at the end | | {spread(own, 'train_loss')} |",
        f"| validation loss at the end | | {spread(own, 'validation_loss')} |",
        f"| lowest validation loss | | {spread(own, 'lowest_validation_loss')} |",
        f"| epoch of the lowest | | {listed(own, 'lowest_validation_loss_epoch')} |",
        f"| seconds per epoch | | {statistics.median(run['epoch_seconds'] for run in own):.1f} |",
        "",
        "; ".join(dict.fromkeys(environment_line(run) for run in own)) + ".",
        "",
        agreement(own, published.get("test_accuracy")),
        "",
    ]
    return "\n".join(lines)


def environment_line(run: dict[str, Any]) -> str:
    """Describe hardware, versions and date of a run."""
    hardware, versions = run["hardware"], run["versions"]
    tensorflow = versions.get("tensorflow-cpu") or versions.get("tensorflow")
    return (
        f"{hardware['cores']} cores, {hardware['cpu']} ({' '.join(hardware['cpu_flags'])}), "
        f"Keras {versions['keras']}, TensorFlow {tensorflow}, {run['date']}"
    )


def agreement(own: list[dict[str, Any]], published: tuple[float, float] | None) -> str:
    """Compare the mean test accuracy with the published one in standard deviations."""
    if published is None:
        return "There is no published figure."
    accuracies = [run["test_accuracy"] for run in own]
    mean, (low, high) = statistics.mean(accuracies), published
    gap = max(low - mean, mean - high, 0.0)
    if gap == 0:
        return "The mean lies within the published range."
    points = f"{100 * gap:.2f} points from the published figure"
    if len(own) < 2:
        return f"The one run is {points}; a single seed has no spread for a comparison."
    deviations = gap / statistics.stdev(accuracies)
    verdict = "within" if deviations <= 2 else "beyond"
    return f"The mean is {points}: {deviations:.1f} standard deviations, {verdict} two."


def spread(own: list[dict[str, Any]], key: str, scale: float = 1.0) -> str:
    values = [scale * run[key] for run in own]
    digits = 2 if scale == 100 else 4
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{statistics.mean(values):.{digits}f} +- {statistics.stdev(values):.{digits}f}"


def listed(own: list[dict[str, Any]], key: str) -> str:
    return ", ".join(str(run[key]) for run in own)


def number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def percent(value: float | tuple[float, float] | None) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        low, high = value
        return f"{100 * low:.2f} %" if low == high else f"{100 * low:g} to {100 * high:g} %"
    return f"{100 * value:.2f} %"


if __name__ == "__main__":
    main()
