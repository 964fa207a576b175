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
    had_test = any(key.startswith("test/") for key in then)
    changed = []
    for key in sorted(k for k in then | now if had_test or not k.startswith("test/")):
        before, after = then.get(key, {"count": 0}), now.get(key, {"count": 0})
        if before["count"] != after["count"]:
            changed.append(f"{key} had {before['count']} images and has {after['count']}")
        elif before != after:
            changed.append(f"{key} has other files among its {after['count']} images")
    if changed:
        raise DataError(
            f"{data.source}: the images have changed since {run.folder} was trained on them: "
            f"{join_names(changed)}"
        )
