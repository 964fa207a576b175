"""Measure ensembles and test-time views on validation images: accuracy, calibration and passes.

    ankleboot train sprint --set seed=1 --run-dir runs/sprint-1        # and others
    python benchmarks/ensembles.py runs/sprint-1 runs/sprint-2

The test split is not read. Views are measured for every run and for "pretrained"; figures of runs
are means. Writes benchmarks/results/ensembles.json.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.files import write_json
from ankleboot.core.subprocesses import machine_info
from ankleboot.core.types import Probs
from ankleboot.core.views import VIEWS
from ankleboot.data.dataset import LabeledImages
from ankleboot.data.load import load_data
from ankleboot.evaluation.calibration import expected_calibration_error
from ankleboot.evaluation.ensemble import load_ensemble
from ankleboot.evaluation.metrics import log_loss
from ankleboot.evaluation.prediction_cache import cached_predictions
from ankleboot.evaluation.select_split import validation_images
from ankleboot.inference.load import ResolvedModel, resolve_model
from ankleboot.inference.views import ViewsPredictor, cost_of

RESULT = Path(__file__).parent / "results/ensembles.json"
THRESHOLDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("runs", type=Path, nargs="+")
    arguments = parser.parse_args()
    runs = [resolve_model(path) for path in arguments.runs]
    images = validation_images(runs[0].predictor.info, load_data())
    ensemble = load_ensemble(runs)
    joined = resolve_model(ensemble)
    members = [cached_predictions(run, images.images, "validation") for run in runs]
    document: dict[str, Any] = {
        "command": "python benchmarks/ensembles.py RUN...",
        "recipe": runs[0].predictor.info.recipe,
        "num_runs": len(runs),
        "num_images": len(images),
        "members": [figures(probs, images) for probs in members],
        "mean_of_members": figures(np.mean(members, axis=0).astype(np.float32), images),
        "ensemble": figures(ensemble.combine(members), images),
        "temperature": ensemble.info.temperature,
        "views": {
            "runs": sweep(runs, images),
            "ensemble": sweep([joined], images),
            "pretrained": sweep([resolve_model("pretrained")], images),
        },
        **machine_info(),
    }
    write_json(RESULT, document)


def sweep(models: Sequence[ResolvedModel], images: LabeledImages) -> list[dict[str, Any]]:
    """Measure both kinds of views at every threshold; figures are means over the models."""
    rows: list[dict[str, Any]] = []
    for views in VIEWS:
        measured = [measure(model, images, views) for model in models]
        for below, *same in zip(THRESHOLDS, *measured, strict=True):
            means = {key: float(np.mean([each[key] for each in same])) for key in same[0]}
            rows.append({"views": views, "below": below} | means)
            print(rows[-1], flush=True)
    return rows


def measure(model: ResolvedModel, images: LabeledImages, views: str) -> list[dict[str, float]]:
    """Return accuracy, calibration and passes of a model with views, for every threshold.

    All images get their views once; a threshold then selects.
    """
    plain = cached_predictions(model, images.images, "validation")
    viewed, passes = ViewsPredictor(model.predictor, views, 1.0).with_views(images.images, plain)
    per_view, rows = model.predictor.info.passes, []
    for below in THRESHOLDS:
        is_unsure = (plain.max(axis=1) < below) | (below == 1)
        probs = np.where(is_unsure[:, None], viewed, plain)
        cost = cost_of(per_view, np.where(is_unsure, passes, per_view))
        rows.append(figures(probs, images) | {"passes_per_image": cost.passes_per_image})
    return rows


def figures(probs: Probs, images: LabeledImages) -> dict[str, float]:
    """Return accuracy, loss, calibration error and mean confidence."""
    return {
        "accuracy": float((probs.argmax(axis=1) == images.labels).mean()),
        "loss": log_loss(probs, images.labels),
        "ece": expected_calibration_error(probs, images.labels),
        "confidence": float(probs.max(axis=1).mean()),
    }


if __name__ == "__main__":
    main()
