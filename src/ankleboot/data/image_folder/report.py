"""What is remarkable about a folder of pictures, counted and listed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

LAYOUT = "one sub-folder per class, perhaps inside train/, validation/ and test/"
"""How a folder of pictures is to be laid out."""

LEAKAGE = "pictures in more than one part (leakage: what is learned is no test)"

NUM_LISTED = 20  # names in a line for people


@dataclass(frozen=True)
class FolderReport:
    """A folder of pictures as it was found; names are relative to it.

    Attributes:
        counts: Pictures by part and class.
        bytes: Of all of them.
        smallest: Height and width of the smallest picture by its pixels, as decoded.
        largest: Likewise.
        bad: Pictures that cannot be decoded, and why; none of them is among the counts.
        skipped: Other files, no pictures by their names.
        special: Links, pipes and devices, which are not followed.
        twins: Groups of the same picture, by its bytes or its pixels.
        leaks: Of these, groups that are in more than one part.
        conflicts: Of these, groups with more than one label.
    """

    counts: Mapping[str, Mapping[str, int]]
    bytes: int
    smallest: tuple[int, int]
    largest: tuple[int, int]
    bad: Mapping[str, str]
    skipped: tuple[str, ...]
    special: tuple[str, ...]
    twins: tuple[tuple[str, ...], ...]
    leaks: tuple[tuple[str, ...], ...]
    conflicts: tuple[tuple[str, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """As it stands in the document of `data verify --json`."""
        return asdict(self)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What should be said before the pictures are used."""
        found = (
            ("pictures that cannot be read, left out", list(self.bad)),
            ("files that are no pictures, left out", self.skipped),
            ("links, pipes and devices, not followed", self.special),
            (LEAKAGE, join_groups(self.leaks)),
            ("pictures under more than one label", join_groups(self.conflicts)),
        )
        return tuple(
            f"{what}: {len(names):,} ({join_names(names)})" for what, names in found if names
        )


def join_groups(groups: Sequence[Sequence[str]]) -> list[str]:
    """Each group of equal pictures in a word."""
    return [" = ".join(group) for group in groups]


def join_names(names: Sequence[str]) -> str:
    """The first names in a line."""
    more = f", and {len(names) - NUM_LISTED:,} more" if len(names) > NUM_LISTED else ""
    return ", ".join(names[:NUM_LISTED]) + more
