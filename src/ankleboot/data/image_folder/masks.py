"""Masks of segmentation data sets, which lie among the images of a class or in a folder of theirs.

Nothing is left out, since a class may well be called "mask"; a note asks for a look.
"""

import re
from pathlib import PurePosixPath

from ankleboot.data.image_folder.layout import Layout
from ankleboot.data.image_folder.listing import ImageFile

WORDS = r"masks?|segmentations?|annotations?|ground[_ -]?truths?|gt"
FOLDER = re.compile(rf"(.*[_ -])?({WORDS})", re.IGNORECASE)
SUFFIX = re.compile(rf"[_ -]({WORDS})([_ -]?\d+)?$", re.IGNORECASE)


def note_masks(images: list[ImageFile], layout: Layout) -> None:
    """Note images whose names say that they are masks of other images of the data set."""
    stems = {PurePosixPath(image.name).with_suffix("") for image in images}
    by_suffix = sum(
        stem.with_name(SUFFIX.sub("", stem.name)) in stems
        for stem in stems
        if SUFFIX.search(stem.name) and SUFFIX.sub("", stem.name)
    )
    if by_suffix:
        layout.notes.append(
            f"{by_suffix:,} images are named like masks of others (1.png, 1_mask.png); they are "
            "learned as images of their class: move them away if they are masks"
        )
    names: dict[str, set[str]] = {}
    for image in images:
        names.setdefault(image.class_name, set()).add(PurePosixPath(image.name).stem)
    for mask in filter(FOLDER.fullmatch, names):
        photos = [name for name in names if not FOLDER.fullmatch(name)]
        others = [name for name in photos if names[mask] <= names[name]]
        if others:
            layout.notes.append(
                f"the images of {mask}/ have the names of those of {others[0]}/; both are learned "
                "as classes: give the folder of the images alone if these are masks"
            )
