"""What a model file says of itself, whatever its format."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ankleboot.arrays import IMAGE_SIZE
from ankleboot.classes import CLASS_NAMES
from ankleboot.errors import ModelError, UsageError
from ankleboot.preparation import Preparation

LAYOUT = 1  # of the document; a file of another layout is refused
ADDED = ("image_size", "colour", "framing", "data_sha256", "declined")
"""Fields that older files lack. Those with the usual value are left out, so that such a file's
description is still written, and sealed, as it was."""


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """Where a model comes from and how its answers are to be read.

    Attributes:
        recipe: Name of the recipe that trained it.
        data: Name of the data set it learned.
        format: A key of `export.FORMATS`, or "keras".
        model_sha256: Hash of the `.keras` file that everything else was made from.
        parameters: Number of trained and fixed parameters.
        temperature: The logits are divided by it (inside the exported graph).
        abstain_below: Answers less confident than this are not to be relied on.
        split, validation_fraction, split_seed: How its validation images are found again.
        labels: The classes, in the order of the probabilities.
        image_size, colour, framing: What is done with pictures before it sees them.
        data_sha256: Hash of the data that its validation images are among.
        declined: Those of the labels that are no answers: it knows them in order to decline them.
        version: Of Ankleboot, when the file was written.
    """

    recipe: str = ""
    data: str = ""
    format: str = "keras"
    model_sha256: str = ""
    parameters: int = 0
    temperature: float = 1.0
    abstain_below: float = 0.0
    split: str = "last"
    validation_fraction: float = 0.2
    split_seed: int = 0
    labels: tuple[str, ...] = CLASS_NAMES
    version: str = ""
    image_size: int = IMAGE_SIZE
    colour: bool = False
    framing: str = "garment"
    data_sha256: str = ""
    declined: tuple[str, ...] = ()

    @property
    def preparation(self) -> Preparation:
        """What is done with pictures before the model sees them."""
        return Preparation(self.image_size, self.colour, self.framing)

    def to_json(self) -> dict[str, Any]:
        """The document that `from_json` turns back into an equal object."""
        usual = ModelInfo()
        left_out = [name for name in ADDED if getattr(self, name) == getattr(usual, name)]
        fields = {name: value for name, value in asdict(self).items() if name not in left_out}
        lists = {name: list(fields[name]) for name in ("labels", "declined") if name in fields}
        return {"layout": LAYOUT} | fields | lists


def from_json(document: Mapping[str, Any], path: object) -> ModelInfo:
    """Rebuild what `ModelInfo.to_json` returned.

    Args:
        document: The parsed JSON.
        path: The file it was found in, for messages.

    Raises:
        ModelError: If it is something else, or names fewer than two classes.
    """
    fields = dict(document)
    layout = fields.pop("layout", None)
    if layout != LAYOUT:
        raise ModelError(f"{path}: a description of layout {layout!r}, expected {LAYOUT}")
    try:
        lists = {"labels": fields["labels"], "declined": fields.get("declined", ())}
        info = ModelInfo(**(fields | {name: tuple(names) for name, names in lists.items()}))
        for field in dataclasses.fields(info):
            if type(getattr(info, field.name)) is not type(getattr(ModelInfo(), field.name)):
                raise TypeError(f"{field.name} of another type")
        if len(set(info.labels)) < max(2, len(info.labels)):
            raise TypeError(f"the classes {info.labels}")
        if not all(isinstance(label, str) for label in info.labels):
            raise TypeError("a class that is no text")
        if not set(info.declined) < set(info.labels):
            raise TypeError(f"declined: {info.declined}")
        _ = info.preparation
    except (KeyError, TypeError, UsageError) as error:
        raise ModelError(f"{path}: damaged description ({error})") from error
    return info


def parse(text: str | bytes, path: object) -> ModelInfo:
    """`from_json` of a JSON text.

    Raises:
        ModelError: If it is not one.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ModelError(f"{path}: damaged description ({error})") from error
    if not isinstance(document, dict):
        raise ModelError(f"{path}: damaged description (not a JSON object)")
    return from_json(document, path)
