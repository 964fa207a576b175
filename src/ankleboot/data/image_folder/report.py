"""Report on the user's own images: how they were understood, counts, sizes and faults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LAYOUT = "one sub-folder per class, optionally inside train/, validation/ and test/"
LEAKAGE = "images that occur in more than one split (leakage)"
NUM_LISTED = 20  # names in a message
MIN_IMAGES_PER_CLASS = 2  # one to train on, one to validate on


@dataclass(frozen=True)
class FolderReport:
    """Contents and faults of an image folder or a table; names are relative to it.

    Attributes:
        counts: Number of readable images by split and class.
        bytes: Size of all their files.
        smallest, largest: Height and width of the decoded images with the fewest and most pixels.
        unreadable: Reason for each image that cannot be decoded.
        skipped: Files without an image suffix.
        special_files: Pipes, devices, and links to a folder above, which are not followed.
        duplicates: Groups of images with equal bytes or pixels, or of versions of one photo.
        leakage: Those groups that occur in more than one split.
        conflicts: Equal images that have more than one label.
        layout: What the files and folders were understood as.
        notes: What was left out or assumed.
        num_named_groups: Number of groups that `--groups` or a column group names.
        split_groups: Those named groups that occur in more than one split.
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
    layout: str = ""
    notes: tuple[str, ...] = ()
    num_named_groups: int = 0
    split_groups: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Faults to report before the readable images are used, one line each."""
        return self._list_faults("unreadable images, left out")

    @property
    def findings(self) -> tuple[str, ...]:
        """Faults of images that are not used: of the unreadable ones none is left out."""
        return self._list_faults("unreadable images")

    def _list_faults(self, unreadable: str) -> tuple[str, ...]:
        faults = {
            unreadable: tuple(self.unreadable),
            "files that are not images, left out": self.skipped,
            "pipes, devices and links to a folder above, not followed": self.special_files,
            LEAKAGE: tuple(map(" = ".join, self.leakage)),
            "images with more than one label": tuple(map(" = ".join, self.conflicts)),
            "groups in more than one split (leakage)": self.split_groups,
        }
        listed = ((fault, names) for fault, names in faults.items() if names)
        lines = (f"{fault}: {len(names):,} ({join_names(names)})" for fault, names in listed)
        return (*self.notes, *lines)


def join_names(names: Sequence[str]) -> str:
    """Join the first names, and count the rest."""
    more = f", and {len(names) - NUM_LISTED:,} more" if len(names) > NUM_LISTED else ""
    return ", ".join(names[:NUM_LISTED]) + more
