"""Smoke test and description of the models that a worker has loaded."""

from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.documents import read_document
from ankleboot.core.errors import ModelError
from ankleboot.core.splits import EVALUATION_FILES, SPLITS
from ankleboot.data.load import load_data
from ankleboot.inference.predictor import Predictor
from ankleboot.inference.router import ModelRouter
from ankleboot.models.pretrained import catalog
from ankleboot.models.run_documents import EvaluationDocument, ResultDocument
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.server.config import ServerConfig
from ankleboot.web.markdown import render_markdown

PUBLIC_FIELDS = (
    "recipe data format parameters image_size color crop fit abstain_below temperature version"
).split()
REFERENCE_DATA = ("fashion-mnist", "sample")  # data sets whose test images ship with the package
MAX_CARD_BYTES = 2**20
NUM_NOISE_IMAGES = 10
PROB_TOLERANCE = 1e-4  # between probabilities that should be equal


def describe_model(name: str, router: ModelRouter, path: Path) -> dict[str, Any]:
    """Describe a model for `GET /v1/model`; its card and results lie beside it."""
    folder = catalog.FOLDERS.get(str(path), path if path.is_dir() else path.parent)
    has_photo_model = router.photo is not router.default
    photo = _describe(router.photo, catalog.FOLDERS[catalog.PHOTO]) if has_photo_model else None
    return {"name": name} | _describe(router.default, folder) | {"photo": photo}


def _describe(predictor: Predictor, folder: Path) -> dict[str, Any]:
    info = predictor.info
    card = _read_card(folder / "README.md")
    return {field: getattr(info, field) for field in PUBLIC_FIELDS} | {
        "classes": list(info.predicted_labels),
        "declined": list(info.reject_labels),
        "input_shape": list(info.image_spec.input_shape),
        "sha256": info.model_sha256,
        "metrics": {split: _read_metrics(folder, split) for split in SPLITS},
        "card": card,
        "card_html": None if card is None else render_markdown(card),
    }


def _read_metrics(folder: Path, split: str) -> dict[str, Any] | None:
    """Return the stored metrics of `evaluate`, else those at the end of the training."""
    path, result = folder / EVALUATION_FILES[split], folder / "result.json"
    metrics: dict[str, Any] = {}
    if path.is_file():
        metrics = dict(read_document(path, EvaluationDocument))
    elif result.is_file():
        trained: dict[str, Any] = dict(read_document(result, ResultDocument))
        metrics = trained.get(split, {})
    return {key: value for key, value in metrics.items() if key != "model"} or None


def _read_card(path: Path) -> str | None:
    """Return the model card, which everyone may read; a link could name any file."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_CARD_BYTES:
        return None
    return path.read_text(encoding="utf-8", errors="replace")


def smoke_test(predictor: Predictor, config: ServerConfig) -> None:
    """Test a model on reference images before it serves traffic.

    Raises:
        ModelError: If its outputs are not probabilities or depend on the batch, or if its accuracy
            on Fashion-MNIST is too low although it was trained on that.
    """
    info = predictor.info
    is_own = info.data in REFERENCE_DATA and not info.adopted  # those may be as bad as they are
    has_reference = is_own and info.image_spec == ImageSpec()
    num_per_class = config.smoke_test_images_per_class if has_reference else 0
    images, labels = _reference_images(info.image_spec.image_shape, num_per_class)
    # batches as small as in use: the runtime allocates memory for each size of a batch
    size = config.smoke_test_batch_size
    batches = [images[start : start + size] for start in range(0, len(images), size)]
    probs = np.concatenate([predictor.predict(batch) for batch in batches])
    if not np.isfinite(probs).all() or np.abs(probs.sum(axis=1) - 1).max() > PROB_TOLERANCE:
        raise ModelError(f"{predictor.name}: the outputs are not probabilities; export it again")
    alone = np.concatenate([predictor.predict(image[None]) for image in images[:10]])
    if np.abs(alone - probs[:10]).max() > PROB_TOLERANCE:
        raise ModelError(f"{predictor.name}: the outputs depend on the batch; export it again")
    accuracy = float((probs.argmax(axis=1) == labels).mean())
    if has_reference and accuracy < config.min_smoke_test_accuracy:
        raise ModelError(
            f"{predictor.name}: accuracy {accuracy:.0%} on {len(labels)} reference images; "
            f"at least {config.min_smoke_test_accuracy:.0%} was expected"
        )


def _reference_images(shape: tuple[int, ...], num_per_class: int) -> tuple[np.ndarray, np.ndarray]:
    """Return test images and labels; noise if there are no images of the model's classes."""
    if not num_per_class:
        size = (NUM_NOISE_IMAGES, *shape)
        noise = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
        return noise, np.zeros(NUM_NOISE_IMAGES, int)
    test = load_data("sample").test
    indices = np.concatenate([np.flatnonzero(test.labels == c)[:num_per_class] for c in range(10)])
    return test.images[indices], test.labels[indices]
