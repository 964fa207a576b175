"""Verification that data is what a run was trained on."""

from ankleboot.core.errors import DataError, UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.data.image_folder.report import join_names
from ankleboot.models.run import Run


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
