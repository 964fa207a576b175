"""Schemas of the JSON documents in a run folder.

`format` of the manifest is the version of the whole folder.
"""

from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

MANIFEST_FORMAT = 1
"""Version of run folders, raised when an older Ankleboot would misread a newer one."""

Count = Annotated[int, Meta(ge=0, le=2**53)]
NonNegative = Annotated[float, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, le=1)]


class DataEntry(TypedDict):
    """Data set of a run."""

    name: str
    train_sha256: str


class SplitEntry(TypedDict):
    """Hash and sizes of the split; `num_held_out` counts the images of a fold."""

    sha256: str
    num_train: Count
    num_validation: Count
    num_held_out: NotRequired[Count]


class ImagesEntry(TypedDict):
    """Number and hash of the images of a split and class."""

    count: Count
    sha256: NotRequired[str]


class LabelFileEntry(TypedDict):
    """Label file that corrected the labels."""

    sha256: str


class OriginEntry(TypedDict):
    """Run that a run started from, or learned from as its teacher."""

    run: str
    model_sha256: str
    labels: NotRequired[list[str]]


class AdoptedEntry(TypedDict):
    """Foreign file that a model was adopted from."""

    file: str


class HardwareEntry(TypedDict):
    """Computer of a run; older Ankleboots wrote less."""

    machine: NotRequired[str]
    cpu: NotRequired[str]
    cpu_flags: NotRequired[list[str]]
    cores: NotRequired[Count | None]
    usable_cores: NotRequired[Count | None]


class ManifestDocument(TypedDict):
    """Document of manifest.json."""

    format: int
    data: DataEntry
    data_source: str
    split: SplitEntry
    versions: dict[str, str]
    hardware: HardwareEntry
    recipe: NotRequired[dict[str, Any]]
    arithmetic: NotRequired[str]
    plugins: NotRequired[dict[str, Any]]
    git_commit: NotRequired[str | None]
    created: NotRequired[str]
    labels: NotRequired[Annotated[list[str], Meta(min_length=2)]]
    class_counts: NotRequired[dict[str, dict[str, Count]]]
    label_file: NotRequired[LabelFileEntry]
    label_file_source: NotRequired[str]
    group_file: NotRequired[str]
    image_counts: NotRequired[dict[str, ImagesEntry]]
    data_notes: NotRequired[list[str]]
    num_unreadable: NotRequired[Count]
    parent: NotRequired[OriginEntry]
    teacher: NotRequired[OriginEntry]
    adopted: NotRequired[AdoptedEntry]


class Metrics(TypedDict):
    """Accuracy and mean cross-entropy; unknown for an adopted model."""

    accuracy: NotRequired[Fraction]
    loss: NotRequired[NonNegative]


class ResultDocument(TypedDict):
    """Document of result.json."""

    recipe: str
    seed: int
    data: str
    parameters: Count
    epochs: Count
    best_epoch: Count
    model_epoch: Count
    train_seconds: NonNegative
    train: Metrics
    validation: Metrics
    model_sha256: str
    stages: NotRequired[dict[str, float]]
    weights_sha256: NotRequired[str]


class VerdictDocument(TypedDict):
    """Document of verdict.json."""

    verdict: str
    sentences: list[str]


class EvaluationDocument(TypedDict):
    """Fields of evaluation-SPLIT.json that others read."""

    accuracy: Fraction
    accuracy_ci95: tuple[Fraction, Fraction]


class TestReadsDocument(TypedDict):
    """Document of test_reads.json."""

    test_reads: Count
