"""Explanation of a prediction: preprocessing steps, occlusion map, nearest training images."""

import base64
import io
from functools import cache
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.types import Image
from ankleboot.data.preprocessing.visualize import preprocessing_images
from ankleboot.evaluation.explain.occlusion import occlusion
from ankleboot.evaluation.statistics import standardized_rows
from ankleboot.inference.decide import Prediction
from ankleboot.inference.predict import PreparedImage

NUM_NEIGHBORS = 5
WARM, COOL = (255, 122, 26), (40, 120, 255)  # evidence for the label, and against it


def explanation_entries(
    prepared: PreparedImage, prediction: Prediction, *, has_garments: bool
) -> dict[str, Any]:
    """Return the JSON entries of an explanation.

    `has_garments` says whether the model's classes are those of Fashion-MNIST.
    """
    garment = prepared.decoded.garment if has_garments else None
    steps = preprocessing_images(prepared.decoded.pixels, prepared.garment, prepared.image)
    return {
        "steps": [{"name": name, "png": _png(pixels)} for name, pixels in steps],
        "input": _png(prepared.image),
        "small": None if garment is None else _png(garment),
        "overlay": _overlay(prepared, prediction),
        "neighbours": [] if garment is None else _neighbors(garment),
    }


def sample_images() -> bytes:
    """Return the strip of sample images, PNG."""
    from ankleboot.data.export_images import sample_strip

    return _encode(sample_strip())


def _encode(pixels: np.ndarray, **options: int) -> bytes:
    content = io.BytesIO()
    PillowImage.fromarray(pixels).save(content, "PNG", **options)
    return content.getvalue()


def _png(pixels: np.ndarray) -> str:
    return base64.b64encode(_encode(pixels, compress_level=1)).decode()


def _overlay(prepared: PreparedImage, prediction: Prediction) -> dict[str, Any]:
    """Return the occlusion map in colors, opaque where hiding changes the probability most."""
    classes = np.array([prediction.index])
    (losses,) = occlusion(prepared.predictor.predict, prepared.image[None], classes)
    max_change = float(np.abs(losses).max())
    colors = np.where((losses >= 0)[..., None], WARM, COOL).astype(np.uint8)
    opacity = np.rint(255 * np.abs(losses) / (max_change or 1)).astype(np.uint8)
    png = _png(np.dstack([colors, opacity]))
    return {"png": png, "label": prediction.label, "most": max_change}


@cache
def _training_images() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the shipped training images, their labels, and their standardized rows."""
    from ankleboot.data.load import load_data

    train = load_data("sample").train
    return train.images, train.labels, standardized_rows(train.images)


def _neighbors(image: Image) -> list[dict[str, Any]]:
    """Return the training images whose pixels correlate most with the image."""
    images, labels, rows = _training_images()
    correlations = rows @ standardized_rows(image[None])[0]
    nearest = np.argsort(-correlations, kind="stable")[:NUM_NEIGHBORS]
    return [
        {
            "png": _png(images[i]),
            "label": CLASS_NAMES[labels[i]],
            "likeness": float(correlations[i]),
        }
        for i in nearest
    ]
