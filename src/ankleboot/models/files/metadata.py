"""What a model file says of itself, whatever its format."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import ModelError, UsageError
from ankleboot.core.types import IMAGE_SIZE
from ankleboot.recipes.image_spec import ImageSpec

FORMAT_VERSION = 2  # files of this version and of the one before open
RENAMED = {"colour": "color", "framing": "crop", "declined": "reject_labels"}
"""Names in version 1, and today's."""


@dataclass(frozen=True, kw_only=True)
class ModelMetadata:
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
        image_size, color, crop: What is done with pictures before it sees them.
        data_sha256: Hash of the data that its validation images are among.
        reject_labels: Labels that the model knows in order to reject what shows them.
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
    color: bool = False
    crop: str = "garment"
    data_sha256: str = ""
    reject_labels: tuple[str, ...] = ()

    @property
    def image_spec(self) -> ImageSpec:
        """What is done with pictures before the model sees them."""
        return ImageSpec(self.image_size, self.color, self.crop)

    def to_json(self) -> dict[str, Any]:
        """Return the document that `from_json` turns back into an equal object."""
        lists = {"labels": list(self.labels), "reject_labels": list(self.reject_labels)}
        return {"format_version": FORMAT_VERSION} | asdict(self) | lists

    @classmethod
    def from_json(cls, document: Mapping[str, Any], path: object) -> "ModelMetadata":
        """Rebuild the metadata from `to_json`, or from the document of an older file.

        Args:
            document: The parsed JSON.
            path: Path to the file that holds it, for messages.

        Raises:
            ModelError: If a field is unknown, missing or of another type.
        """
        try:
            fields = _current_names(dict(document))
            lists = {"labels": fields["labels"], "reject_labels": fields.get("reject_labels", ())}
            info = cls(**(fields | {name: tuple(names) for name, names in lists.items()}))
            _check(info)
        except (KeyError, TypeError, UsageError) as error:
            raise ModelError(f"{path}: damaged metadata ({error})") from error
        return info

    @classmethod
    def from_text(cls, text: str | bytes, path: object) -> "ModelMetadata":
        """Rebuild the metadata from JSON text.

        Raises:
            ModelError: If the text is not the JSON object that `to_json` gives.
        """
        try:
            document = json.loads(text)
        except ValueError as error:
            raise ModelError(f"{path}: damaged metadata ({error})") from error
        if not isinstance(document, dict):
            raise ModelError(f"{path}: damaged metadata (not a JSON object)")
        return cls.from_json(document, path)


def _current_names(fields: dict[str, Any]) -> dict[str, Any]:
    """Bring the fields of a file of version 1 or 2 to the names of version 2."""
    version = fields.pop("format_version", fields.pop("layout", None))
    if version == FORMAT_VERSION:
        return fields
    if version != 1:
        raise TypeError(f"format version {version!r}; expected 1 to {FORMAT_VERSION}")
    renamed = {RENAMED.get(name, name): value for name, value in fields.items()}
    if renamed.get("crop") == "whole":
        renamed["crop"] = "none"
    return renamed


def _check(info: ModelMetadata) -> None:
    """Raise TypeError if a field is of another type, or UsageError if the image spec is invalid."""
    usual = ModelMetadata()
    for field in dataclasses.fields(info):
        if type(getattr(info, field.name)) is not type(getattr(usual, field.name)):
            raise TypeError(f"{field.name} of another type")
    if not all(isinstance(label, str) for label in info.labels):
        raise TypeError("a class that is no text")
    if len(set(info.labels)) < max(2, len(info.labels)):
        raise TypeError(f"the classes {info.labels}")
    if not set(info.reject_labels) < set(info.labels):
        raise TypeError(f"reject_labels: {info.reject_labels}")
    _ = info.image_spec
