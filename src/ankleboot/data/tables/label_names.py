"""Names for labels that are numbers, from a file beside the images."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ankleboot.core.errors import DataError
from ankleboot.core.text import escape_unprintable
from ankleboot.data.class_names import read_class_names
from ankleboot.data.image_folder.listing import ImageListing, natural_order

CLASS_NAME_FILES = ("classes.txt", "labels.txt")


def class_name_file(folder: Path) -> Path | None:
    """Return the file with the names of the classes in a folder, if it has one."""
    return next((p for name in CLASS_NAME_FILES if (p := folder / name).is_file()), None)


def names_by_label(path: Path, labels: Sequence[str]) -> dict[str, str]:
    """Return the name of each label, in the order of the lines or by the number of the line.

    Raises:
        DataError: If the file has other names than one for each label.
    """
    listed = tuple(map(escape_unprintable, read_class_names(path)))
    by_rank = len(listed) == len(labels)
    if len(set(listed)) < len(listed) or not (by_rank or len(listed) > int(labels[-1])):
        raise DataError(
            f"{path}: {len(set(listed))} different names; expected one for each label from "
            f"{labels[0]} to {labels[-1]}"
        )
    places = range(len(labels)) if by_rank else map(int, labels)
    return dict(zip(labels, (listed[place] for place in places), strict=True))


def name_labels(listing: ImageListing, source: Path) -> ImageListing:
    """Replace labels that are all numbers by the names in a file beside a file of images."""
    labels = natural_order({image.class_name for image in listing.images})
    path = class_name_file(source.parent)
    if path is None or path == source or not all(label.isdecimal() for label in labels):
        return listing
    try:
        names = names_by_label(path, labels)
    except DataError as error:
        return replace(listing, notes=(*listing.notes, f"not used: {error}"))
    note = f"classes named by {path.name}, in the order of the labels {labels[0]} to {labels[-1]}"
    return replace(
        listing,
        images=[replace(image, class_name=names[image.class_name]) for image in listing.images],
        class_names=tuple(names[label] for label in listing.class_names),
        notes=(*listing.notes, note),
    )
