"""Images without a garment, judged by the models of the five folds, as `ankleboot predict` does.

For tools/make_photo_model.py. Each fold's model judges what it has not seen: the photos of its
fold, and all of the foreign images, which no model and no choice has seen.
"""

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.files import sha256_of_file
from ankleboot.evaluation.photo_kinds import GARMENT_KINDS
from ankleboot.evaluation.robustness.out_of_distribution import auroc
from photo_decisions import OutOfFoldPhoto, calibrations_of_folds
from photo_folds import Fold, judge_images

TABLE = "pictures.csv"  # written by benchmarks/foreign_pictures.py


def summarize_foreign(
    folder: Path, predicted: list[OutOfFoldPhoto], folds: list[Fold]
) -> dict[str, Any]:
    """Compute how well the check tells foreign images from garments, and how many are answered."""
    with (folder / TABLE).open(newline="") as file:
        rows = list(csv.DictReader(file))
    calibrations, separations = calibrations_of_folds(predicted), []
    answered: dict[str, list[bool]] = defaultdict(list)
    causes: dict[str, int] = defaultdict(int)
    for number, fold in enumerate(folds, 1):
        predictor = fold.load()
        judged = judge_images([folder / row["path"] for row in rows], number, predictor)
        weight = calibrations[number].weight
        garments = [
            each.judged.similarity(weight)
            for each in predicted
            if each.judged.fold == number
            and each.source.kind in GARMENT_KINDS
            and not each.source.is_further
        ]
        foreign = np.array([each.similarity(weight) for each in judged])
        separations.append(auroc(-foreign, -np.array(garments)))
        for row, each in zip(rows, judged, strict=True):
            prediction = each.decide(calibrations[number])
            answered[row["kind"]].append(not prediction.abstained)
            causes[prediction.cause or "answered"] += 1
        print(f"fold {number}: {len(rows)} foreign images, AUROC {separations[-1]:.4f}")
    flags = [flag for kind in answered.values() for flag in kind]
    return {
        "table_sha256": sha256_of_file(folder / TABLE),
        "num": len(rows),
        "num_kinds": len(answered),
        "auroc": float(np.mean(separations)),
        "auroc_by_fold": separations,
        "answered": float(np.mean(flags)),
        "answered_by_kind": {kind: float(np.mean(each)) for kind, each in answered.items()},
        "causes": {cause: count / len(flags) for cause, count in sorted(causes.items())},
    }
