"""Metadata of a model file, the same in every format."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import ModelError, UsageError
from ankleboot.core.types import IMAGE_SIZE
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.recipes.split_rule import SplitRule

FORMAT_VERSION = 2
"""Version of the fields below; the reader accepts this version and version 1."""

RENAMED = {"colour": "color", "framing": "crop", "declined": "reject_labels"}
"""Field names of version 1, and the current ones."""

RENAMED_CROPS = {"whole": "none"}
"""Values of the field `crop` in version 1, and the current ones."""


@dataclass(frozen=True, kw_only=True)
class ModelMetadata:
    """Origin of a model, its input, and the meaning of its output.

    Attributes:
        recipe: Name of the recipe that trained it.
        data: Name of the data set that it was trained on.
        format: Name of the export format, or "keras".
        model_sha256: SHA-256 of the `.keras` file that every export was made from.
        parameters: Number of trained and fixed parameters.
        temperature: Divisor of the logits, inside the exported graph.
        abstain_below: Confidence below which a prediction abstains.
        split, validation_fraction, split_seed: Rule that selects its validation images.
        labels: Classes in the order of the probabilities.
        image_size, color, crop: Fields of its `ImageSpec`.
        data_sha256: SHA-256 of the data that its validation images are part of.
        reject_labels: Labels that the model was trained on in order to reject their images.
        version: Version of Ankleboot that wrote the file.
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
        """Size, color and crop of the images that the model takes."""
        return ImageSpec(self.image_size, self.color, self.crop)

    @property
    def split_rule(self) -> SplitRule:
        """Rule that selects the validation images, which the model was not trained on."""
        return SplitRule(self.split, self.validation_fraction, self.split_seed)

    @property
    def predicted_labels(self) -> tuple[str, ...]:
        """Labels that a prediction can have: all but the rejected ones."""
        return tuple(label for label in self.labels if label not in self.reject_labels)

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
            fields = _current_fields(dict(document))
            lists = {"labels": fields["labels"], "reject_labels": fields.get("reject_labels", ())}
            info = cls(**(fields | {name: tuple(labels) for name, labels in lists.items()}))
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


def _current_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Translate the fields of a document of version 1; version 2 passes unchanged."""
    version = fields.pop("format_version", None) or fields.pop("layout", None)
    if version == FORMAT_VERSION:
        return fields
    if version != 1:
        raise TypeError(f"format version {version!r}; expected 1 to {FORMAT_VERSION}")
    renamed = {RENAMED.get(name, name): value for name, value in fields.items()}
    if "crop" in renamed:
        renamed["crop"] = RENAMED_CROPS.get(renamed["crop"], renamed["crop"])
    return renamed


def _check(info: ModelMetadata) -> None:
    """Raise TypeError for a field of another type, UsageError for an invalid image spec."""
    default = ModelMetadata()
    for field in dataclasses.fields(info):
        if type(getattr(info, field.name)) is not type(getattr(default, field.name)):
            raise TypeError(f"{field.name} of another type")
    if not all(isinstance(label, str) for label in info.labels):
        raise TypeError("a label that is not text")
    if len(set(info.labels)) < max(2, len(info.labels)):
        raise TypeError(f"labels: {info.labels}")
    if not set(info.reject_labels) < set(info.labels):
        raise TypeError(f"reject_labels: {info.reject_labels}")
    _ = info.image_spec
