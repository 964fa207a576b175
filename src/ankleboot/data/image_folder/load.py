"""Loading of an image folder with a sub-folder for every class.

    pets/cat/*.jpg  pets/dog/*.jpg                             validation images are drawn
    pets/train/cat/*.jpg  pets/validation/cat/...  pets/test/cat/...     the splits are fixed

`val` and `valid` mean validation; validation and test may be missing. Every image is decoded and
preprocessed once, with a few threads, and kept in the cache as an array that is mapped: a second
start is quick, and memory does not grow with the data.

The order depends on content alone: classes are mixed evenly, and the images of a class are sorted
by their hash. The last images are therefore a fair and stratified draw, whatever their names.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ankleboot.core.errors import DataError
from ankleboot.core.files import sha256_of, sha256_of_file
from ankleboot.core.paths import cache_folder
from ankleboot.core.text import escape_unprintable
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.image_folder.cache import NUM_THREADS, CachedImages, cache_images
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
"""Image file and the SHA-256 of its bytes; "" if they cannot be read."""


def load_image_folder(
    folder: Path,
    image_spec: ImageSpec,
    *,
    skip_bad: bool,
    strict: bool,
    progress: Callable[[str], None],
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
    contents = [f"{os.fsencode(file.name)!r} {digest}" for file, digest in files]
    paths = [file.path for file, _ in files]
    cached = cache_images(paths, contents, image_spec, cache_folder("image-folders"), progress)
    if cached.unreadable and not skip_bad:
        faults = [
            f"{escape_unprintable(files[i][0].name)} ({reason})"
            for i, reason in cached.unreadable.items()
        ]
        raise DataError(
            f"{folder}: {len(faults):,} of {len(files):,} images cannot be read "
            f"(--skip-bad leaves them out): {join_names(faults)}"
        )
    readable = [file for i, file in enumerate(files) if i not in cached.unreadable]
    _check_counts(folder, scan.class_names, readable)
    report = _report(scan, files, readable, cached)
    if strict and report.leakage:
        raise DataError(
            f"{folder}: {LEAKAGE}: {len(report.leakage):,} "
            f"({join_names(join_groups(report.leakage))})"
        )
    return _dataset(folder, scan.class_names, readable, cached, report)


def _sorted_by_content(images: Sequence[ImageFile]) -> list[HashedFile]:
    """Sort by split; mix the classes of a split evenly, and sort a class by content."""

    def digest(image: ImageFile) -> str:
        try:
            return sha256_of_file(image.path)
        except OSError:
            return ""  # decoding fails as well, and reports the reason

    with ThreadPoolExecutor(NUM_THREADS, "hashing") as pool:
        digests = list(pool.map(digest, images))
    groups: dict[tuple[str, str], list[HashedFile]] = {}
    for image, sha256 in zip(images, digests, strict=True):
        groups.setdefault((image.split, image.class_name), []).append((image, sha256))
    ranked = []
    for (split, class_name), members in groups.items():
        members.sort(key=lambda file: (file[1], os.fsencode(file[0].name)))
        for i, member in enumerate(members):
            rank = (i + 0.5) / len(members)
            ranked.append((SPLIT_ORDER.index(split), rank, class_name, i, member))
    ranked.sort(key=lambda row: row[:4])
    return [member for *_, member in ranked]


def _check_counts(
    folder: Path, class_names: tuple[str, ...], readable: Sequence[HashedFile]
) -> None:
    counts = Counter(file.class_name for file, _ in readable if file.split == "train")
    if few := [
        f"{name} ({counts[name]})" for name in class_names if counts[name] < MIN_IMAGES_PER_CLASS
    ]:
        raise DataError(
            f"{folder}: every class needs {MIN_IMAGES_PER_CLASS} or more training images; "
            f"these have fewer: {join_names(few)}; expected {LAYOUT}"
        )


def _report(
    scan: FolderScan,
    files: Sequence[HashedFile],
    readable: Sequence[HashedFile],
    cached: CachedImages,
) -> FolderReport:
    splits = {file.split for file, _ in readable}
    counts = {s: dict.fromkeys(scan.class_names, 0) for s in SPLIT_ORDER if s in splits}
    groups: dict[str, list[ImageFile]] = {}
    for (file, _), digest in zip(readable, cached.digests, strict=True):
        counts[file.split][file.class_name] += 1
        groups.setdefault(digest, []).append(file)
    duplicates = [group for group in groups.values() if len(group) > 1]
    return FolderReport(
        counts=counts,
        bytes=sum(file.path.stat().st_size for file, _ in readable),
        smallest=cached.smallest,
        largest=cached.largest,
        unreadable={
            escape_unprintable(files[i][0].name): reason for i, reason in cached.unreadable.items()
        },
        skipped=tuple(sorted(scan.skipped)),
        special_files=tuple(sorted(scan.special_files)),
        duplicates=_names(duplicates),
        leakage=_names(g for g in duplicates if len({file.split for file in g}) > 1),
        conflicts=_names(g for g in duplicates if len({file.class_name for file in g}) > 1),
    )


def _names(groups: Iterable[list[ImageFile]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(sorted(escape_unprintable(file.name) for file in g)) for g in groups)


def _dataset(
    folder: Path,
    class_names: tuple[str, ...],
    readable: Sequence[HashedFile],
    cached: CachedImages,
    report: FolderReport,
) -> Dataset:
    index = {name: label for label, name in enumerate(class_names)}
    images = LabeledImages(
        cached.images,
        np.array([index[file.class_name] for file, _ in readable], np.int32),
        tuple(escape_unprintable(file.name) for file, _ in readable),
    )
    splits = [file.split for file, _ in readable]
    num_train, num_known = splits.count("train"), len(splits) - splits.count("test")
    _, duplicates = np.unique(cached.digests[:num_known], return_inverse=True)
    hashes: dict[str, list[str]] = {}
    for file, digest in readable:
        line = f"{os.fsencode(file.name)!r} {digest}"
        hashes.setdefault(f"{file.split}/{file.class_name}", []).append(line)
    return Dataset(
        name=f"{escape_unprintable(folder.name)}/",
        train=images.take(np.arange(num_known)),
        test=images.take(np.arange(num_known, len(splits))),
        source=str(folder),
        sha256={
            key: sha256_of("\n".join(sorted(lines)).encode())
            for key, lines in sorted(hashes.items())
        },
        class_names=class_names,
        validation=np.arange(num_train, num_known) if num_known > num_train else None,
        duplicates=duplicates.astype(np.int64),
        folder_report=report,
    )
