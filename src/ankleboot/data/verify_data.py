"""Verification that data can be trained on, and that it is what a run was trained on."""

from pathlib import Path

from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.text import counted
from ankleboot.data.dataset import Dataset
from ankleboot.data.image_folder.report import (
    LEAKAGE,
    MIN_IMAGES_PER_CLASS,
    FolderReport,
    join_names,
)
from ankleboot.models.run import Run


def find_faults(data: Dataset, *, skip_bad: bool, strict: bool) -> list[str]:
    """Describe what rules a training on the user's own images out, a sentence each.

    Args:
        data: Data set that was loaded without its unreadable images.
        skip_bad: Whether unreadable images are no fault.
        strict: Whether images or groups in more than one split are a fault.
    """
    report = data.folder_report
    if report is None:
        return []
    faults = []
    if report.unreadable and not skip_bad:
        num_images = sum(map(sum, (split.values() for split in report.counts.values())))
        faults.append(
            f"{len(report.unreadable):,} of {num_images + len(report.unreadable):,} images cannot "
            "be read (--skip-bad leaves them out)"
        )
    faults += _small_classes(report, is_folder=Path(data.source).is_dir())
    if strict and report.leakage:
        faults.append(f"{LEAKAGE}: {len(report.leakage):,}")
    if strict and report.split_groups:
        faults.append(f"groups in more than one split (leakage): {len(report.split_groups):,}")
    return faults


def _small_classes(report: FolderReport, *, is_folder: bool) -> list[str]:
    """Name the classes with too few training images, and a missing second class."""
    counts = report.counts["train"]
    place, rest = ("/", "it") if is_folder else ("", "the class")
    faults = [
        f"{name} has {counted(count, 'training image')}, "
        f"{MIN_IMAGES_PER_CLASS} are needed: add images to {name}{place} or remove {rest}"
        for name, count in counts.items()
        if count < MIN_IMAGES_PER_CLASS
    ]
    if len(counts) < 2:
        faults.append(f"two or more classes are needed, found one: {', '.join(counts)}")
    return faults


def verify_same_data(run: Run, data: Dataset) -> None:
    """Refuse data that a run was not trained on.

    Raises:
        UsageError: If it is another data set.
        DataError: If it is the run's own image folder and has changed.
    """
    verify_folder_unchanged(run, data)
    trained_on = run.manifest()["data"]
    if trained_on["train_sha256"] != data.train_sha256:
        raise UsageError(f"{run.folder} was trained on {trained_on['name']}, not on {data.name}")


def verify_folder_unchanged(run: Run, data: Dataset) -> None:
    """Refuse an image folder that has changed since the training; a test split may be new.

    Raises:
        DataError: If it has changed; the message names the splits and classes.
    """
    then, now = run.manifest().get("image_counts"), data.image_counts
    if then is None or not now or run.manifest()["data"]["name"] != data.name:
        return
    if not is_same_folder(run, data):
        return
    had_test = any(key.startswith("test/") for key in then)
    changed = []
    for key in sorted(k for k in then | now if had_test or not k.startswith("test/")):
        before, after = then.get(key, {"count": 0}), now.get(key, {"count": 0})
        if key == "groups":
            if before != after:
                changed.append(
                    f"{before['count']} named groups are now {after['count']} (--groups)"
                )
        elif before["count"] != after["count"]:
            changed.append(f"{key} had {before['count']} images and has {after['count']}")
        elif before != after:
            changed.append(f"{key} has other files among its {after['count']} images")
    if changed:
        raise DataError(
            f"{data.source}: the images have changed since {run.folder} was trained on them: "
            f"{join_names(changed)}"
        )


def is_same_folder(run: Run, data: Dataset) -> bool:
    """Check if data may be those of a run: at the same place, or with images of a class as then.

    The names are equal. A folder of that name elsewhere, with other images in every class, holds
    new images; a moved folder that has changed in part does not.
    """
    manifest, now = run.manifest(), data.image_counts
    then = manifest.get("image_counts")
    if not then or not now or manifest["data_source"] == data.source:
        return True
    return bool({one["sha256"] for one in then.values()} & {one["sha256"] for one in now.values()})
