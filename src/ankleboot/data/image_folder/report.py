"""Report on an image folder: counts, sizes and faults."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

LAYOUT = "one sub-folder per class, optionally inside train/, validation/ and test/"
"""Layout of an image folder, for messages."""

LEAKAGE = "images that occur in more than one split (leakage)"

NUM_LISTED = 20  # names in a message


@dataclass(frozen=True)
class FolderReport:
    """Contents and faults of an image folder; names are relative to it.

    Attributes:
        counts: Number of readable images by split and class.
        bytes: Size of all their files.
        smallest: Height and width of the decoded image with the fewest pixels.
        largest: Height and width of the decoded image with the most pixels.
        unreadable: Reason for each image that cannot be decoded.
        skipped: Files without an image suffix.
        special_files: Links, pipes and devices, which are not followed.
        duplicates: Groups of images with equal bytes or pixels.
        leakage: Those groups that occur in more than one split.
        conflicts: Those groups that have more than one label.
    """

    counts: Mapping[str, Mapping[str, int]]
    bytes: int
    smallest: tuple[int, int]
    largest: tuple[int, int]
    unreadable: Mapping[str, str]
    skipped: tuple[str, ...]
    special_files: tuple[str, ...]
    duplicates: tuple[tuple[str, ...], ...]
    leakage: tuple[tuple[str, ...], ...]
    conflicts: tuple[tuple[str, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the entry "folder_report" of `data verify --json`."""
        return asdict(self)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Faults to report before the images are used, one line each."""
        faults = (
            ("unreadable images, left out", list(self.unreadable)),
            ("files that are not images, left out", self.skipped),
            ("links, pipes and devices, not followed", self.special_files),
            (LEAKAGE, join_groups(self.leakage)),
            ("images with more than one label", join_groups(self.conflicts)),
        )
        return tuple(
            f"{fault}: {len(names):,} ({join_names(names)})" for fault, names in faults if names
        )


def join_groups(groups: Sequence[Sequence[str]]) -> list[str]:
    """Write each group of equal images as one string."""
    return [" = ".join(group) for group in groups]


def join_names(names: Sequence[str]) -> str:
    """Join the first names, and count the rest."""
    more = f", and {len(names) - NUM_LISTED:,} more" if len(names) > NUM_LISTED else ""
    return ", ".join(names[:NUM_LISTED]) + more
