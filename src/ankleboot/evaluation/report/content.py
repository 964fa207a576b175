"""What the page says, as plain values for the template."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

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
from ankleboot.evaluation.explain.methods import METHODS
from ankleboot.evaluation.overfitting import FitDiagnosis, diagnose_fit
from ankleboot.evaluation.plots.svg import picture, svg
from ankleboot.evaluation.report.sprite import Sprite
from ankleboot.evaluation.robustness.corruptions import SEVERITIES
from ankleboot.evaluation.robustness.measure import Robustness
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import PLAIN, RECIPES, overrides_of
from ankleboot.recipes.recipe import Recipe

PER_CELL = 18  # images that a cell of the confusion matrix shows; fewer of many classes
MANY = 15  # classes from which the matrix is drawn small
NUM_EXPLAINED = 8  # half of them errors
NEARLY_ONE = 0.03  # a temperature so near to 1 changes nothing worth a word
MAPS = ("grad-cam", "occlusion", "integrated-gradients")


@dataclass(frozen=True)
class ReportInputs:
    """Everything that was measured for the page."""

    run: Run
    data: Dataset
    part: LabeledImages
    probs: Probs
    calibration: Calibration
    evaluation: Evaluation
    mistakes: ErrorAnalysis
    robustness: Robustness
    model: Any
    sizes: tuple[SizePoint, ...] = ()


def build_content(findings: ReportInputs) -> dict[str, Any]:
    """Names and values for page.html; figures are drawn here."""
    run, evaluation = findings.run, findings.evaluation
    history, result, names = run.history(), run.result(), findings.data.class_names
    verdict = diagnose_fit(history)
    sprite = Sprite(findings.part.images)
    explained = _explained(findings)
    content = {
        "title": f"{result['recipe']}, seed {result['seed']}",
        "evaluation": evaluation,
        "headlines": _headlines(evaluation),
        "sentences": _sentences(findings, verdict),
        "curves": svg(
            lambda: plots.learning_curves(history, result["best_epoch"], ""),
            "Accuracy and loss by epoch, training and validation",
        ),
        "size_curve": svg(
            lambda: plots.size_curve(findings.sizes), "Accuracy by the number of training images"
        )
        if findings.sizes
        else "",
        "classes": names,
        "is_large": len(names) > MANY,
        "is_own": names != CLASS_NAMES or findings.data.findings is not None,
        "crop": _framing(run.recipe()),
        "num_train": run.manifest()["split"]["num_train"],
        "matrix": evaluation.confusion_matrix,
        "cells": _cells(findings, sprite),
        "per_class": evaluation.per_class,
        "precision_recall": svg(
            lambda: plots.precision_recall(
                tuple(
                    metrics.precision_recall(findings.probs, findings.part.labels, index, name)
                    for index, name in enumerate(names)
                    if (findings.part.labels == index).any()
                )
            ),
            "Precision over recall of every class",
        ),
        "mistakes": findings.mistakes,
        "top_losses": _gallery(findings.mistakes.top_losses, findings, sprite),
        "most_certain": _gallery(findings.mistakes.most_certain[:12], findings, sprite),
        "least_certain": _gallery(findings.mistakes.least_certain[:12], findings, sprite),
        "calibration": findings.calibration,
        "reliability": svg(
            lambda: plots.reliability(reliability_diagram(findings.probs, findings.part.labels)),
            "Share of right answers by confidence",
        ),
        "risk_coverage": svg(
            lambda: plots.risk_coverage(
                risk_coverage(findings.probs, findings.part.labels),
                findings.calibration.abstain_below,
            ),
            "Errors among the answers given, by how many are given",
        ),
        "explained": explained,
        "filters": picture(plots.filters(features.first_filters(findings.model))),
        "feature_maps": _feature_maps(findings),
        "receptive_fields": features.receptive_fields(findings.model),
        "robustness": findings.robustness,
        "severities": SEVERITIES,
        "commands": _commands(run),
        "recipe": run.recipe().to_json(),
        "manifest": _manifest(run),
        "result": result,
        "test": _test_result(run),
    }
    return content | {"sprite": sprite.address(), "sprite_rows": sprite.rows}


def _framing(recipe: Recipe) -> str:
    """What is done with pictures, for those who take them."""
    if recipe.crop == "garment":
        return f"one garment, cut out, {recipe.image_spec} pixels"
    return f"the whole picture, {recipe.image_spec} pixels"


def _headlines(evaluation: Evaluation) -> list[dict[str, str]]:
    def share(value: float, interval: tuple[float, float]) -> tuple[str, str]:
        low, high = interval
        return f"{100 * value:.2f} %", f"{100 * low:.2f} to {100 * high:.2f}"

    def number(value: float, interval: tuple[float, float]) -> tuple[str, str]:
        return f"{value:.4f}", f"{interval[0]:.4f} to {interval[1]:.4f}"

    e = evaluation
    rows = (
        ("accuracy", "first answers that are right", *share(e.accuracy, e.accuracy_ci95)),
        ("top-2", "right within two answers", *share(e.top2_accuracy, e.top2_accuracy_ci95)),
        ("loss", "cross-entropy in nats; less is better", *number(e.loss, e.loss_ci95)),
        ("Brier", "squared error of the probabilities", *number(e.brier, e.brier_ci95)),
        ("ECE", "gap between confidence and accuracy", *number(e.ece, e.ece_ci95)),
    )
    names = ("name", "meaning", "value", "interval")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _sentences(findings: ReportInputs, verdict: FitDiagnosis) -> list[str]:
    return [
        *verdict.sentences[:2],
        *([describe_data_size(findings.sizes, len(findings.part))] if findings.sizes else []),
        *findings.mistakes.sentences,
        *_confidence_sentences(findings),
        _robustness_sentence(findings.robustness),
    ]


def _confidence_sentences(findings: ReportInputs) -> list[str]:
    fitted = findings.calibration
    before, after = (f"{100 * value:.1f}" for value in fitted.ece)
    there = f"calibration error {before} points before and {after} after, on validation images"
    if abs(fitted.temperature - 1) < NEARLY_ONE:
        first = f"As trained its confidence was about right (temperature {fitted.temperature:.2f})."
    else:
        direction = "modest" if fitted.temperature < 1 else "sure of itself"
        first = (
            f"As trained it was too {direction}; a temperature of {fitted.temperature:.2f} mends "
            f"that ({there})."
        )
    answered = findings.probs.max(axis=1) >= fitted.abstain_below
    if not answered.any():
        return [first, "No threshold makes its answers right often enough: it always abstains."]
    right = (findings.probs.argmax(axis=1) == findings.part.labels)[answered]
    own = "" if findings.evaluation.split == "test" else ", where the threshold was chosen"
    return [
        first,
        f"Answering only from a confidence of {fitted.abstain_below:.2f} on, it answers "
        f"{100 * float(answered.mean()):.0f} % of the images and is right on "
        f"{100 * float(right.mean()):.1f} % of them{own}.",
    ]


def _robustness_sentence(sturdy: Robustness) -> str:
    worst = min(sturdy.accuracy, key=lambda name: np.mean(sturdy.accuracy[name]))
    return (
        f"Spoiled images cost it {100 * (sturdy.clean - sturdy.mean):.0f} points on average, most "
        f"of all {worst} ({100 * float(np.mean(sturdy.accuracy[worst])):.0f} % right)."
    )


def _cells(findings: ReportInputs, sprite: Sprite) -> dict[str, list[list[Any]]]:
    """For "row-column" some images, the surest first: place in the sprite, index, confidence."""
    said = findings.probs.argmax(axis=1)
    confidence = findings.probs.max(axis=1)
    found = {}
    per_cell = max(3, min(PER_CELL, 10 * PER_CELL // len(findings.data.class_names)))
    for row, column in np.unique(np.stack([findings.part.labels, said], axis=1), axis=0):
        inside = np.flatnonzero((findings.part.labels == row) & (said == column))
        chosen = inside[np.argsort(-confidence[inside], kind="stable")][:per_cell]
        found[f"{row}-{column}"] = [
            [sprite.place(int(i)), findings.part.name(int(i)), round(100 * float(confidence[i]))]
            for i in chosen
        ]
    return found


def _gallery(
    indices: tuple[int, ...], findings: ReportInputs, sprite: Sprite
) -> list[dict[str, Any]]:
    rows, names = [], findings.data.class_names
    for index in indices:
        label, said = int(findings.part.labels[index]), int(findings.probs[index].argmax())
        rows.append(
            {
                "place": sprite.place(index),
                "name": findings.part.name(index),
                "label": truncate_middle(names[label]),
                "said": truncate_middle(names[said]),
                "is_right": label == said,
                "p_label": 100 * float(findings.probs[index, label]),
                "p_said": 100 * float(findings.probs[index, said]),
            }
        )
    return rows


def _explained(findings: ReportInputs) -> list[dict[str, str]]:
    """Some errors and some right answers, with maps and the most similar training images."""
    half = NUM_EXPLAINED // 2
    wrong = [
        i
        for i in findings.mistakes.top_losses
        if findings.probs[i].argmax() != findings.part.labels[i]
    ][:half]
    chosen = np.array([*wrong, *findings.mistakes.most_certain[: NUM_EXPLAINED - len(wrong)]])
    images = findings.part.images[chosen]
    classes = findings.probs[chosen].argmax(axis=1)
    maps = {name: METHODS[name](findings.model, images, classes) for name in MAPS}
    train = findings.data.train
    learned = findings.data.split(findings.run.recipe()).train
    names = findings.data.class_names
    near = features.nearest_training_images(findings.model, images, train.images, learned, count=4)
    found = []
    for row, index in enumerate(chosen):
        said, label = names[classes[row]], names[findings.part.labels[index]]
        words = f"{said}, and it is" if said == label else f"{said}; labelled {label}"
        figure = plots.explanation(
            images[row],
            {name: values[row] for name, values in maps.items()},
            "",
            train.images[near[row]],
            [names[train.labels[i]] for i in near[row]],
        )
        found.append(
            {"words": f"{findings.part.name(int(index))}: {words}", "picture": picture(figure)}
        )
    return found


def _feature_maps(findings: ReportInputs) -> str:
    index = findings.mistakes.most_certain[0] if findings.mistakes.most_certain else 0
    image = findings.part.images[index]
    maps = features.feature_maps(findings.model, image[None])
    return picture(plots.feature_maps({name: values[0] for name, values in maps.items()}))


def _commands(run: Run) -> str:
    """What makes the run and this page again."""
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
        "made": manifest.get("created", ""),
        "model sha256": run.result()["model_sha256"],
    }


def _test_result(run: Run) -> dict[str, Any] | None:
    """The stored result of `evaluate --split test`, if there is one; no image is looked at."""
    path = run.folder / "evaluation-test.json"
    try:
        document: dict[str, Any] = json.loads(path.read_text())
        accuracy, (low, high) = float(document["accuracy"]), document["accuracy_ci95"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {"accuracy": accuracy, "accuracy_ci95": (float(low), float(high))}
