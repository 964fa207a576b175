"""A model's answers on a split, computed once and kept in its run folder.

Evaluation, comparison and report ask for the same ten thousand answers; the file is used only while
model, temperature and images are the same. Where it cannot be written, answers are made anew.
"""

import hashlib
import io
from contextlib import suppress
from pathlib import Path

import numpy as np

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.files import DAMAGED_ZIP, atomic_write
from ankleboot.core.types import Probs
from ankleboot.data.dataset import LabeledImages
from ankleboot.inference.load import Predictor
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import find_run

BLOCK = 1_000  # images that are in memory at a time


def cached_predictions(model: Path, predictor: Predictor, part: LabeledImages, split: str) -> Probs:
    """The predictor's probabilities for the images of a part.

    Args:
        model: What the predictor was loaded from; if it is a run folder, answers are kept there.
        predictor: The model.
        part: The images.
        split: Name of the part: "validation" or "test".
    """
    run = find_run(model) if model.is_dir() else None
    if run is None or catalog.is_shipped(run.folder):
        return predictor.predict(part.images)
    path = run.folder / f"answers-{split}.npz"
    key = _key(predictor, part)
    kept = _read(path, key)
    if kept is None:
        kept = predictor.predict(part.images)
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, key=np.array(key), probs=kept)
        with suppress(EnvironmentFailure):  # a folder of somebody else's
            atomic_write(path, content.getvalue())
    return kept


def _key(predictor: Predictor, part: LabeledImages) -> str:
    info = predictor.info
    digest = hashlib.sha256(f"{info.model_sha256} {info.format} {info.temperature!r}".encode())
    for start in range(0, len(part), BLOCK):
        digest.update(np.ascontiguousarray(part.images[start : start + BLOCK]).tobytes())
    return digest.hexdigest()


def _read(path: Path, key: str) -> np.ndarray | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            if str(archive["key"]) == key:
                probs: np.ndarray = archive["probs"]
                return probs
    except DAMAGED_ZIP:
        pass  # missing or damaged: it will be written anew
    return None
