"""Cache of a run's predictions on a split, shared by evaluation, comparison and report.

A cached file is valid for one model, temperature and set of images. In a read-only run folder the
model predicts anew each time.
"""

import hashlib

import numpy as np

from ankleboot.core.array_cache import cached_array
from ankleboot.core.types import Images, Probs
from ankleboot.inference.ensemble import EnsemblePredictor
from ankleboot.inference.load import ResolvedModel
from ankleboot.inference.predictor import Predictor

BLOCK = 1_000  # images hashed at a time, which bounds the memory
CACHE_VERSION = 3
"""Raise it with any change of the probabilities that predictors give for a model and images."""


def cached_predictions(model: ResolvedModel, images: Images, split: str) -> Probs:
    """Return the probabilities for the images of a split, from the run folder if possible."""
    if isinstance(model.predictor, EnsemblePredictor):
        members = model.predictor.members
        return model.predictor.combine([cached_predictions(m, images, split) for m in members])
    if model.run is None or model.path is None or not model.path.is_dir() or model.is_shipped:
        return model.predictor.predict(images)
    predictor, path = model.predictor, model.run.folder / f"predictions-{split}"
    return cached_array(path, _key(predictor, images), lambda: predictor.predict(images))


def _key(predictor: Predictor, images: Images) -> str:
    info = predictor.info
    model = f"{CACHE_VERSION} {info.model_sha256} {info.format} {info.temperature!r}"
    digest = hashlib.sha256(model.encode())
    for start in range(0, len(images), BLOCK):
        digest.update(np.ascontiguousarray(images[start : start + BLOCK]).tobytes())
    return digest.hexdigest()
