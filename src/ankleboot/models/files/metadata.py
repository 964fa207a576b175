"""Metadata of a model file, the same in every format."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.documents import parse_document
from ankleboot.core.errors import ModelError, UsageError, first_line
from ankleboot.core.types import IMAGE_SIZE
from ankleboot.models.files.ood_check import OodCheck
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.recipes.split_rule import MAX_FOLDS, MIN_FOLDS, SplitRule

FORMAT_VERSION = 2
"""Version of the fields below; the reader accepts this version and version 1."""

RENAMED = {"colour": "color", "framing": "crop", "declined": "reject_labels"}
"""Field names of version 1, and the current ones."""

RANGES: Mapping[str, tuple[float, float]] = {
    "parameters": (0, 2**40),
    "passes": (1, 10_000),
    "temperature": (1e-3, 1e3),
    "abstain_below": (0, 1),
    "validation_fraction": (0, 1),
    "split_seed": (0, 2**63 - 1),
    "fold": (0, MAX_FOLDS),
}
"""Smallest and largest value of each number; `ImageSpec` has the range of the image size."""

MAX_LABELS = 100_000
MAX_LABEL_LENGTH = 1_000  # letters; the longest name of a folder has 255 bytes
MAX_TEXT_LENGTH = 20_000  # letters of other fields: an ensemble names all of its recipes


def parse_object(text: str | bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        ValueError: If the text is no JSON, or other JSON.
    """
    document: dict[str, Any] = parse_document(text, dict[str, Any])
    return document


@dataclass(frozen=True, kw_only=True)
class ModelMetadata:
    """Origin of a model, its input, and the meaning of its output.

    Attributes:
        format: Name of the export format, or "keras".
        model_sha256: SHA-256 of the `.keras` file that every export was made from.
        parameters: Number of trained and fixed parameters.
        passes: Networks that see each view of an image: the members of an ensemble, for instance.
        temperature: Divisor of the logits, inside the exported graph.
        abstain_below: Confidence below which a prediction abstains.
        labels: Classes in the order of the probabilities.
        version: Version of Ankleboot that wrote the file.
        data_sha256: SHA-256 of the data that its validation images are part of.
        reject_labels: Labels that the model was trained on in order to reject their images.
        adopted: Name of the foreign file that the model was adopted from; which images it learned
            is unknown.
        convention: Convention of an adopted file that takes no stored images; see models/foreign.
        ood_check: Document of the out-of-distribution check; empty if the model has none.
    """

    recipe: str = ""
    data: str = ""
    format: str = "keras"
    model_sha256: str = ""
    parameters: int = 0
    passes: int = 1  # absent from files that are older than this field
    temperature: float = 1.0
    abstain_below: float = 0.0
    split: str = SplitRule.split
    validation_fraction: float = SplitRule.validation_fraction
    split_seed: int = SplitRule.split_seed
    folds: int = SplitRule.folds  # absent, as is the next, from files older than these fields
    fold: int = SplitRule.fold
    labels: tuple[str, ...] = CLASS_NAMES
    version: str = ""
    image_size: int = IMAGE_SIZE
    color: bool = False
    crop: str = "garment"
    fit: str = "stretch"  # absent from files that are older than this field
    data_sha256: str = ""
    reject_labels: tuple[str, ...] = ()
    adopted: str = ""
    convention: dict[str, Any] = field(default_factory=dict, hash=False)
    ood_check: dict[str, Any] = field(default_factory=dict, hash=False)  # absent from older files

    @property
    def image_spec(self) -> ImageSpec:
        """Size, color, crop and fit of the images that the model takes."""
        return ImageSpec(self.image_size, self.color, self.crop, self.fit)

    @property
    def split_rule(self) -> SplitRule:
        """Rule that selects the validation and held-out images, which the model did not learn."""
        return SplitRule(
            self.split,
            self.validation_fraction,
            self.split_seed,
            folds=self.folds,
            fold=self.fold,
        )

    @property
    def predicted_labels(self) -> tuple[str, ...]:
        """Labels that a prediction can have: all but the rejected ones."""
        return tuple(label for label in self.labels if label not in self.reject_labels)

    def to_json(self) -> dict[str, Any]:
        """Return the document that `from_json` turns back into an equal object."""
        return {"format_version": FORMAT_VERSION} | asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any], path: object) -> "ModelMetadata":
        """Rebuild the metadata from `to_json` or an older file; messages name the path.

        Raises:
            ModelError: If a field is unknown, missing or of another type.
        """
        try:
            fields = _current_fields(dict(document))
            lists = {"labels": fields["labels"], "reject_labels": fields.get("reject_labels", ())}
            info = cls(**(fields | {name: tuple(labels) for name, labels in lists.items()}))
            _check(info)
            if info.ood_check:
                _check_ood(info, path)
        except (KeyError, TypeError, UsageError) as error:
            raise ModelError(f"{path}: damaged metadata ({first_line(error)})") from error
        return info

    @classmethod
    def from_text(cls, text: str | bytes, path: object) -> "ModelMetadata":
        """Rebuild the metadata from JSON text; see `from_json`."""
        try:
            document = parse_object(text)
        except ValueError as error:
            raise ModelError(f"{path}: damaged metadata ({error})") from error
        return cls.from_json(document, path)


def _check_ood(info: ModelMetadata, path: object) -> None:
    check = OodCheck.from_json(info.ood_check, path)
    if check.labels != info.labels:
        raise TypeError("out-of-distribution check of other labels, or in another order")
    if not info.color:
        raise TypeError("out-of-distribution check of gray images")


def _current_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Translate the fields of a document of version 1; version 2 passes unchanged."""
    version = fields.pop("format_version", None) or fields.pop("layout", None)
    if version == FORMAT_VERSION:
        return fields
    if version != 1:
        raise TypeError(f"format version {version!r}; expected 1 to {FORMAT_VERSION}")
    renamed = {RENAMED.get(name, name): value for name, value in fields.items()}
    if renamed.get("crop") == "whole":
        renamed["crop"] = "none"
    return renamed


def _check(info: ModelMetadata) -> None:
    """Raise TypeError for a field of another type, UsageError for an invalid image spec."""
    for name, default in vars(ModelMetadata()).items():
        value = getattr(info, name)
        if type(value) is not type(default):
            raise TypeError(f"{name} of another type")
        if isinstance(value, str) and len(value) > MAX_TEXT_LENGTH:
            raise TypeError(f"{name} of {len(value):,} letters")
    for name, (low, high) in RANGES.items():
        if not low <= getattr(info, name) <= high:  # also for a value that is not a number
            raise TypeError(f"{name} {getattr(info, name)}; expected {low:g} to {high:g}")
    if len(info.labels) > MAX_LABELS or not all(
        isinstance(label, str) and 0 < len(label) <= MAX_LABEL_LENGTH for label in info.labels
    ):
        raise TypeError("a label that is not text, or too many or too long ones")
    if len(set(info.labels)) < max(2, len(info.labels)):
        raise TypeError(f"labels: {info.labels}")
    if not set(info.reject_labels) < set(info.labels):
        raise TypeError(f"reject_labels: {info.reject_labels}")
    is_fold = MIN_FOLDS <= info.folds <= MAX_FOLDS and 1 <= info.fold <= info.folds
    if info.folds and not is_fold:
        raise TypeError(f"fold {info.fold} of {info.folds}")
    _ = info.image_spec
