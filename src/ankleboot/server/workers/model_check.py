"""What is said of the models that are served, and whether they are fit to be."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.data.load import load_data
from ankleboot.inference.load import Predictor
from ankleboot.inference.predict import ModelRouter
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.server.config import ServerConfig

SPLITS = ("validation", "test")
PUBLIC_FIELDS = ("recipe", "data", "format", "parameters", "image_size", "color", "crop") + (
    "abstain_below",
    "temperature",
    "version",
)
KNOWN_DATA = ("fashion-mnist", "sample")
PROB_TOLERANCE = 1e-4  # between probabilities that should be equal


def described(name: str, experts: ModelRouter, usual: Path, photo: Path) -> dict[str, Any]:
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
    return {key: everything[key] for key in PUBLIC_FIELDS} | {
        "classes": [label for label in info.labels if label not in info.reject_labels],
        "declined": list(info.reject_labels),
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


def check(predictor: Predictor, config: ServerConfig) -> None:
    """Test a model on a hundred images before the server uses it.

    Args:
        predictor: The model.
        config: Extent of the test, and the accuracy that it takes to pass.

    Raises:
        ModelError: If its answers are no probabilities, depend on the company, or are wrong: those
            about Fashion-MNIST where that is what it learned.
    """
    info = predictor.info
    knows_clothes = info.data in KNOWN_DATA and info.image_spec == ImageSpec()
    num = config.smoke_test_images_per_class if knows_clothes else 0
    images, labels = _golden(info.image_spec.image_shape, num)
    size = config.smoke_test_batch_size
    # few at a time, as when it is served: memory is laid out for each size of a batch
    parts = [images[start : start + size] for start in range(0, len(images), size)]
    probs = np.concatenate([predictor.predict(part) for part in parts])
    if not np.isfinite(probs).all() or np.abs(probs.sum(axis=1) - 1).max() > PROB_TOLERANCE:
        raise ModelError(f"{predictor.name}: its answers are no probabilities")
    alone = np.concatenate([predictor.predict(image[None]) for image in images[:10]])
    if np.abs(alone - probs[:10]).max() > PROB_TOLERANCE:
        raise ModelError(f"{predictor.name}: one image is not answered as many are")
    right = float((probs.argmax(axis=1) == labels).mean())
    if knows_clothes and right < config.min_smoke_test_accuracy:
        raise ModelError(
            f"{predictor.name}: names {right:.0%} of {len(labels)} golden images right"
        )


def _golden(shape: tuple[int, ...], num_per_class: int) -> tuple[np.ndarray, np.ndarray]:
    """Return test images and labels; noise where no image of the model's classes is known."""
    if not num_per_class:
        noise = np.random.default_rng(0).integers(0, 256, (10, *shape), dtype=np.uint8)
        return noise, np.zeros(10, int)
    sample = load_data("sample").test
    places = [np.flatnonzero(sample.labels == label)[:num_per_class] for label in range(10)]
    chosen = np.concatenate(places)
    return sample.images[chosen], sample.labels[chosen]
