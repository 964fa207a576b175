"""Data set: labeled training and test images with their classes, source and hashes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ankleboot.core.errors import DataError
from ankleboot.core.files import sha256_of
from ankleboot.core.records import Record
from ankleboot.core.types import Images, Indices, Labels
from ankleboot.data import splits
from ankleboot.data.fingerprints import fingerprints
from ankleboot.data.image_folder.report import FolderReport
from ankleboot.data.label_changes import LabelChanges
from ankleboot.recipes.split_rule import SplitRule


@dataclass(frozen=True)
class LabeledImages:
    """Images and their labels, row by row; read-only arrays, possibly mapped from the disk.

    `names` has the names of the image files; it is empty if the images come from no such files.
    """

    images: Images
    labels: Labels
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise DataError(f"{len(self.images)} images but {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Indices) -> "LabeledImages":
        """Select images; a contiguous range is not copied."""
        rows: slice | np.ndarray = indices
        if len(indices) and (np.diff(indices) == 1).all():
            rows = slice(int(indices[0]), int(indices[-1]) + 1)
        names = tuple(self.names[i] for i in indices) if self.names else ()
        return LabeledImages(self.images[rows], self.labels[rows], names)

    def name(self, index: int) -> str:
        """Return the name of the image's file, or its number."""
        return self.names[index] if self.names else f"Image {index}"


@dataclass(frozen=True, repr=False)
class Dataset(Record):
    """Verified data set.

    Attributes:
        name: Name for `load_data`; of an image folder its last part and a slash.
        train: Images that a recipe splits into training and validation images.
        test: Images for `ankleboot evaluate --split test`; empty if there is no test split.
        source: Folder, address or generator that the images come from.
        sha256: Hash of each decompressed file, or of the files of each split and class.
        class_names: Names of the classes in the order of the labels.
        validation: Positions in `train` that validate with every recipe.
        groups: Number of each training image's group, which a split keeps on one side: images
            that are equal, and those of one named group (a patient, a photographer).
        num_named_groups: Number of named groups; 0 if only equal images are kept together.
        folder_report: Contents and faults of the user's own images.
        group_file: Path to the file that names the groups; "" if there is none.
        label_changes: Effect of the label file that corrected the labels of `train`.
    """

    name: str
    train: LabeledImages
    test: LabeledImages
    source: str
    sha256: dict[str, str]
    class_names: tuple[str, ...]
    validation: Indices | None = None
    groups: Indices | None = None
    num_named_groups: int = 0
    folder_report: FolderReport | None = None
    group_file: str = ""
    label_changes: LabelChanges | None = None

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Height and width of an image, and 3 if it has colors."""
        return self.train.images.shape[1:]

    @property
    def train_sha256(self) -> str:
        """Hash of all training and validation images and labels."""
        hashes = (v for k, v in self.sha256.items() if not k.startswith(("test", "t10k")))
        return sha256_of("".join(hashes).encode())

    @property
    def image_counts(self) -> dict[str, dict[str, Any]]:
        """Number of images and hash of each split and class of the user's own images; else {}."""
        counts: dict[str, dict[str, Any]] = {}
        if report := self.folder_report:
            for key, digest in self.sha256.items():
                split, slash, class_name = key.partition("/")
                count = report.counts[split][class_name] if slash else self.num_named_groups
                counts[key] = {"count": count, "sha256": digest}
        return counts

    def split(self, rule: SplitRule) -> splits.Split:
        """Divide `train` by its own validation split, or else by the rule; see `splits.split`.

        A label file moves no image to the other side; it takes out those that are not usable.
        """
        changes, groups = self.label_changes, self.groups
        if rule.folds and groups is None:  # own images know already which are equal
            groups = self._equal_images
        drawn = splits.split(
            self.train.labels if changes is None else changes.original,
            rule,
            self.validation,
            groups,
            has_named_groups=self.num_named_groups > 0,
        )
        return drawn if changes is None else splits.without(drawn, changes.unusable)

    def split_notes(self, rule: SplitRule) -> tuple[str, ...]:
        """Describe what a rule does to the validation images that the data set itself has."""
        if not rule.folds or self.validation is None:
            return ()
        return (
            f"the {len(self.validation):,} validation images of {self.name} are dealt out with the "
            "others: every fold draws its own validation images",
        )

    @cached_property
    def _equal_images(self) -> Indices:
        """Number of the first equal image of each training image, in every image spec the same."""
        every = fingerprints(self.train.images, np.arange(len(self.train)))
        _, firsts, members = np.unique(every, return_index=True, return_inverse=True)
        numbers: np.ndarray = firsts[members].astype(np.int64)
        return numbers

    def in_class_order(self, class_names: Sequence[str]) -> "Dataset":
        """Number the labels in another order of the same classes, such as that of an older run.

        Data with other classes stay as they are.
        """
        names = tuple(class_names)
        if names == self.class_names or sorted(names) != sorted(self.class_names):
            return self
        new_label = np.array([names.index(name) for name in self.class_names])
        train, test = (
            replace(part, labels=new_label[part.labels].astype(part.labels.dtype))
            for part in (self.train, self.test)
        )
        changes = self.label_changes and self.label_changes.renumbered(new_label)
        return replace(self, train=train, test=test, class_names=names, label_changes=changes)

    def summary(self) -> dict[str, str]:
        """Return the name and the numbers of images and classes."""
        return {
            "name": self.name,
            "train": f"{len(self.train):,}",
            "test": f"{len(self.test):,}",
            "classes": str(len(self.class_names)),
            "image_shape": " x ".join(map(str, self.image_shape)),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the document of `data verify --json`."""
        report = self.folder_report
        return {
            "data": self.name,
            "train": len(self.train),
            "test": len(self.test),
            "ok": True,  # loading raises for anything else
            "source": self.source,
            "sha256": self.sha256,
        } | ({"folder_report": asdict(report)} if report else {})
