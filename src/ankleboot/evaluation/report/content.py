"""Content of the report as plain values for the template."""

from typing import Any

import numpy as np

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.text import percent_text, share_text, truncate_middle
from ankleboot.evaluation.evaluate import Evaluation
from ankleboot.evaluation.explain.methods import reading_help
from ankleboot.evaluation.overfitting import diagnose_fit
from ankleboot.evaluation.report.confusions import cell_images, matrix_rows
from ankleboot.evaluation.report.explanations import METHODS, build_explanations
from ankleboot.evaluation.report.headline import build_headline
from ankleboot.evaluation.report.inputs import ReportInputs
from ankleboot.evaluation.report.provenance import build_provenance
from ankleboot.evaluation.report.sentences import describe_abstention, describe_run
from ankleboot.evaluation.report.sprite import MAX_SIDE, Sprite
from ankleboot.evaluation.robustness.corruptions import SEVERITIES

MAX_FULL_SIZE_CLASSES = 15  # beyond it the confusion matrix is small
NUM_MOST_CONFIDENT = 12
WHOLE_PHOTO = {
    "stretch": "the whole photo",
    "letterbox": "the whole photo between gray bands",
    "crop": "the square in the middle of the photo",
}
METRICS = (
    ("top2_accuracy", "top-2 accuracy", "the class is among the first two"),
    ("loss", "loss", "minus the logarithm of the true class's probability; less is better"),
    ("brier", "Brier score", "squared error of the probabilities; 0 is perfect"),
    ("ece", "calibration error", "mean gap between confidence and accuracy (ECE); 0 is perfect"),
)

MEANINGS = {
    "balanced_accuracy": "recall, on average over the classes",
    "macro_f1": "F1 (harmonic mean of precision and recall), on average over the classes",
}


def build_content(inputs: ReportInputs) -> dict[str, Any]:
    """Return the names and values of report.html, those of the inputs among them."""
    run, names, errors = inputs.run, inputs.data.class_names, inputs.errors
    recipe, sprite = run.recipe(), Sprite(inputs.images.images)
    crop = WHOLE_PHOTO[recipe.fit] if recipe.crop == "none" else "one garment, cut out"
    explanations, notes = build_explanations(inputs)
    content = vars(inputs) | {
        "adopted": inputs.adopted,
        "headline": build_headline(inputs),
        "metrics": _metrics(inputs.evaluation),
        "sentences": describe_run(inputs),
        "captions": _captions(inputs),
        "classes": names,
        "is_large": len(names) > MAX_FULL_SIZE_CLASSES,
        "is_photo": inputs.images.images.shape[1] > MAX_SIDE,
        "is_own": names != CLASS_NAMES or inputs.data.folder_report is not None,
        "crop": f"{crop}, {recipe.image_spec} pixels",
        "num_train": run.manifest()["split"]["num_train"],
        "has_ood_check": bool(inputs.model.reference.info.ood_check),
        "matrix": matrix_rows(inputs),
        "cells": cell_images(inputs, sprite),
        "top_losses": _gallery(errors.top_losses, inputs, sprite),
        "most_confident": _gallery(errors.most_confident[:NUM_MOST_CONFIDENT], inputs, sprite),
        "least_confident": _gallery(errors.least_confident[:NUM_MOST_CONFIDENT], inputs, sprite),
        "explanations": explanations,
        "explanation_notes": notes,
        "map_help": reading_help(METHODS),
        "has_neighbors": inputs.has_neighbors,
        **_network_content(inputs),
        "severities": SEVERITIES,
        "worst_corruption": _worst_corruption(inputs),
        **build_provenance(run),
    }
    return content | {"sprite": sprite.data_url(), "sprite_rows": sprite.num_rows}


def _metrics(evaluation: Evaluation) -> list[dict[str, str]]:
    """Return name, value, interval and meaning of all metrics but the accuracy."""
    rows = []
    for field, name, meaning in METRICS:
        value, (low, high) = getattr(evaluation, field), getattr(evaluation, f"{field}_ci95")
        shown, interval = f"{value:.4f}", f"{low:.4f} to {high:.4f}"
        if field.endswith("accuracy"):
            shown = f"{share_text(value, 2)} %"
            interval = f"{share_text(low, 2)} to {share_text(high, 2)} %"
        rows.append({"name": name, "value": shown, "interval": interval, "meaning": meaning})
    for name, value in evaluation.metrics.items():
        row = {"name": name.replace("_", " "), "value": f"{value:.4f}", "interval": ""}
        rows.append(row | {"meaning": MEANINGS.get(name, "")})
    return rows


def _captions(inputs: ReportInputs) -> dict[str, str]:
    """Return what the charts of training and confidence show, in a sentence each."""
    captions = {"risk_coverage": describe_abstention(inputs)}
    if not inputs.adopted:
        sentences = diagnose_fit(inputs.run.history()).sentences
        captions |= {"loss_curve": sentences[1], "accuracy_curve": sentences[2]}
    return captions


def _gallery(
    indices: tuple[int, ...], inputs: ReportInputs, sprite: Sprite
) -> list[dict[str, Any]]:
    def describe(index: int) -> dict[str, Any]:
        probs, label = inputs.probs[index], inputs.images.labels[index]
        predicted = probs.argmax()
        return {
            "position": sprite.add(index),
            "name": inputs.images.name(index),
            "label": truncate_middle(inputs.data.class_names[label]),
            "predicted": truncate_middle(inputs.data.class_names[predicted]),
            "is_correct": label == predicted,
            "p_label": percent_text(float(probs[label])),
            "p_predicted": percent_text(float(probs[predicted])),
        }

    return [describe(index) for index in indices]


def _network_content(inputs: ReportInputs) -> dict[str, Any]:
    """Return what the report shows of the network; "has_network" tells whether there is one."""
    if inputs.model.network is None:
        return {"has_network": False, "filters": "", "feature_maps": (), "receptive_fields": ()}
    from ankleboot.evaluation.report.network import network_content  # imports TensorFlow

    return {"has_network": True} | network_content(inputs)


def _worst_corruption(inputs: ReportInputs) -> str:
    means = {name: float(np.mean(row)) for name, row in inputs.robustness.accuracy.items()}
    return min(means, key=means.__getitem__)
