"""Label pictures: one answer per file, in order, whatever is wrong with the others."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.classes import SHOES
from ankleboot.core.errors import DataError
from ankleboot.core.types import Image, Pixels
from ankleboot.data.preprocessing import preprocess
from ankleboot.data.preprocessing.decode import decode
from ankleboot.data.preprocessing.segmentation import Segmentation
from ankleboot.inference.load import Predictor, load_predictor
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog

BATCH_SIZE = 64  # pictures that are answered together; the first answer need not wait for the last
REJECT_THRESHOLD = 0.5  # probability that what is shown is none of the classes
MIN_RUNNER_UP_PROB = 0.1  # probability from which on a second answer is worth naming


class ModelRouter:
    """The models that answer.

    Args:
        usual: Asked about everything, or where there is another one about the data set's images.
        photo: Where the one for photographs is, loaded when the first comes; None: the usual one.
    """

    def __init__(self, usual: Predictor, photo: Path | None = None) -> None:
        self.usual = usual
        self._photo = photo

    @cached_property
    def photo(self) -> Predictor:
        """The one for photographs."""
        return self.usual if self._photo is None else load_predictor(self._photo)

    def for_picture(self, pixels: Pixels) -> Predictor:
        """The one to ask."""
        return self.usual if preprocess.is_dataset_image(pixels) else self.photo


def load_router(model: Path) -> ModelRouter:
    """Load a model; "pretrained" stands for two, one of them for photographs.

    Raises:
        ModelError: As `load_predictor`.
    """
    return ModelRouter(load_predictor(model), catalog.photo_model(model))


@dataclass(frozen=True)
class Prediction:
    """What a model says of one picture.

    Attributes:
        index: Of the label among the classes.
        confidence: The label's probability.
        probs: Probability of every label that can be an answer.
        none_of_these: Probability that the picture shows something else, where the model says so.
        abstained: The answer is a guess that should not be relied on.
        reason: Why, or None.
        cause: The same in one word for programs: missing, blank, declined, several or unsure.
    """

    path: str
    label: str
    index: int
    confidence: float
    probs: dict[str, float]
    none_of_these: float
    abstained: bool
    reason: str | None
    cause: str | None

    def to_json(self) -> dict[str, Any]:
        """A line of `predict --json`."""
        return dict(vars(self))


@dataclass(frozen=True)
class FailedImage:
    """A file that could not be read."""

    path: str
    error: str

    def to_json(self) -> dict[str, Any]:
        """A line of `predict --json`."""
        return dict(vars(self))


@dataclass(frozen=True)
class PreparedImage:
    """A picture on its way to its model.

    Attributes:
        pixels: As decoded.
        garment: Where the garment is, if that was asked.
        image: What the model sees.
        predictor: The model.
    """

    pixels: Pixels
    garment: Segmentation | None
    image: Image
    predictor: Predictor


def predict_files(
    experts: ModelRouter,
    paths: Iterable[Path],
    *,
    abstain_below: float | None = None,
    show: Callable[[PreparedImage, Prediction], None] | None = None,
) -> Iterator[Prediction | FailedImage]:
    """Read and label files, some at a time.

    Args:
        experts: The models.
        paths: Files, in the order of the answers.
        abstain_below: Confidence that an answer needs; None for the model's own threshold.
        show: Called with every picture that was labelled.
    """
    remaining = iter(paths)
    while batch := list(islice(remaining, BATCH_SIZE)):
        read = [_read(path, experts, cut_out=show is not None) for path in batch]
        rows = predict_batch([one for one in read if isinstance(one, PreparedImage)])
        for path, one in zip(batch, read, strict=True):
            if isinstance(one, DataError):
                yield FailedImage(str(path), str(one).removeprefix(f"{path}: "))
                continue
            info = one.predictor.info
            threshold = info.abstain_below if abstain_below is None else abstain_below
            prediction = decide(str(path), one.image, one.garment, next(rows), info, threshold)
            if show is not None:
                show(one, prediction)
            yield prediction


def _read(path: Path, experts: ModelRouter, *, cut_out: bool) -> PreparedImage | DataError:
    try:
        return prepare_image(decode(path), experts, cut_out=cut_out)
    except DataError as error:
        return error


def prepare_image(pixels: Pixels, experts: ModelRouter, *, cut_out: bool) -> PreparedImage:
    """Choose the model for a picture and make what it wants to see.

    Args:
        pixels: The picture.
        experts: The models.
        cut_out: Find the garment even if the answer does not need it.
    """
    predictor = experts.for_picture(pixels)
    wanted = predictor.info.image_spec
    if wanted.crop == "garment":
        found = preprocess.find_garment(pixels)
        return PreparedImage(pixels, found, preprocess.extract_garment(pixels, found), predictor)
    # a model that declines what is no garment wants to know whether there is one
    found = preprocess.find_garment(pixels) if cut_out or predictor.info.reject_labels else None
    return PreparedImage(pixels, found, preprocess.preprocess(pixels, wanted), predictor)


def predict_batch(looked: Sequence[PreparedImage]) -> Iterator[np.ndarray]:
    """Ask each model about all its pictures at once; the answers in the pictures' order."""
    rows: dict[int, np.ndarray] = {}
    for predictor in {id(one.predictor): one.predictor for one in looked}.values():
        places = [i for i, one in enumerate(looked) if one.predictor is predictor]
        probs = predictor.predict(np.stack([looked[i].image for i in places]))
        rows |= dict(zip(places, probs, strict=True))
    return (rows[place] for place in range(len(looked)))


def decide(
    path: str,
    image: Image,
    garment: Segmentation | None,
    probs: np.ndarray,
    info: ModelMetadata,
    threshold: float,
) -> Prediction:
    """Put a row of probabilities into words."""
    shares = {label: float(p) for label, p in zip(info.labels, probs, strict=True)}
    declined = {label: shares.pop(label) for label in info.reject_labels}
    first, second = sorted(shares, key=lambda label: -shares[label])[:2]
    is_for_garments = bool(declined) or info.crop == "garment"
    none_of_these = math.fsum(declined.values())
    reason = cause = None
    if garment is not None and garment.reason and is_for_garments:
        # first: an image without a garment is of one color, too
        cause, reason = "missing", garment.reason
    elif (image == image[:1, :1]).all():
        cause, reason = "blank", "the picture is of one color"
    elif none_of_these >= REJECT_THRESHOLD:
        nearest = max(declined, key=lambda label: declined[label])
        number = "ten" if len(shares) == 10 else len(shares)
        cause, reason = "declined", f"not one of the {number} (most like {nearest})"
    elif garment is not None and garment.things > 1 and first not in SHOES and is_for_garments:
        cause, reason = "several", "more than one garment on the photograph"
    elif shares[first] < threshold:
        rival = shares[second] >= MIN_RUNNER_UP_PROB
        reason = f"unsure between {first} and {second}" if rival else f"not sure of {first}"
        cause = "unsure"
    return Prediction(
        path=path,
        label=first,
        index=info.labels.index(first),
        confidence=shares[first],
        probs=shares,
        none_of_these=none_of_these,
        abstained=reason is not None,
        reason=reason,
        cause=cause,
    )
