"""Content of the report as plain values and figures for the template."""

import shlex
from typing import Any

import numpy as np

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.documents import read_document
from ankleboot.core.splits import EVALUATION_FILES
from ankleboot.core.text import truncate_middle
from ankleboot.evaluation import metrics, plots
from ankleboot.evaluation.calibration import reliability_diagram, risk_coverage
from ankleboot.evaluation.evaluate import Evaluation
from ankleboot.evaluation.explain.methods import compute_maps
from ankleboot.evaluation.plots.svg import png_url, svg
from ankleboot.evaluation.report.inputs import ReportInputs
from ankleboot.evaluation.report.sentences import describe_run
from ankleboot.evaluation.report.sprite import Sprite
from ankleboot.evaluation.robustness.corruptions import SEVERITIES
from ankleboot.models.run import Run
from ankleboot.models.run_documents import EvaluationDocument
from ankleboot.recipes.catalog import PLAIN, RECIPES, overrides_of

IMAGES_PER_CELL = 18  # of the confusion matrix, with up to ten classes
MAX_FULL_SIZE_CLASSES = 15  # beyond it the confusion matrix is small
NUM_EXPLAINED = 8  # half of them errors
WHOLE_PHOTO = {
    "stretch": "the whole photo",
    "letterbox": "the whole photo between gray bands",
    "crop": "the square in the middle of the photo",
}
EXPLANATIONS = ("grad-cam", "occlusion", "integrated-gradients")


def build_content(inputs: ReportInputs) -> dict[str, Any]:
    """Return the names and values of report.html, those of the inputs among them."""
    run, names, errors = inputs.run, inputs.data.class_names, inputs.errors
    recipe, result, sprite = run.recipe(), run.result(), Sprite(inputs.images.images)
    adopted = run.metadata().adopted
    crop = WHOLE_PHOTO[recipe.fit] if recipe.crop == "none" else "one garment, cut out"
    explanations, notes = _explanations(inputs)
    content = vars(inputs) | {
        "title": adopted or f"{result['recipe']}, seed {result['seed']}",
        "adopted": adopted,
        "headlines": _headlines(inputs.evaluation),
        "metrics": inputs.evaluation.metrics,
        "sentences": describe_run(inputs),
        "classes": names,
        "is_large": len(names) > MAX_FULL_SIZE_CLASSES,
        "is_own": names != CLASS_NAMES or inputs.data.folder_report is not None,
        "crop": f"{crop}, {recipe.image_spec} pixels",
        "num_train": run.manifest()["split"]["num_train"],
        "cells": _cells(inputs, sprite),
        "top_losses": _gallery(errors.top_losses, inputs, sprite),
        "most_confident": _gallery(errors.most_confident[:12], inputs, sprite),
        "least_confident": _gallery(errors.least_confident[:12], inputs, sprite),
        "explanations": explanations,
        "explanation_notes": notes,
        "has_neighbors": inputs.has_neighbors,
        **_network_content(inputs),
        "severities": SEVERITIES,
        "commands": _commands(run),
        "recipe": _flat(run.manifest()["adopted"]) if adopted else recipe.to_json(),
        "manifest": _manifest(run),
        "result": result,
        "test": _test_result(run),
    }
    return content | {"sprite": sprite.data_url(), "sprite_rows": sprite.num_rows}


def draw_charts(inputs: ReportInputs) -> dict[str, str]:
    """Return the charts of report.html as SVG elements."""
    history, best_epoch = inputs.run.history(), inputs.run.result()["best_epoch"]
    probs, labels, threshold = inputs.probs, inputs.images.labels, inputs.calibration.abstain_below
    curves = [
        metrics.precision_recall(probs, labels, index, name)
        for index, name in enumerate(inputs.data.class_names)
        if (labels == index).any()
    ]
    bins, risks = reliability_diagram(probs, labels), risk_coverage(probs, labels)
    charts = {
        "curves": "",
        "size_curve": "",
        "precision_recall": svg(
            lambda: plots.precision_recall(curves), "Precision by recall of every class"
        ),
        "reliability": svg(lambda: plots.reliability(bins), "Accuracy by confidence"),
        "risk_coverage": svg(
            lambda: plots.risk_coverage(risks, threshold), "Error rate by coverage"
        ),
    }
    if history:  # an adopted model has none
        charts["curves"] = svg(
            lambda: plots.learning_curves(history, best_epoch, ""),
            "Accuracy and loss by epoch, training and validation",
        )
    if inputs.sizes:
        title = "Accuracy by the number of training images"
        charts["size_curve"] = svg(lambda: plots.size_curve(inputs.sizes), title)
    return charts


def _headlines(evaluation: Evaluation) -> list[dict[str, str]]:
    headlines = []
    for field, name, meaning in (
        ("accuracy", "accuracy", "correct predictions"),
        ("top2_accuracy", "top-2", "class among the first two"),
        ("loss", "loss", "cross-entropy in nats; less is better"),
        ("brier", "Brier", "squared error of the probabilities"),
        ("ece", "ECE", "gap between confidence and accuracy"),
    ):
        value, (low, high) = getattr(evaluation, field), getattr(evaluation, f"{field}_ci95")
        shown, interval = f"{value:.4f}", f"{low:.4f} to {high:.4f}"
        if field.endswith("accuracy"):
            shown, interval = f"{100 * value:.2f} %", f"{100 * low:.2f} to {100 * high:.2f}"
        headlines.append({"name": name, "meaning": meaning, "value": shown, "interval": interval})
    return headlines


