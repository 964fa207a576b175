"""Label pictures: one answer per file, in order, whatever is wrong with the others."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot import photos, pretrained
from ankleboot.arrays import Image, Pixels
from ankleboot.classes import SHOES
from ankleboot.errors import DataError
from ankleboot.model_info import ModelInfo
from ankleboot.photos.cut_out import CutOut
from ankleboot.photos.decode import decode
from ankleboot.predictors import Predictor, load_predictor

BATCH_SIZE = 64  # pictures that are answered together; the first answer need not wait for the last
DECLINE_FROM = 0.5  # probability that what is shown is none of the classes
RIVAL = 0.1  # probability from which on a second answer is worth naming


class Experts:
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
        return self.usual if photos.is_image(pixels) else self.photo


def load_experts(model: Path) -> Experts:
    """Load a model; "pretrained" stands for two, one of them for photographs.

    Raises:
        ModelError: As `load_predictor`.
    """
    return Experts(load_predictor(model), pretrained.photo_model(model))


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
class Failure:
    """A file that could not be read."""

    path: str
    error: str

    def to_json(self) -> dict[str, Any]:
        """A line of `predict --json`."""
        return dict(vars(self))


@dataclass(frozen=True)
class Looked:
    """A picture on its way to its model.

    Attributes:
        pixels: As decoded.
        garment: Where the garment is, if that was asked.
        image: What the model sees.
        predictor: The model.
    """

    pixels: Pixels
    garment: CutOut | None
    image: Image
    predictor: Predictor


def predict_files(
    experts: Experts,
    paths: Iterable[Path],
    *,
    abstain_below: float | None = None,
    show: Callable[[Looked, Prediction], None] | None = None,
) -> Iterator[Prediction | Failure]:
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
        rows = ask([one for one in read if isinstance(one, Looked)])
        for path, one in zip(batch, read, strict=True):
            if isinstance(one, DataError):
                yield Failure(str(path), str(one).removeprefix(f"{path}: "))
                continue
            info = one.predictor.info
            threshold = info.abstain_below if abstain_below is None else abstain_below
            prediction = answer(str(path), one.image, one.garment, next(rows), info, threshold)
            if show is not None:
                show(one, prediction)
            yield prediction


def _read(path: Path, experts: Experts, *, cut_out: bool) -> Looked | DataError:
    try:
        return look(decode(path), experts, cut_out=cut_out)
    except DataError as error:
        return error


def look(pixels: Pixels, experts: Experts, *, cut_out: bool) -> Looked:
    """Choose the model for a picture and make what it wants to see.

    Args:
        pixels: The picture.
        experts: The models.
        cut_out: Find the garment even if the answer does not need it.
    """
    predictor = experts.for_picture(pixels)
    wanted = predictor.info.preparation
    if wanted.framing == "garment":
        found = photos.find_garment(pixels)
        return Looked(pixels, found, photos.garment(pixels, found), predictor)
    # a model that declines what is no garment wants to know whether there is one
    found = photos.find_garment(pixels) if cut_out or predictor.info.declined else None
    return Looked(pixels, found, photos.framed(pixels, wanted), predictor)


def ask(looked: Sequence[Looked]) -> Iterator[np.ndarray]:
    """Ask each model about all its pictures at once; the answers in the pictures' order."""
    rows: dict[int, np.ndarray] = {}
    for predictor in {id(one.predictor): one.predictor for one in looked}.values():
        places = [i for i, one in enumerate(looked) if one.predictor is predictor]
        probs = predictor.predict(np.stack([looked[i].image for i in places]))
        rows |= dict(zip(places, probs, strict=True))
    return (rows[place] for place in range(len(looked)))


def answer(
    path: str,
    image: Image,
    garment: CutOut | None,
    probs: np.ndarray,
    info: ModelInfo,
    threshold: float,
) -> Prediction:
    """Put a row of probabilities into words."""
    shares = {label: float(p) for label, p in zip(info.labels, probs, strict=True)}
    declined = {label: shares.pop(label) for label in info.declined}
    first, second = sorted(shares, key=lambda label: -shares[label])[:2]
    is_for_garments = bool(declined) or info.framing == "garment"
    none_of_these = math.fsum(declined.values())
    reason = cause = None
    if garment is not None and garment.reason and is_for_garments:
        # first: an image without a garment is of one colour, too
        cause, reason = "missing", garment.reason
    elif (image == image[:1, :1]).all():
        cause, reason = "blank", "the picture is of one colour"
    elif none_of_these >= DECLINE_FROM:
        nearest = max(declined, key=lambda label: declined[label])
        number = "ten" if len(shares) == 10 else len(shares)
        cause, reason = "declined", f"not one of the {number} (most like {nearest})"
    elif garment is not None and garment.things > 1 and first not in SHOES and is_for_garments:
        cause, reason = "several", "more than one garment on the photograph"
    elif shares[first] < threshold:
        rival = shares[second] >= RIVAL
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
