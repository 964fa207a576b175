"""What is said of the models that are served, and whether they are fit to be."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.classes import CLASS_NAMES
from ankleboot.data import load
from ankleboot.errors import ModelError
from ankleboot.prediction import Experts
from ankleboot.predictors import Predictor
from ankleboot.preparation import Preparation

SPLITS = ("validation", "test")
SHOWN = ("recipe", "data", "format", "parameters", "image_size", "colour", "framing") + (
    "abstain_below",
    "temperature",
    "version",
)
GOLDEN_RIGHT = 8  # of ten images, one of each class, that any model worth serving names
TOLERANCE = 1e-4  # of probabilities that should be equal


def described(name: str, experts: Experts, usual: Path, photo: Path) -> dict[str, Any]:
    """A model as `GET /v1/model` shows it.

    Args:
        name: It is asked for by this name.
        experts: The model.
        usual: Where its card and results are.
        photo: Where those of the model for photographs are.
    """
    has_photo = experts.photo is not experts.usual
    more = _document(experts.photo, photo) if has_photo else None
    return {"name": name} | _document(experts.usual, usual) | {"photo": more}


def _document(predictor: Predictor, folder: Path) -> dict[str, Any]:
    info = predictor.info
    everything = asdict(info)
    return {key: everything[key] for key in SHOWN} | {
        "classes": [label for label in info.labels if label not in info.declined],
        "declined": list(info.declined),
        "sha256": info.model_sha256,
        "metrics": {split: _measured(folder, split) for split in SPLITS},
        "card": _text(folder, "README.md"),
    }


def _measured(folder: Path, split: str) -> dict[str, Any] | None:
    """What `evaluate` stored, or what training saw."""
    for name, key in ((f"evaluation-{split}.json", None), ("result.json", split)):
        text = _text(folder, name)
        document = json.loads(text) if text else {}
        found = document if key is None else document.get(key)
        if found:
            return {k: v for k, v in found.items() if k != "model"}
    return None


def _text(folder: Path, name: str) -> str | None:
    path = folder / name
    return path.read_text(encoding="utf-8") if path.is_file() else None


def check(predictor: Predictor) -> None:
    """Let a model prove itself on ten images before it is asked by anybody.

    Raises:
        ModelError: If its answers are no probabilities, depend on the company, or are wrong: those
            about Fashion-MNIST where that is what it knows.
    """
    shape = predictor.info.preparation.image_shape
    sample = load("sample").test
    golden = np.array([np.flatnonzero(sample.labels == label)[0] for label in range(10)])
    is_usual = shape == Preparation().image_shape and predictor.info.labels == CLASS_NAMES
    if is_usual:
        images = np.ascontiguousarray(sample.images[golden])
    else:
        images = np.random.default_rng(0).integers(0, 256, (10, *shape), dtype=np.uint8)
    probs = predictor.predict(images)
    if not np.isfinite(probs).all() or np.abs(probs.sum(axis=1) - 1).max() > TOLERANCE:
        raise ModelError(f"{predictor.name}: its answers are no probabilities")
    alone = np.concatenate([predictor.predict(image[None]) for image in images])
    if np.abs(alone - probs).max() > TOLERANCE:
        raise ModelError(f"{predictor.name}: one image is not answered as ten are")
    if is_usual and (right := int((probs.argmax(axis=1) == np.arange(10)).sum())) < GOLDEN_RIGHT:
        raise ModelError(f"{predictor.name}: names {right} of ten golden images right")
