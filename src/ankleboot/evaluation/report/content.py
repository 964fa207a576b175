"""Content of the report as plain values and figures for the template."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from ankleboot.core import plugins
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.text import truncate_middle
from ankleboot.core.types import Probs
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.evaluation import metrics, plots
from ankleboot.evaluation.calibration import reliability_diagram, risk_coverage
from ankleboot.evaluation.data_size import SizePoint, describe_data_size
from ankleboot.evaluation.error_analysis import ErrorAnalysis
from ankleboot.evaluation.evaluate import Evaluation
from ankleboot.evaluation.explain import features
from ankleboot.evaluation.overfitting import FitDiagnosis, diagnose_fit
from ankleboot.evaluation.plots.svg import png_url, svg
from ankleboot.evaluation.report.sentences import (
    describe_abstention,
    describe_calibration,
    describe_robustness,
)
from ankleboot.evaluation.report.sprite import Sprite
from ankleboot.evaluation.robustness.corruptions import SEVERITIES
from ankleboot.evaluation.robustness.measure_robustness import Robustness
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import PLAIN, RECIPES, overrides_of
from ankleboot.recipes.recipe import Recipe

IMAGES_PER_CELL = 18  # of the confusion matrix, with up to ten classes
MAX_FULL_SIZE_CLASSES = 15  # beyond it the confusion matrix is small
NUM_EXPLAINED = 8  # half of them errors
EXPLANATIONS = ("grad-cam", "occlusion", "integrated-gradients")


@dataclass(frozen=True)
class ReportInputs:
    """Measurements that the report shows."""

    run: Run
    data: Dataset
    images: LabeledImages
    probs: Probs
    calibration: Calibration
    evaluation: Evaluation
    errors: ErrorAnalysis
    robustness: Robustness
    model: Any
    sizes: tuple[SizePoint, ...] = ()


def build_content(inputs: ReportInputs) -> dict[str, Any]:
    """Return the names and values of report.html."""
    run, names = inputs.run, inputs.data.class_names
    diagnosis, result = diagnose_fit(run.history()), run.result()
    sprite = Sprite(inputs.images.images)
    errors = inputs.errors
    content = {
        "title": f"{result['recipe']}, seed {result['seed']}",
        "evaluation": inputs.evaluation,
        "headlines": _headlines(inputs.evaluation),
        "metrics": inputs.evaluation.metrics,
        "sentences": _sentences(inputs, diagnosis),
        "classes": names,
        "is_large": len(names) > MAX_FULL_SIZE_CLASSES,
        "is_own": names != CLASS_NAMES or inputs.data.folder_report is not None,
        "crop": _describe_crop(run.recipe()),
        "num_train": run.manifest()["split"]["num_train"],
        "cells": _cells(inputs, sprite),
        "errors": errors,
        "top_losses": _gallery(errors.top_losses, inputs, sprite),
        "most_confident": _gallery(errors.most_confident[:12], inputs, sprite),
        "least_confident": _gallery(errors.least_confident[:12], inputs, sprite),
        "calibration": inputs.calibration,
        "explanations": _explanations(inputs),
        "filters": png_url(plots.filters(features.first_filters(inputs.model))),
        "feature_maps": _feature_maps(inputs),
        "receptive_fields": features.receptive_fields(inputs.model),
        "robustness": inputs.robustness,
        "severities": SEVERITIES,
        "commands": _commands(run),
        "recipe": run.recipe().to_json(),
        "manifest": _manifest(run),
        "result": result,
        "test": _test_result(run),
    }
    return content | {"sprite": sprite.data_url(), "sprite_rows": sprite.num_rows}


def draw_charts(inputs: ReportInputs) -> dict[str, str]:
    """Return the charts of report.html as SVG elements."""
    history, best_epoch = inputs.run.history(), inputs.run.result()["best_epoch"]
    probs, labels = inputs.probs, inputs.images.labels
    return {
        "curves": svg(
            lambda: plots.learning_curves(history, best_epoch, ""),
            "Accuracy and loss by epoch, training and validation",
        ),
        "size_curve": svg(
            lambda: plots.size_curve(inputs.sizes), "Accuracy by the number of training images"
        )
        if inputs.sizes
        else "",
        "precision_recall": svg(
            lambda: plots.precision_recall(
                tuple(
                    metrics.precision_recall(probs, labels, index, name)
                    for index, name in enumerate(inputs.data.class_names)
                    if (labels == index).any()
                )
            ),
            "Precision by recall of every class",
        ),
        "reliability": svg(
            lambda: plots.reliability(reliability_diagram(probs, labels)),
            "Accuracy by confidence",
        ),
        "risk_coverage": svg(
            lambda: plots.risk_coverage(
                risk_coverage(probs, labels), inputs.calibration.abstain_below
            ),
            "Error rate by coverage",
        ),
    }


def _describe_crop(recipe: Recipe) -> str:
    """Describe the preprocessing of photos."""
    crop = "the whole photo" if recipe.crop == "none" else "one garment, cut out"
    return f"{crop}, {recipe.image_spec} pixels"


def _headlines(evaluation: Evaluation) -> list[dict[str, str]]:
    def percent(value: float, interval: tuple[float, float]) -> tuple[str, str]:
        low, high = interval
        return f"{100 * value:.2f} %", f"{100 * low:.2f} to {100 * high:.2f}"

    def number(value: float, interval: tuple[float, float]) -> tuple[str, str]:
        return f"{value:.4f}", f"{interval[0]:.4f} to {interval[1]:.4f}"

    e = evaluation
    rows = (
        ("accuracy", "correct predictions", *percent(e.accuracy, e.accuracy_ci95)),
        ("top-2", "class among the first two", *percent(e.top2_accuracy, e.top2_accuracy_ci95)),
        ("loss", "cross-entropy in nats; less is better", *number(e.loss, e.loss_ci95)),
        ("Brier", "squared error of the probabilities", *number(e.brier, e.brier_ci95)),
        ("ECE", "gap between confidence and accuracy", *number(e.ece, e.ece_ci95)),
    )
    names = ("name", "meaning", "value", "interval")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _sentences(inputs: ReportInputs, diagnosis: FitDiagnosis) -> list[str]:
    is_test = inputs.evaluation.split == "test"
    sizes = inputs.sizes
    return [
        *diagnosis.sentences[:2],
        *([describe_data_size(sizes, len(inputs.images))] if sizes else []),
        *inputs.errors.sentences,
        describe_calibration(inputs.calibration),
        describe_abstention(
            inputs.calibration, inputs.probs, inputs.images.labels, is_test=is_test
        ),
        describe_robustness(inputs.robustness),
    ]


def _cells(inputs: ReportInputs, sprite: Sprite) -> dict[str, list[list[Any]]]:
    """Return position in the sprite, name and confidence of images by "row-column"."""
    labels = inputs.images.labels
    predicted, confidence = inputs.probs.argmax(axis=1), inputs.probs.max(axis=1)
    cells = {}
    per_cell = max(3, min(IMAGES_PER_CELL, 10 * IMAGES_PER_CELL // len(inputs.data.class_names)))
    for row, column in np.unique(np.stack([labels, predicted], axis=1), axis=0):
        inside = np.flatnonzero((labels == row) & (predicted == column))
        chosen = inside[np.argsort(-confidence[inside], kind="stable")][:per_cell]
        cells[f"{row}-{column}"] = [
            [sprite.add(int(i)), inputs.images.name(int(i)), round(100 * float(confidence[i]))]
            for i in chosen
        ]
    return cells


def _gallery(
    indices: tuple[int, ...], inputs: ReportInputs, sprite: Sprite
) -> list[dict[str, Any]]:
    rows, names = [], inputs.data.class_names
    for index in indices:
        label, predicted = int(inputs.images.labels[index]), int(inputs.probs[index].argmax())
        rows.append(
            {
                "position": sprite.add(index),
                "name": inputs.images.name(index),
                "label": truncate_middle(names[label]),
                "predicted": truncate_middle(names[predicted]),
                "is_correct": label == predicted,
                "p_label": 100 * float(inputs.probs[index, label]),
                "p_predicted": 100 * float(inputs.probs[index, predicted]),
            }
        )
    return rows


def _explanations(inputs: ReportInputs) -> list[dict[str, str]]:
    """Explain some errors and some correct predictions."""
    labels, names, train = inputs.images.labels, inputs.data.class_names, inputs.data.train
    errors = [i for i in inputs.errors.top_losses if inputs.probs[i].argmax() != labels[i]]
    errors = errors[: NUM_EXPLAINED // 2]
    correct = inputs.errors.most_confident[: NUM_EXPLAINED - len(errors)]
    chosen = np.array([*errors, *correct])
    images = inputs.images.images[chosen]
    classes = inputs.probs[chosen].argmax(axis=1)
    maps = {
        name: plugins.resolve("explanations", name)(inputs.model, images, classes)
        for name in EXPLANATIONS
    }
    learned = inputs.data.split(inputs.run.recipe().split_rule).train
    nearest = features.nearest_training_images(inputs.model, images, train.images, learned, count=4)
    explanations = []
    for row, index in enumerate(chosen):
        predicted, label = names[classes[row]], names[labels[index]]
        verdict = "correct" if predicted == label else f"label {label}"
        figure = plots.explanation(
            images[row],
            {name: values[row] for name, values in maps.items()},
            "",
            train.images[nearest[row]],
            [names[train.labels[i]] for i in nearest[row]],
        )
        caption = f"{inputs.images.name(int(index))}: {predicted}, {verdict}"
        explanations.append({"caption": caption, "image": png_url(figure)})
    return explanations


def _feature_maps(inputs: ReportInputs) -> str:
    index = inputs.errors.most_confident[0] if inputs.errors.most_confident else 0
    maps = features.feature_maps(inputs.model, inputs.images.images[index][None])
    return png_url(plots.feature_maps({name: values[0] for name, values in maps.items()}))


def _commands(run: Run) -> str:
    """Return the commands that reproduce the run and its report."""
    recipe, data = run.recipe(), run.manifest()["data"]["name"]
    words = ["ankleboot train", recipe.name if recipe.name in RECIPES else PLAIN.name]
    words += [f"--set {change}" for change in overrides_of(recipe)]
    words += [f"--seed {recipe.seed}", f"--data {data}", "--run-dir RUN"]
    return " ".join(words) + f"\nankleboot report RUN --data {data}"


def _manifest(run: Run) -> dict[str, Any]:
    manifest = run.manifest()
    hardware = manifest["hardware"]
    return {
        "data": f"{manifest['data']['name']}, sha256 {manifest['data']['train_sha256'][:16]}...",
        "split": f"{manifest['split']['num_train']:,} training and "
        f"{manifest['split']['num_validation']:,} validation images, "
        f"sha256 {manifest['split']['sha256'][:16]}...",
        "hardware": f"{hardware['cores']} cores, {hardware['cpu']} ({hardware['machine']})",
        "arithmetic": manifest.get("arithmetic", ""),
        "versions": ", ".join(f"{k} {v}" for k, v in manifest["versions"].items()),
        "commit": manifest.get("git_commit") or "unknown",
        "created": manifest.get("created", ""),
        "model sha256": run.result()["model_sha256"],
    }


def _test_result(run: Run) -> dict[str, Any] | None:
    """Return the stored result of `evaluate --split test`, if there is one."""
    path = run.folder / "evaluation-test.json"
    try:
        document: dict[str, Any] = json.loads(path.read_text())
        accuracy, (low, high) = float(document["accuracy"]), document["accuracy_ci95"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {"accuracy": accuracy, "accuracy_ci95": (float(low), float(high))}
