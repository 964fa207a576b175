"""What `load` returns, whatever the images come from."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ankleboot.core.errors import DataError
from ankleboot.core.files import sha256_of
from ankleboot.core.types import Images, Indices, Labels
from ankleboot.data import splits
from ankleboot.data.image_folder.report import FolderReport
from ankleboot.data.splits import Split
from ankleboot.recipes.recipe import Recipe


@dataclass(frozen=True)
class LabeledImages:
    """Images and their classes, row by row; read-only arrays, perhaps mapped from the disk.

    Attributes:
        names: Of the picture files, where each image has one.
    """

    images: Images
    labels: Labels
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise DataError(f"{len(self.images)} images but {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: Indices) -> "LabeledImages":
        """Some of them; of a whole stretch nothing is copied."""
        rows: slice | np.ndarray = chosen
        if len(chosen) and (np.diff(chosen) == 1).all():
            rows = slice(int(chosen[0]), int(chosen[-1]) + 1)
        names = tuple(self.names[i] for i in chosen) if self.names else ()
        return LabeledImages(self.images[rows], self.labels[rows], names)

    def name(self, index: int) -> str:
        """What people know the image by."""
        return self.names[index] if self.names else f"Image {index}"


@dataclass(frozen=True)
class Dataset:
    """A verified data set.

    Attributes:
        name: "fashion-mnist" or "sample"; of a folder of pictures its name and a slash.
        train: What recipes split into training and validation images.
        test: For `ankleboot evaluate --split test` alone; no images if the data has no such part.
        source: Where the bytes came from.
        sha256: Hash of each decompressed file, or of each class's files in each part.
        class_names: In the order of the labels.
        validation: Positions in `train` that validate, whatever a recipe says.
        twins: Training images with equal numbers have equal pixels, and stay on one side.
        findings: What was found in a folder of pictures.
    """

    name: str
    train: LabeledImages
    test: LabeledImages
    source: str
    sha256: dict[str, str]
    class_names: tuple[str, ...]
    validation: Indices | None = None
    twins: Indices | None = None
    findings: FolderReport | None = None

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Of one image: height and width, and 3 in color."""
        return self.train.images.shape[1:]

    @property
    def train_sha256(self) -> str:
        """One hash for training (and validation) images and labels together."""
        parts = (v for k, v in self.sha256.items() if not k.startswith(("test", "t10k")))
        return sha256_of("".join(parts).encode())

    @property
    def pictures(self) -> dict[str, dict[str, Any]]:
        """How many pictures every class of every part has, and their hash; {} without a folder."""
        if self.findings is None:
            return {}
        found = {}
        for place, digest in self.sha256.items():
            part, _, name = place.partition("/")
            found[place] = {"count": self.findings.counts[part][name], "sha256": digest}
        return found

    def split(self, recipe: Recipe) -> Split:
        """Divide `train` as its own parts or else the recipe says.

        Raises:
            DataError: If a part would be empty, or has fewer images than asked for.
        """
        return splits.split(self.train.labels, recipe, validation=self.validation, twins=self.twins)
