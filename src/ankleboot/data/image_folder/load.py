"""Loading of an image folder with a sub-folder for every class.

    pets/cat/*.jpg  pets/dog/*.jpg                             validation images are drawn
    pets/train/cat/*.jpg  pets/validation/cat/...  pets/test/cat/...     the splits are fixed

`val` and `valid` mean validation; validation and test may be missing. Every image is preprocessed
once and kept in the cache as an array that is mapped: memory does not grow with the data.

The order depends on content alone: classes are mixed evenly, and the images of a class are sorted
by their hash. The last images are therefore a fair and stratified draw, whatever their names.
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from ankleboot.core.errors import DataError
from ankleboot.core.files import sha256_of, sha256_of_file
from ankleboot.core.text import escape_unprintable
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.image_folder.cache import NUM_THREADS, CachedImages, cache_images
from ankleboot.data.image_folder.report import LAYOUT, LEAKAGE, FolderReport, join_names
from ankleboot.data.image_folder.scan import FolderScan, ImageFile, scan_folder
from ankleboot.data.load import Progress
from ankleboot.recipes.image_spec import ImageSpec

MIN_IMAGES_PER_CLASS = 2  # one to train on, one to validate on
SPLIT_ORDER = ("train", "validation", "test")


def load_image_folder(
    folder: Path, image_spec: ImageSpec, *, skip_bad: bool, strict: bool, progress: Progress
) -> Dataset:
    """Load an image folder; see `data.load.load_data`.

    Raises:
        DataError: If the folder has another layout, an image cannot be decoded (and `skip_bad` is
            off), a class has too few images, or (with `strict`) an image is in several splits.
        EnvironmentFailure: If the cache cannot be written.
    """
    folder = folder.resolve()
    scan = scan_folder(folder)
    if not scan.images:
        raise DataError(f"{folder}: no images; expected {LAYOUT}")
    files = _sorted_by_content(scan.images)
    paths, contents = [file.path for file in files], [file.content for file in files]
    cached = cache_images(paths, contents, image_spec, progress)
    unreadable = {files[i].printable: reason for i, reason in cached.unreadable.items()}
    if unreadable and not skip_bad:
        faults = [f"{name} ({reason})" for name, reason in unreadable.items()]
        raise DataError(
            f"{folder}: {len(faults):,} of {len(files):,} images cannot be read "
            f"(--skip-bad leaves them out): {join_names(faults)}"
        )
    readable = [file for i, file in enumerate(files) if i not in cached.unreadable]
    report = _report(scan, readable, cached, unreadable)
    _check(folder, report, strict)
    return _dataset(folder, scan.class_names, readable, cached, report)


def _sorted_by_content(images: list[ImageFile]) -> list[ImageFile]:
    """Add the hashes; sort by split, mix its classes evenly, and sort a class by content."""

    def hashed(image: ImageFile) -> ImageFile:
        try:
            return replace(image, sha256=sha256_of_file(image.path))
        except OSError:
            return image  # decoding fails as well, and reports the reason

    with ThreadPoolExecutor(NUM_THREADS, "hashing") as pool:
        files = sorted(pool.map(hashed, images), key=lambda f: (f.sha256, os.fsencode(f.name)))
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
    scan: FolderScan, readable: list[ImageFile], cached: CachedImages, unreadable: dict[str, str]
) -> FolderReport:
    splits = {"train"} | {file.split for file in readable}
    counts = {s: dict.fromkeys(scan.class_names, 0) for s in SPLIT_ORDER if s in splits}
    groups: dict[str, list[ImageFile]] = defaultdict(list)
    for file, digest in zip(readable, cached.digests, strict=True):
        counts[file.split][file.class_name] += 1
        groups[digest].append(file)
    duplicates = [group for group in groups.values() if len(group) > 1]
    return FolderReport(
        counts=counts,
        bytes=sum(file.path.stat().st_size for file in readable),
        smallest=cached.smallest,
        largest=cached.largest,
        unreadable=unreadable,
        skipped=tuple(sorted(scan.skipped)),
        special_files=tuple(sorted(scan.special_files)),
        duplicates=_names(duplicates),
        leakage=_names(g for g in duplicates if len({file.split for file in g}) > 1),
        conflicts=_names(g for g in duplicates if len({file.class_name for file in g}) > 1),
    )


def _names(groups: Iterable[list[ImageFile]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(sorted(file.printable for file in group)) for group in groups)


def _check(folder: Path, report: FolderReport, strict: bool) -> None:
    counts = report.counts["train"]
    if few := [f"{name} ({n})" for name, n in counts.items() if n < MIN_IMAGES_PER_CLASS]:
        raise DataError(
            f"{folder}: every class needs {MIN_IMAGES_PER_CLASS} or more training images; "
            f"these have fewer: {join_names(few)}; expected {LAYOUT}"
        )
    if strict and report.leakage:
        leaked = [" = ".join(group) for group in report.leakage]
        raise DataError(f"{folder}: {LEAKAGE}: {len(leaked):,} ({join_names(leaked)})")


def _dataset(
    folder: Path,
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
    _, duplicates = np.unique(cached.digests[:num_known], return_inverse=True)
    lines: dict[str, list[str]] = defaultdict(list)
    for file in readable:
        lines[f"{file.split}/{file.class_name}"].append(file.content)
    return Dataset(
        name=f"{escape_unprintable(folder.name)}/",
        train=images.take(np.arange(num_known)),
        test=images.take(np.arange(num_known, len(splits))),
        source=str(folder),
        sha256={k: sha256_of("\n".join(sorted(v)).encode()) for k, v in sorted(lines.items())},
        class_names=class_names,
        validation=np.arange(num_train, num_known) if num_known > num_train else None,
        duplicates=duplicates.astype(np.int64),
        folder_report=report,
    )
