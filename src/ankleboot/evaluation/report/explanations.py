"""Explanations of the report: where the network looks, on some errors and correct predictions."""

from typing import Any

import numpy as np

from ankleboot.core.text import percent_text
from ankleboot.evaluation.explain.methods import TITLES, compute_maps
from ankleboot.evaluation.plots.saliency import overlay
from ankleboot.evaluation.report.inputs import ReportInputs
from ankleboot.evaluation.report.sprite import data_url

NUM_EXPLAINED = 6  # half of them errors
METHODS = ("occlusion", "hires-cam", "integrated-gradients")  # the first is the largest


def build_explanations(inputs: ReportInputs) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Explain some errors and some correct predictions; note the methods that do not apply."""
    chosen = _choose(inputs)
    images, classes = inputs.images.images[chosen], inputs.probs[chosen].argmax(axis=1)
    maps, notes = compute_maps(inputs.model, images, classes, METHODS)
    neighbors: list[tuple[np.ndarray, list[str]]] = [(images[:0], [])] * len(images)
    if inputs.has_neighbors:
        from ankleboot.evaluation.report.network import nearest_images  # imports TensorFlow

        neighbors = nearest_images(inputs, images)
    if inputs.learned is None and inputs.model.network is not None:
        notes = (*notes, "Similar training images are left out: the training data are gone.")
    names, labels = inputs.data.class_names, inputs.images.labels
    explanations = [
        {
            "name": inputs.images.name(int(index)),
            "predicted": names[classes[row]],
            "label": names[labels[index]],
            "is_correct": bool(classes[row] == labels[index]),
            "confidence": percent_text(float(inputs.probs[index].max())),
            "image": data_url(images[row]),
            "maps": [
                {"title": TITLES.get(name, name), "url": data_url(overlay(images[row], each[row]))}
                for name, each in maps.items()
            ],
            "neighbors": [
                {"label": label, "url": data_url(image)}
                for image, label in zip(*neighbors[row], strict=True)
            ],
        }
        for row, index in enumerate(chosen)
    ]
    return explanations, notes


def _choose(inputs: ReportInputs) -> np.ndarray:
    """Choose the errors with the highest loss, and the most confident correct predictions."""
    labels = inputs.images.labels
    wrong = [i for i in inputs.errors.top_losses if inputs.probs[i].argmax() != labels[i]]
    errors = wrong[: NUM_EXPLAINED // 2]
    correct = inputs.errors.most_confident[: NUM_EXPLAINED - len(errors)]
    return np.array([*errors, *correct], int)
