"""Errors by pair of classes, merged classes, label issues, errors shared with other networks."""

import importlib.util
from typing import Any

import numpy as np

from ankleboot.core.types import Labels, pack_array
from ankleboot.evaluation import metrics
from ankleboot.evaluation.error_analysis import UPPER_BODY, analyze_errors
from ankleboot.inference.load import load_predictor
from ankleboot.models.pretrained import catalog
from ankleboot.recipes.catalog import SPRINT
from ankleboot.studies.measures.trained_run import TrainedRun

PAIR = ("T-shirt/top", "Shirt")
NUM_SHOWN = 12  # images of the pair, the most confident errors first


def measure_confusions(trained: TrainedRun) -> dict[str, Any]:
    """Measure the confusion matrix, pairs and accuracy with merged classes; keep some images."""
    names, labels = trained.data.class_names, trained.validation.labels
    probs, predicted = trained.probs, trained.predicted
    errors = analyze_errors(probs, labels, names)
    matrix = metrics.confusion_matrix(predicted, labels, num_classes=len(names))
    pair, upper = trained.classes(PAIR), trained.classes(UPPER_BODY)
    shown = np.flatnonzero(confused_within(predicted, labels, pair))
    num_pair_errors = len(shown)
    shown = shown[np.argsort(-probs[shown].max(axis=1), kind="stable")][:NUM_SHOWN]
    return {
        "num_errors": errors.num_errors,
        "pairs": [[p.first, p.second, p.first_as_second, p.second_as_first] for p in errors.pairs],
        "pair_errors": num_pair_errors,
        "upper_body_errors": int(confused_within(predicted, labels, upper).sum()),
        "merged_accuracy": merged_accuracy(predicted, labels, pair),
        "merged_upper_accuracy": merged_accuracy(predicted, labels, upper),
        "recalls": {score.label: score.recall for score in metrics.class_scores(matrix, names)},
        "class_names": list(names),
        "matrix": matrix.tolist(),
        "shown": pack_array(trained.validation.images[shown]),
        "shown_words": [
            f"{names[labels[i]]}, said {names[predicted[i]]} {100 * probs[i].max():.0f} %"
            for i in shown
        ],
    }


def confused_within(predicted: Labels, labels: Labels, classes: list[int]) -> np.ndarray:
    """Return the images of some classes that were confused with another of these classes."""
    wrong: np.ndarray = (
        (predicted != labels) & np.isin(labels, classes) & np.isin(predicted, classes)
    )
    return wrong


def merged_accuracy(predicted: Labels, labels: Labels, classes: list[int]) -> float:
    """Return the accuracy without the confusions among some classes."""
    return float(((predicted == labels) | confused_within(predicted, labels, classes)).mean())


def measure_label_issues(trained: TrainedRun) -> dict[str, Any]:
    """Measure the shares of label issues (cleanlab, out of fold) among images and errors.

    The result is empty if cleanlab is not installed (extra "audit").
    """
    if importlib.util.find_spec("cleanlab") is None:
        return {}
    from ankleboot.evaluation.label_issues import find_label_issues
    from ankleboot.training.data_audit import NUM_FOLDS, out_of_fold_probs

    data, labels, predicted = trained.data, trained.validation.labels, trained.predicted
    probs = out_of_fold_probs(data, SPRINT, NUM_FOLDS, lambda _: None)
    issues = find_label_issues(probs, data.train.labels, data.class_names)
    validation = data.split(trained.recipe.split_rule).validation
    flagged = np.isin(validation, [issue.index for issue in issues])
    pair = confused_within(predicted, labels, trained.classes(PAIR))
    return {
        "doubted": float(flagged.mean()),
        "doubted_errors": float(flagged[predicted != labels].mean()),
        "doubted_pair": float(flagged[pair].mean()) if pair.any() else None,
    }


def measure_shared_errors(trained: TrainedRun) -> dict[str, Any]:
    """Measure the agreement with errors of the shipped model "pocket".

    The result is empty if the shipped model learned other data.
    """
    shipped = load_predictor(catalog.FOLDERS[catalog.POCKET])
    if shipped.info.data_sha256 != trained.data.train_sha256:
        return {}
    labels, predicted = trained.validation.labels, trained.predicted
    shipped_labels = shipped.predict(trained.validation.images).argmax(axis=1)
    pair = confused_within(shipped_labels, labels, trained.classes(PAIR))
    same = predicted == shipped_labels
    return {
        "same_error": float(same[shipped_labels != labels].mean()),
        "same_error_pair": float(same[pair].mean()),
        "right_there": float((predicted == labels)[pair].mean()),
    }
