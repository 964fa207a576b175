"""Errors as something to act on: pairs, images, merged classes, doubtful labels, other opinions."""

import importlib.util
from typing import Any

import numpy as np

from ankleboot.core.types import Labels
from ankleboot.evaluation import metrics
from ankleboot.evaluation.error_analysis import UPPER_BODY, analyze_errors
from ankleboot.inference.load import load_predictor
from ankleboot.models.pretrained import catalog
from ankleboot.recipes.catalog import SPRINT
from ankleboot.studies.measures.trained_run import TrainedRun
from ankleboot.studies.packing import packed

PAIR = ("T-shirt/top", "Shirt")
NUM_SHOWN = 12  # images of the pair that are shown, the surest errors first


def confusions(trained: TrainedRun) -> dict[str, Any]:
    """The matrix, the pairs, the accuracy with classes merged, and the images that are shown."""
    names, labels, probs = trained.data.class_names, trained.part.labels, trained.probs
    found = analyze_errors(probs, labels, names)
    said = probs.argmax(axis=1)
    matrix = metrics.confusion_matrix(said, labels, num_classes=len(names))
    recalls = {one.label: one.recall for one in metrics.class_scores(matrix, names)}
    pair = [names.index(name) for name in PAIR]
    between = among(said, labels, pair)
    shown = np.flatnonzero(between)
    shown = shown[np.argsort(-probs[shown].max(axis=1), kind="stable")][:NUM_SHOWN]
    upper = [names.index(name) for name in UPPER_BODY]
    return {
        "num_errors": found.num_errors,
        "pairs": [[p.first, p.second, p.first_as_second, p.second_as_first] for p in found.pairs],
        "pair_errors": int(between.sum()),
        "upper_body_errors": int(among(said, labels, upper).sum()),
        "merged_accuracy": merged_accuracy(said, labels, pair),
        "merged_upper_accuracy": merged_accuracy(said, labels, upper),
        "recalls": recalls,
        "class_names": list(names),
        "matrix": matrix.tolist(),
        "shown": packed(trained.part.images[shown]),
        "shown_words": [
            f"{names[labels[i]]}, said {names[said[i]]} {100 * probs[i].max():.0f} %" for i in shown
        ],
    }


def among(said: Labels, labels: Labels, classes: list[int]) -> np.ndarray:
    """Which images of some classes were taken for another one of them."""
    wrong: np.ndarray = (said != labels) & np.isin(labels, classes) & np.isin(said, classes)
    return wrong


def merged_accuracy(said: Labels, labels: Labels, classes: list[int]) -> float:
    """If it were no error to take one of the classes for another of them."""
    return float(((said == labels) | among(said, labels, classes)).mean())


def doubts(trained: TrainedRun) -> dict[str, Any]:
    """How many of the errors are on images whose label is doubtful, by cleanlab out of fold.

    Empty where cleanlab is not installed (the extra audit).
    """
    if importlib.util.find_spec("cleanlab") is None:
        return {}
    from ankleboot.evaluation.label_issues import find_label_issues
    from ankleboot.training.data_audit import NUM_FOLDS, out_of_fold_probs

    data, labels = trained.data, trained.part.labels
    probs = out_of_fold_probs(data, SPRINT, NUM_FOLDS, lambda _: None)
    doubted = np.zeros(len(data.train), bool)
    doubted[
        [one.index for one in find_label_issues(probs, data.train.labels, data.class_names)]
    ] = True
    doubted = doubted[data.split(trained.recipe).validation]
    said = trained.probs.argmax(axis=1)
    pair = among(said, labels, [data.class_names.index(name) for name in PAIR])
    return {
        "doubted": float(doubted.mean()),
        "doubted_errors": float(doubted[said != labels].mean()),
        "doubted_pair": float(doubted[pair].mean()) if pair.any() else None,
    }


def opinion(trained: TrainedRun) -> dict[str, Any]:
    """What this network says where the shipped one errs; empty if that did not learn these data."""
    shipped = load_predictor(catalog.FOLDER)
    if shipped.info.data_sha256 != trained.data.train_sha256:
        return {}
    labels = trained.part.labels
    theirs, ours = shipped.predict(trained.part.images).argmax(axis=1), trained.probs.argmax(axis=1)
    pair = among(theirs, labels, [trained.data.class_names.index(name) for name in PAIR])
    wrong = theirs != labels
    return {
        "same_error": float((ours == theirs)[wrong].mean()),
        "same_error_pair": float((ours == theirs)[pair].mean()),
        "right_there": float((ours == labels)[pair].mean()),
    }
