"""Effect of a label file on a data set."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.files import sha256_of
from ankleboot.core.text import counted
from ankleboot.core.types import Indices, Labels


@dataclass(frozen=True)
class LabelChanges:
    """Labels that a label file changed in a data set.

    Attributes:
        path: Label file.
        content: Its bytes; a run keeps a copy, because the file may grow.
        original: Labels of the training file before.
        changed: Positions in the training file of images that have another label.
        unusable: Positions of images that are left out.
        num_confirmed: Number of images whose label was found right.
        notes: Lines of the file without effect, in words.
    """

    path: Path
    content: bytes
    original: Labels
    changed: Indices
    unusable: Indices
    num_confirmed: int
    notes: tuple[str, ...] = ()

    @cached_property
    def touched(self) -> Indices:
        """Positions whose labels changed, or that are left out."""
        return np.union1d(self.changed, self.unusable)

    def renumbered(self, new_label: np.ndarray) -> "LabelChanges":
        """Return the changes for another order of the classes; `new_label` is by old label."""
        original = new_label[self.original].astype(self.original.dtype)
        return replace(self, original=original)

    def __str__(self) -> str:
        return (
            f"{self.path.name} changes {counted(len(self.changed), 'label')}, leaves out "
            f"{counted(len(self.unusable), 'image')} and confirms "
            f"{counted(self.num_confirmed, 'label')}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the entry of the manifest."""
        return {
            "sha256": sha256_of(self.content),
            "num_changed": len(self.changed),
            "num_unusable": len(self.unusable),
            "num_confirmed": self.num_confirmed,
        }
