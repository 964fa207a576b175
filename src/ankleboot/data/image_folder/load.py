"""Pictures of one's own: a folder with a sub-folder for every class.

    pets/cat/*.jpg  pets/dog/*.jpg                         validation images are drawn
    pets/train/cat/*.jpg  pets/validation/cat/...  pets/test/cat/...     the parts are as they are

`val` and `valid` will do as well; validation and test may be missing. Every picture is decoded and
prepared once, with a few threads, and kept in the cache as an array that is mapped, not read: a
second start is quick, and memory does not grow with the data.

The order is one of content: classes are mixed evenly, and inside a class pictures stand by their
hash. So the last ones are a fair and stratified draw, whatever the files are called.
"""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ankleboot.core.errors import DataError
from ankleboot.core.files import sha256_of, sha256_of_file
from ankleboot.core.paths import cache_folder
from ankleboot.core.text import escape_unprintable
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.image_folder.cache import THREADS, CachedImages, cached_images
from ankleboot.data.image_folder.report import (
    LAYOUT,
    LEAKAGE,
    FolderReport,
    join_groups,
    join_names,
)
from ankleboot.data.image_folder.scan import (
    MIN_IMAGES_PER_CLASS,
    FolderScan,
    ImageFile,
    scan_folder,
)
from ankleboot.recipes.image_spec import ImageSpec

SPLIT_ORDER = ("train", "validation", "test")

HashedFile = tuple[ImageFile, str]
"""A picture and the SHA-256 of its file; "" if that cannot be read."""


def load_image_folder(
    folder: Path,
    image_spec: ImageSpec,
    *,
    skip_bad: bool,
    strict: bool,
    say: Callable[[str], None],
) -> Dataset:
    """Read a folder of pictures; see `data.load`.

    Raises:
        DataError: If it is not laid out so, a picture cannot be decoded (and `skip_bad` is off), a
            class has too few, or (with `strict`) a picture is in more than one part.
        EnvironmentFailure: If the cache cannot be written.
    """
    folder = folder.resolve()
    listing = scan_folder(folder)
    if not listing.pictures:
        raise DataError(f"{folder}: no pictures; expected {LAYOUT}")
    ordered = _ordered(listing)
    contents = [f"{os.fsencode(one.name)!r} {digest}" for one, digest in ordered]
    paths = [one.path for one, _ in ordered]
    made = cached_images(paths, contents, image_spec, cache_folder("pictures"), say)
    if made.bad and not skip_bad:
        faults = [
            f"{escape_unprintable(ordered[i][0].name)} ({why})" for i, why in made.bad.items()
        ]
        raise DataError(
            f"{folder}: {len(faults):,} of {len(ordered):,} pictures cannot be read "
            f"(--skip-bad leaves them out): {join_names(faults)}"
        )
    good = [one for place, one in enumerate(ordered) if place not in made.bad]
    _check_counts(folder, listing.class_names, good)
    found = _findings(listing, ordered, good, made)
    if strict and found.leaks:
        raise DataError(
            f"{folder}: {LEAKAGE}: {len(found.leaks):,} ({join_names(join_groups(found.leaks))})"
        )
    return _dataset(folder, listing.class_names, good, made, found)


def _ordered(listing: FolderScan) -> list[HashedFile]:
    """Part after part; in a part the classes mixed evenly, in a class by content."""

    def digest(picture: ImageFile) -> str:
        try:
            return sha256_of_file(picture.path)
        except OSError:
            return ""  # it will not be decoded either

    with ThreadPoolExecutor(THREADS, "hashing") as pool:
        digests = list(pool.map(digest, listing.pictures))
    groups: dict[tuple[str, str], list[HashedFile]] = {}
    for picture, found in zip(listing.pictures, digests, strict=True):
        groups.setdefault((picture.part, picture.class_name), []).append((picture, found))
    ranked = []
    for (part, class_name), members in groups.items():
        members.sort(key=lambda one: (one[1], os.fsencode(one[0].name)))
        for place, member in enumerate(members):
            share = (place + 0.5) / len(members)
            ranked.append((SPLIT_ORDER.index(part), share, class_name, place, member))
    ranked.sort(key=lambda row: row[:4])
    return [member for *_, member in ranked]


def _check_counts(folder: Path, class_names: tuple[str, ...], good: Sequence[HashedFile]) -> None:
    counts = Counter(one.class_name for one, _ in good if one.part == "train")
    if few := [
        f"{name} ({counts[name]})" for name in class_names if counts[name] < MIN_IMAGES_PER_CLASS
    ]:
        raise DataError(
            f"{folder}: every class needs {MIN_IMAGES_PER_CLASS} or more training pictures, "
            f"too few have {join_names(few)}; expected {LAYOUT}"
        )


def _findings(
    listing: FolderScan,
    ordered: Sequence[HashedFile],
    good: Sequence[HashedFile],
    made: CachedImages,
) -> FolderReport:
    counts = {
        part: {name: 0 for name in listing.class_names}
        for part in SPLIT_ORDER
        if any(one.part == part for one, _ in good)
    }
    groups: dict[str, list[ImageFile]] = {}
    for (picture, _), digest in zip(good, made.digests, strict=True):
        counts[picture.part][picture.class_name] += 1
        groups.setdefault(digest, []).append(picture)
    several = [group for group in groups.values() if len(group) > 1]

    def names(chosen: list[list[ImageFile]]) -> tuple[tuple[str, ...], ...]:
        return tuple(
            tuple(sorted(escape_unprintable(one.name) for one in group)) for group in chosen
        )

    return FolderReport(
        counts=counts,
        bytes=sum(one.path.stat().st_size for one, _ in good),
        smallest=made.smallest,
        largest=made.largest,
        bad={
            escape_unprintable(ordered[place][0].name): reason for place, reason in made.bad.items()
        },
        skipped=tuple(sorted(listing.skipped)),
        special=tuple(sorted(listing.special)),
        twins=names(several),
        leaks=names([group for group in several if len({one.part for one in group}) > 1]),
        conflicts=names([g for g in several if len({one.class_name for one in g}) > 1]),
    )


def _dataset(
    folder: Path,
    class_names: tuple[str, ...],
    good: Sequence[HashedFile],
    made: CachedImages,
    found: FolderReport,
) -> Dataset:
    index = {name: label for label, name in enumerate(class_names)}
    whole = LabeledImages(
        made.images,
        np.array([index[one.class_name] for one, _ in good], np.int32),
        tuple(escape_unprintable(one.name) for one, _ in good),
    )
    parts = [one.part for one, _ in good]
    num_train, num_test = parts.count("train"), parts.count("test")
    learned = len(parts) - num_test
    _, twins = np.unique(made.digests[:learned], return_inverse=True)
    hashes: dict[str, list[str]] = {}
    for picture, digest in good:
        line = f"{os.fsencode(picture.name)!r} {digest}"
        hashes.setdefault(f"{picture.part}/{picture.class_name}", []).append(line)
    return Dataset(
        name=f"{escape_unprintable(folder.name)}/",
        train=whole.take(np.arange(learned)),
        test=whole.take(np.arange(learned, len(parts))),
        source=str(folder),
        sha256={
            place: sha256_of("\n".join(sorted(lines)).encode())
            for place, lines in sorted(hashes.items())
        },
        class_names=class_names,
        validation=np.arange(num_train, learned) if learned > num_train else None,
        twins=twins.astype(np.int64),
        findings=found,
    )
