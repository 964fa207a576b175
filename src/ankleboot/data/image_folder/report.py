"""Report on an image folder: counts, sizes and faults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LAYOUT = "one sub-folder per class, optionally inside train/, validation/ and test/"
LEAKAGE = "images that occur in more than one split (leakage)"
NUM_LISTED = 20  # names in a message


@dataclass(frozen=True)
class FolderReport:
    """Contents and faults of an image folder; names are relative to it.

    Attributes:
        counts: Number of readable images by split and class.
        bytes: Size of all their files.
        smallest, largest: Height and width of the decoded images with the fewest and most pixels.
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

    @property
    def warnings(self) -> tuple[str, ...]:
        """Faults to report before the images are used, one line each."""
        faults = {
            "unreadable images, left out": tuple(self.unreadable),
            "files that are not images, left out": self.skipped,
            "links, pipes and devices, not followed": self.special_files,
            LEAKAGE: tuple(map(" = ".join, self.leakage)),
            "images with more than one label": tuple(map(" = ".join, self.conflicts)),
        }
        listed = ((fault, names) for fault, names in faults.items() if names)
        return tuple(f"{fault}: {len(names):,} ({join_names(names)})" for fault, names in listed)


def join_names(names: Sequence[str]) -> str:
    """Join the first names, and count the rest."""
    more = f", and {len(names) - NUM_LISTED:,} more" if len(names) > NUM_LISTED else ""
    return ", ".join(names[:NUM_LISTED]) + more
