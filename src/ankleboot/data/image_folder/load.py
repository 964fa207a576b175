"""Images of the user's own become a `Dataset`.

    data = load_data("pets", image_spec=ImageSpec(64, color=True, crop="none"))

A folder named train, validation or test, in any of their usual spellings, around folders of classes
is a split. Otherwise the folders are classes, and the recipe's split rule draws the validation
images. Images are ordered by the hash of their bytes, so that the rule's last images are a fair and
stratified draw, whatever their names. Tables (`data/tables`) take the same way.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.files import sha256_of
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.text import escape_unprintable
from ankleboot.core.types import Indices
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.fashion_mnist.load import check_image_spec
from ankleboot.data.image_folder.cache import CachedImages, cache_images
from ankleboot.data.image_folder.content import hash_images
from ankleboot.data.image_folder.listing import SPLIT_ORDER, ImageFile, ImageListing
from ankleboot.data.image_folder.report import (
    LAYOUT,
    LEAKAGE,
    MIN_IMAGES_PER_CLASS,
    FolderReport,
    join_names,
)
from ankleboot.data.load import Progress
from ankleboot.data.splits import join_groups
from ankleboot.data.tables.groups import add_groups
from ankleboot.data.tables.sources import read_source
from ankleboot.recipes.image_spec import ImageSpec


@dataclass(frozen=True)
class LoadOptions:
    """Options of `data.load.load_data` for the user's own images."""

    image_spec: ImageSpec
    skip_bad: bool
    strict: bool
    progress: Progress
    groups: AnyPath | None = None
    for_training: bool = True  # which needs two classes, and two images of each


def load_own_images(path: Path, options: LoadOptions) -> Dataset:
    """Load a folder or a table of images; see `data.load.load_data`.

    Raises:
        DataError: If there is another layout, or see `load_listing`.
        EnvironmentFailure: If the cache cannot be written, or a package is missing.
        UsageError: If the file is of another kind, or a known data set gets other options.
    """
    path = path.resolve()
    source = read_source(path)
    if source.listing is None:
        check_image_spec(options.image_spec)
        if options.skip_bad or options.strict or options.groups is not None:
            raise UsageError(
                f"--skip-bad, --strict and --groups are for images of your own; {path} holds "
                "Fashion-MNIST"
            )
        if source.dataset is None:
            raise RuntimeError("a source without content")
        missing = "" if len(source.dataset.test) else "; it has no test images"
        options.progress(f"{path}: {source.dataset.name}, known by its pixels{missing}")
        return replace(source.dataset, source=str(path))
    listing = grouped_listing(path, source.listing, options)
    data = load_listing(path, listing, options)
    if options.groups is None:
        return data
    return replace(data, group_file=str(expand(options.groups).absolute()))


def grouped_listing(path: Path, listing: ImageListing, options: LoadOptions) -> ImageListing:
    """Give the images the groups of the options' file, if there is one."""
    if options.groups is None:
        return listing
    root = path if path.is_dir() else path.parent
    return add_groups(listing, expand(options.groups), root)


def load_listing(source: Path, listing: ImageListing, options: LoadOptions) -> Dataset:
    """Decode the images of a listing; see `data.load.load_data`.

    Raises:
        DataError: If an image cannot be decoded (and `skip_bad` is off), a class has too few
            images, or (with `strict`) an image or a group is in several splits.
        EnvironmentFailure: If an image cannot be read for a reason other than its content, or the
            cache cannot be written.
    """
    return _dataset(source, listing.class_names, *check_listing(source, listing, options))


def check_listing(
    source: Path, listing: ImageListing, options: LoadOptions
) -> tuple[list[ImageFile], CachedImages, FolderReport]:
    """Decode the images of a listing; return those that can be read, in the order of the data set.

    Raises:
        DataError: As for `load_listing`.
    """
    if not listing.images:
        raise DataError(f"{source}: no images; expected {LAYOUT}")
    files = _sorted_by_content(listing.images)
    cached = cache_images(files, options.image_spec, options.progress)
    unreadable = {files[i].printable: reason for i, reason in cached.unreadable.items()}
    if unreadable and not options.skip_bad:
        faults = [f"{name} ({reason})" for name, reason in unreadable.items()]
        raise DataError(
            f"{source}: {len(faults):,} of {len(files):,} images cannot be read "
            f"(--skip-bad leaves them out): {join_names(faults)}"
        )
    readable = [file for i, file in enumerate(files) if i not in cached.unreadable]
    report = _report(listing, readable, cached, unreadable)
    _check(source, report, options)
    return readable, cached, report


def _sorted_by_content(images: list[ImageFile]) -> list[ImageFile]:
    """Add the hashes; sort by split, mix its classes evenly, and sort a class by content."""
    files = sorted(hash_images(images), key=lambda f: (f.sha256, os.fsencode(f.name)))
    groups: dict[tuple[str, str], list[ImageFile]] = defaultdict(list)
    for file in files:
        groups[file.split, file.class_name].append(file)
    ranks = {
        file: (SPLIT_ORDER.index(file.split), (i + 0.5) / len(group), file.class_name)
        for group in groups.values()
        for i, file in enumerate(group)
    }
    return sorted(files, key=ranks.__getitem__)


