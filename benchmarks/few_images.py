"""Measure the recipes for own classes on a folder of few photos: last epoch, best epoch, rates.

    python benchmarks/few_images.py --photos DIR [--only tiny transfer] [--per-class 60] [--seeds 3]

Takes as many photos of four classes of DIR/train, trains with each seed, and judges the last and
the best epoch on the run's own validation images and on all photos of DIR/validation of these
classes, which no training sees. "unscaled" is the recipe with its peak rate in spite of the few
steps, as it was before the rate followed them. Writes benchmarks/results/few_images.json, and
prints a table.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ankleboot.core.files import write_json
from ankleboot.core.silence import import_keras
from ankleboot.core.subprocesses import machine_info
from ankleboot.data.load import load_data
from ankleboot.evaluation.overfitting import diagnose_fit
from ankleboot.inference.load import load_predictor
from ankleboot.recipes.catalog import get_recipe
from ankleboot.recipes.recipe import Recipe

RESULT = Path(__file__).parents[1] / "benchmarks/results/few_images.json"
CLASSES = ("dress", "longsleeve", "pants", "t-shirt")


def copy_photos(photos: Path, folder: Path, per_class: int) -> None:
    """Make a folder of the first photos of each class, and a second one of all others to judge."""
    for part, limit in (("train", per_class), ("validation", None)):
        for name in CLASSES:
            target = folder / part / name
            target.mkdir(parents=True)
            for photo in sorted((photos / part / name).iterdir())[:limit]:
                shutil.copy(photo, target)


def measure(recipe: Recipe, variant: str, seed: int, folder: Path) -> dict[str, Any]:
    """Train once; judge the last and the best epoch."""
    from ankleboot.training.early_stopping import result_epoch
    from ankleboot.training.trainer import fit

    data = load_data(str(folder / "train"), image_spec=recipe.image_spec)
    held_out = load_data(str(folder / "validation"), image_spec=recipe.image_spec)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as runs:
        run = fit(replace(recipe, seed=seed, keep="last"), data, Path(runs) / "run")
        seconds, history = time.perf_counter() - started, run.history()
        best = run.result()["best_epoch"]
        kept = result_epoch(recipe, history, run.manifest()["split"]["num_validation"])
        labels = held_out.train.labels
        accuracy = {
            kept: float(
                (
                    load_predictor(path).predict(held_out.train.images).argmax(axis=1) == labels
                ).mean()
            )
            for kept, path in (("last", run.folder), ("best", run.best_path))
        }
    return {
        "recipe": recipe.name,
        "variant": variant,
        "seed": seed,
        "best_epoch": best,
        "validation_last": history[-1].validation_accuracy,
        "validation_best": history[best - 1].validation_accuracy,
        "kept_epoch": kept,
        "new_kept": accuracy["best" if kept == best else "last"],
        "new_last": accuracy["last"],
        "new_best": accuracy["best"],
        "verdict": diagnose_fit(history, recipe).verdict,
        "seconds": round(seconds, 1),
        "loss": [round(record.validation_loss, 3) for record in history],
        "train_loss": [round(record.train_loss, 3) for record in history],
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Write the means over the seeds as a Markdown table."""
    lines = [
        "| recipe | rate | validation, last | best | new photos, last | best | kept | verdicts |",
        "|---|---|--:|--:|--:|--:|--:|---|",
    ]
    for key in dict.fromkeys((row["recipe"], row["variant"]) for row in rows):
        own = [row for row in rows if (row["recipe"], row["variant"]) == key]
        cells = []
        for field in ("validation_last", "validation_best", "new_last", "new_best", "new_kept"):
            values = [100 * row[field] for row in own]
            spread = f" +- {statistics.stdev(values):.1f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.1f}{spread}")
        verdicts = ", ".join(row["verdict"] for row in own)
        lines.append(f"| {key[0]} | {key[1]} | {' | '.join(cells)} | {verdicts} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--only", nargs="+", default=["tiny"])
    parser.add_argument("--per-class", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--variants", nargs="+", default=["unscaled", "scaled"])
    parser.add_argument("--set", nargs="*", default=[], help="KEY=VALUE for every recipe")
    arguments = parser.parse_args()
    import_keras()
    changes = dict(setting.split("=", 1) for setting in arguments.set)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_photos(arguments.photos, folder, arguments.per_class)
        for recipe_name in arguments.only:
            scaled = get_recipe(recipe_name, **changes)
            for variant in arguments.variants:
                recipe = scaled if variant == "scaled" else replace(scaled, full_rate_steps=0)
                for seed in range(arguments.seeds):
                    rows.append(measure(recipe, variant, seed, folder))
                    print(rows[-1], file=sys.stderr)
    if RESULT.exists():  # other recipes and variants stay
        measured = {(row["recipe"], row["variant"]) for row in rows}
        stored = json.loads(RESULT.read_text())["rows"]
        rows = [row for row in stored if (row["recipe"], row["variant"]) not in measured] + rows
    document = {
        "command": " ".join(["python", *sys.argv]).replace(str(arguments.photos), "DIR"),
        "photos": f"{arguments.per_class} of each of {', '.join(CLASSES)}",
        "machine": machine_info(),
        "rows": rows,
    }
    write_json(RESULT, document)
    print(table(rows))


if __name__ == "__main__":
    main()
