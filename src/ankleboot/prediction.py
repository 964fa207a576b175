"""Label pictures: one answer per file, in order, whatever is wrong with the others."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot import photos
from ankleboot.arrays import Image
from ankleboot.errors import DataError
from ankleboot.predictors import Predictor
from ankleboot.preparation import Preparation

BATCH_SIZE = 64  # pictures that are answered together; the first answer need not wait for the last


@dataclass(frozen=True)
class Prediction:
    """What a model says of one picture.

    Attributes:
        index: Of the label among the classes.
        confidence: The label's probability.
        probs: Probability of every label.
        abstained: The answer is a guess that should not be relied on.
        reason: Why, or None.
    """

    path: str
    label: str
    index: int
    confidence: float
    probs: dict[str, float]
    abstained: bool
    reason: str | None

    def to_json(self) -> dict[str, Any]:
        """A line of `predict --json`."""
        return dict(vars(self))


@dataclass(frozen=True)
class Failure:
    """A file that could not be read."""

    path: str
    error: str

    def to_json(self) -> dict[str, Any]:
        """A line of `predict --json`."""
        return dict(vars(self))


def predict_files(
    predictor: Predictor, paths: Iterable[Path], *, abstain_below: float | None = None
) -> Iterator[Prediction | Failure]:
    """Read and label files, some at a time.

    Args:
        predictor: The model.
        paths: Files, in the order of the answers.
        abstain_below: Confidence that an answer needs; None for the model's own threshold.
    """
    threshold = predictor.info.abstain_below if abstain_below is None else abstain_below
    remaining = iter(paths)
    while batch := list(islice(remaining, BATCH_SIZE)):
        read = [(path, _read(path, predictor.info.preparation)) for path in batch]
        images = [image for _, image in read if not isinstance(image, DataError)]
        rows = iter(predictor.predict(np.stack(images)) if images else ())
        for path, image in read:
            if isinstance(image, DataError):
                reason = str(image).removeprefix(f"{path}: ")
                yield Failure(str(path), reason)
            else:
                yield answer(str(path), image, next(rows), predictor.info.labels, threshold)


def _read(path: Path, preparation: Preparation) -> Image | DataError:
    try:
        return photos.prepare(path, preparation)
    except DataError as error:
        return error


def answer(
    path: str, image: Image, probs: np.ndarray, labels: tuple[str, ...], threshold: float
) -> Prediction:
    """Put a row of probabilities into words."""
    index = int(probs.argmax())
    confidence = float(probs[index])
    reason = None
    if (image == image[:1, :1]).all():
        reason = "the picture is of one colour"
    elif confidence < threshold:
        reason = f"confidence {confidence:.2f} is below {threshold:.2f}"
    return Prediction(
        path=path,
        label=labels[index],
        index=index,
        confidence=confidence,
        probs={label: float(p) for label, p in zip(labels, probs, strict=True)},
        abstained=reason is not None,
        reason=reason,
    )