def _report(
    listing: ImageListing,
    readable: list[ImageFile],
    cached: CachedImages,
    unreadable: dict[str, str],
) -> FolderReport:
    splits = {"train"} | {file.split for file in readable}
    counts = {s: dict.fromkeys(listing.class_names, 0) for s in SPLIT_ORDER if s in splits}
    equal: dict[str, list[ImageFile]] = defaultdict(list)
    copies: dict[int, list[ImageFile]] = defaultdict(list)
    named: dict[str, set[str]] = defaultdict(set)
    numbers = join_groups(cached.digests, [file.photo for file in readable]).tolist()
    for file, digest, number in zip(readable, cached.digests, numbers, strict=True):
        counts[file.split][file.class_name] += 1
        equal[digest].append(file)
        copies[number].append(file)
        named[file.group].add(file.split)
    named.pop("", None)
    duplicates = [group for group in copies.values() if len(group) > 1]
    return FolderReport(
        counts=counts,
        bytes=sum(file.num_bytes for file in readable),
        smallest=cached.smallest,
        largest=cached.largest,
        unreadable=unreadable,
        skipped=tuple(sorted(listing.skipped)),
        special_files=tuple(sorted(listing.special_files)),
        duplicates=_names(duplicates),
        leakage=_names(g for g in duplicates if len({file.split for file in g}) > 1),
        conflicts=_conflicts(equal.values()),
        layout=listing.layout,
        notes=(*listing.notes, *_versions(readable)),
        num_named_groups=len(named),
        split_groups=tuple(sorted(_printable(g) for g, parts in named.items() if len(parts) > 1)),
    )


def _printable(name: str) -> str:
    return escape_unprintable(name)


def _names(groups: Iterable[list[ImageFile]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(sorted(file.printable for file in group)) for group in groups)


def _conflicts(groups: Iterable[list[ImageFile]]) -> tuple[tuple[str, ...], ...]:
    """Return the names of equal images with several labels; with the labels where one name has."""
    conflicts = []
    for group in groups:
        labels = {file.class_name for file in group}
        names = sorted(file.printable for file in group)
        if len(labels) > 1 and len(set(names)) == 1:
            names = [f"{names[0]}, labeled {' and '.join(sorted(labels))}"]
        conflicts += [tuple(names)] if len(labels) > 1 else []
    return tuple(conflicts)


def _versions(files: list[ImageFile]) -> list[str]:
    """Return a note on versions of photos, whose names do not show that they are alike."""
    photos = Counter(file.photo for file in files)
    del photos[""]
    if not any(number > 1 for number in photos.values()):
        return []
    return [
        f"{photos.total():,} images are versions of {len(photos):,} photos (.rf. in their names, "
        "as of Roboflow); where a split is drawn, those of a photo stay together"
    ]


def _check(source: Path, report: FolderReport, options: LoadOptions) -> None:
    counts, strict = report.counts["train"], options.strict
    advice = f"; expected {LAYOUT}" if source.is_dir() else ""
    if options.for_training and len(counts) < 2:
        raise DataError(
            f"{source}: two or more classes are needed, found one: {', '.join(counts)}{advice}"
        )
    if options.for_training and (
        few := [f"{name} ({n})" for name, n in counts.items() if n < MIN_IMAGES_PER_CLASS]
    ):
        raise DataError(
            f"{source}: every class needs {MIN_IMAGES_PER_CLASS} or more training images; "
            f"these have fewer: {join_names(few)}{advice}"
        )
    if strict and report.leakage:
        leaked = [" = ".join(group) for group in report.leakage]
        raise DataError(f"{source}: {LEAKAGE}: {len(leaked):,} ({join_names(leaked)})")
    if strict and report.split_groups:
        raise DataError(
            f"{source}: groups in more than one split (leakage): {len(report.split_groups):,} "
            f"({join_names(report.split_groups)})"
        )


def _dataset(
    source: Path,
    class_names: tuple[str, ...],
    readable: list[ImageFile],
    cached: CachedImages,
    report: FolderReport,
) -> Dataset:
    index = {name: label for label, name in enumerate(class_names)}
    images = LabeledImages(
        cached.images,
        np.array([index[file.class_name] for file in readable], np.int32),
        tuple(file.printable for file in readable),
    )
    splits = [file.split for file in readable]
    num_train, num_known = splits.count("train"), len(splits) - splits.count("test")
    slash = "/" if source.is_dir() else ""
    return Dataset(
        name=f"{escape_unprintable(source.name)}{slash}",
        train=images.take(np.arange(num_known)),
        test=images.take(np.arange(num_known, len(splits))),
        source=str(source),
        sha256=_hashes(readable),
        class_names=class_names,
        validation=np.arange(num_train, num_known) if num_known > num_train else None,
        groups=_groups(readable[:num_known], cached.digests[:num_known]),
        num_named_groups=report.num_named_groups,
        folder_report=report,
    )


def _groups(files: list[ImageFile], digests: tuple[str, ...]) -> Indices:
    return join_groups(digests, [file.group for file in files], [file.photo for file in files])


def _hashes(files: list[ImageFile]) -> dict[str, str]:
    """Hash the images of each split and class, and the groups if there are any."""
    lines: dict[str, list[str]] = defaultdict(list)
    for file in files:
        lines[f"{file.split}/{file.class_name}"].append(file.identity)
        if file.group and file.split != "test":
            lines["groups"].append(f"{file.identity} {file.group!r}")
    return {k: sha256_of("\n".join(sorted(v)).encode()) for k, v in sorted(lines.items())}