def _cells(inputs: ReportInputs, sprite: Sprite) -> dict[str, list[list[Any]]]:
    """Return position in the sprite, name and confidence of images by "row-column"."""
    labels, cells = inputs.images.labels, {}
    predicted, confidence = inputs.probs.argmax(axis=1), inputs.probs.max(axis=1)
    per_cell = max(3, min(IMAGES_PER_CELL, 10 * IMAGES_PER_CELL // len(inputs.data.class_names)))
    for row, column in np.unique(np.stack([labels, predicted], axis=1), axis=0):
        inside = np.flatnonzero((labels == row) & (predicted == column))
        chosen = inside[np.argsort(-confidence[inside], kind="stable")][:per_cell].tolist()
        cells[f"{row}-{column}"] = [
            [sprite.add(i), inputs.images.name(i), round(100 * confidence[i].item())]
            for i in chosen
        ]
    return cells


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
            "p_label": 100 * float(probs[label]),
            "p_predicted": 100 * float(probs[predicted]),
        }

    return [describe(index) for index in indices]


def _explanations(inputs: ReportInputs) -> tuple[list[dict[str, str]], tuple[str, ...]]:
    """Explain some errors and some correct predictions; note the methods that do not apply."""
    labels, names = inputs.images.labels, inputs.data.class_names
    wrong = [i for i in inputs.errors.top_losses if inputs.probs[i].argmax() != labels[i]]
    errors = wrong[: NUM_EXPLAINED // 2]
    correct = inputs.errors.most_confident[: NUM_EXPLAINED - len(errors)]
    chosen = np.array([*errors, *correct], int)
    images = inputs.images.images[chosen]
    classes = inputs.probs[chosen].argmax(axis=1)
    maps, notes = compute_maps(inputs.model, images, classes, EXPLANATIONS)
    nearest: list[tuple[np.ndarray, list[str]]] = [(images[:0], [])] * len(images)
    if inputs.has_neighbors:
        from ankleboot.evaluation.report.network import nearest_images  # imports TensorFlow

        nearest = nearest_images(inputs, images)
    explanations = []
    for row, index in enumerate(chosen):
        predicted, label = names[classes[row]], names[labels[index]]
        verdict = "correct" if predicted == label else f"label {label}"
        shown = {name: values[row] for name, values in maps.items()}
        figure = plots.explanation(images[row], shown, "", *nearest[row])
        caption = f"{inputs.images.name(int(index))}: {predicted}, {verdict}"
        explanations.append({"caption": caption, "image": png_url(figure)})
    if inputs.learned is None and inputs.model.network is not None:
        notes = (*notes, "Similar training images are left out: the training data are gone.")
    return explanations, notes


def _network_content(inputs: ReportInputs) -> dict[str, Any]:
    """Return what the report shows of the network; "has_network" tells whether there is one."""
    if inputs.model.network is None:
        return {"has_network": False, "filters": "", "feature_maps": "", "receptive_fields": ()}
    from ankleboot.evaluation.report.network import network_content  # imports TensorFlow

    return {"has_network": True} | network_content(inputs)


def _flat(adopted: dict[str, Any]) -> dict[str, Any]:
    """Return what was found about an adopted model, without the table of candidates."""
    others = {key: adopted[key] for key in adopted if key not in ("convention", "trials")}
    return {**others, **adopted["convention"]}


def _commands(run: Run) -> str:
    """Return the commands that reproduce the run and its report."""
    if adopted := run.manifest().get("adopted"):
        file, scaling = map(shlex.quote, (adopted["file"], adopted["convention"]["scaling"]))
        command = f"ankleboot adopt {file} --input {scaling} --run-dir RUN"
        return f"{command}\nankleboot report RUN"
    recipe, data = run.recipe(), shlex.quote(run.manifest()["data"]["name"])
    words = ["ankleboot train", recipe.name if recipe.name in RECIPES else PLAIN.name]
    words += [f"--set {shlex.quote(change)}" for change in overrides_of(recipe)]
    words += [f"--seed {recipe.seed}", f"--data {data}", "--run-dir RUN"]
    return " ".join(words) + f"\nankleboot report RUN --data {data}"


def _manifest(run: Run) -> dict[str, Any]:
    manifest = run.manifest()
    data, split, hardware = (manifest[key] for key in ("data", "split", "hardware"))
    return {
        "data": f"{data['name']}, sha256 {data['train_sha256'][:16]}...",
        "split": f"{split['num_train']:,} training and {split['num_validation']:,} validation "
        f"images, sha256 {split['sha256'][:16]}...",
        "hardware": f"{hardware['cores']} cores, {hardware['cpu']} ({hardware['machine']})",
        "arithmetic": manifest.get("arithmetic", ""),
        "versions": ", ".join(f"{k} {v}" for k, v in manifest["versions"].items()),
        "commit": manifest.get("git_commit") or "unknown",
        "created": manifest.get("created", ""),
        "model sha256": run.result()["model_sha256"],
    }


def _test_result(run: Run) -> dict[str, Any] | None:
    """Return the stored result of `evaluate --split test`, if there is one."""
    path = run.folder / EVALUATION_FILES["test"]
    if not path.exists():
        return None
    document = read_document(path, EvaluationDocument)
    return {"accuracy": document["accuracy"], "accuracy_ci95": document["accuracy_ci95"]}
