"""Measure macro recall at an imbalance of 1 to 50, with and without class weights.

    python benchmarks/class_weights.py [--seeds 3] [--epochs 15]

Five classes of the shipped sample keep their 200 training images, the other five keep 4 of them;
every run of a seed trains on the same images. The 500 test images of the sample, 50 of each class,
serve as validation images. "repeated" repeats the rare images until all classes have the same
number, as a balanced sampler does. Writes benchmarks/results/class_weights.json, and prints the
table of docs/experiments.md.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.files import write_json
from ankleboot.core.silence import import_keras
from ankleboot.core.subprocesses import machine_info
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.load import load_data
from ankleboot.inference.load import load_predictor
from ankleboot.recipes.catalog import PLAIN

RESULT = Path(__file__).parents[1] / "benchmarks/results/class_weights.json"
RATIO = 50
RARE = range(1, 10, 2)
KINDS = ("off", "0.5", "balanced", "repeated")


def imbalanced(sample: Dataset, seed: int, *, repeated: bool) -> Dataset:
    """Keep one in `RATIO` images of the rare classes, and validate on the test images."""
    train, generator = sample.train, np.random.default_rng(seed)
    rows = []
    for label in range(len(sample.class_names)):
        own = generator.permutation(np.flatnonzero(train.labels == label))
        if label in RARE:
            own = own[: len(own) // RATIO]
            own = np.repeat(own, RATIO) if repeated else own
        rows.append(own)
    chosen = np.concatenate(rows)
    images = np.concatenate([train.images[chosen], sample.test.images])
    labels = np.concatenate([train.labels[chosen], sample.test.labels])
    validation = np.arange(len(chosen), len(labels), dtype=np.int64)
    return replace(sample, train=LabeledImages(images, labels), validation=validation)


def measure(kind: str, seed: int, epochs: int) -> dict[str, Any]:
    """Train once, and measure the recall of frequent and rare classes."""
    from ankleboot.training.trainer import fit

    data = imbalanced(load_data("sample"), seed, repeated=kind == "repeated")
    weights = "off" if kind == "repeated" else kind
    if kind == "repeated":  # as many steps as the others: RATIO times the rare images
        epochs = max(1, round(epochs * (1 + 1 / RATIO) / 2))
    recipe = replace(PLAIN, epochs=epochs, seed=seed, class_weights=weights)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = fit(recipe, data, Path(folder) / "run")
        predicted = load_predictor(run.folder).predict(data.test.images).argmax(axis=1)
    recalls = [
        float((predicted[data.test.labels == label] == label).mean())
        for label in range(len(data.class_names))
    ]
    return {
        "kind": kind,
        "seed": seed,
        "epochs": epochs,
        "macro_recall": statistics.mean(recalls),
        "rare": statistics.mean(recalls[label] for label in RARE),
        "frequent": statistics.mean(recalls[label] for label in range(10) if label not in RARE),
        "never_predicted": sum(recall == 0 for recall in recalls),
        "seconds": round(time.perf_counter() - started, 1),
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Write the means over the seeds as a Markdown table."""
    lines = [
        "| class_weights | macro recall | rare classes | frequent classes |",
        "|---|--:|--:|--:|",
    ]
    for kind in KINDS:
        own = [row for row in rows if row["kind"] == kind]
        cells = []
        for field in ("macro_recall", "rare", "frequent"):
            values = [100 * row[field] for row in own]
            spread = f" +- {statistics.stdev(values):.1f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.1f}{spread}")
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=15)
    arguments = parser.parse_args()
    import_keras()
    rows = []
    for seed in range(arguments.seeds):
        for kind in KINDS:
            rows.append(measure(kind, seed, arguments.epochs))
            print(rows[-1], file=sys.stderr)
    document = {
        "command": f"python benchmarks/class_weights.py --seeds {arguments.seeds} "
        f"--epochs {arguments.epochs}",
        "ratio": RATIO,
        "recipe": f"plain, {arguments.epochs} epochs",
        "machine": machine_info(),
        "rows": rows,
    }
    write_json(RESULT, document)
    print(table(rows))


if __name__ == "__main__":
    main()
