"""Is this the data that a run was trained on?"""

from ankleboot.core.errors import DataError, UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.data.image_folder.report import join_names
from ankleboot.models.run import Run


def verify_same_data(run: Run, data: Dataset) -> None:
    """Refuse data that a run was not trained on.

    Raises:
        UsageError: Naming both.
        DataError: If it is the run's own folder of pictures, and has changed.
    """
    verify_folder_unchanged(run, data)
    then = run.manifest()["data"]
    if then["train_sha256"] != data.train_sha256:
        raise UsageError(f"{run.folder} was trained on {then['name']}, not on this {data.name}")


def verify_folder_unchanged(run: Run, data: Dataset) -> None:
    """Refuse a folder of pictures that is not what it was when a run was trained on it.

    A test part that was not there then may have been added.

    Raises:
        DataError: Saying what changed, in numbers.
    """
    then, now = run.manifest().get("pictures"), data.pictures
    if then is None or not now or run.manifest()["data"]["name"] != data.name:
        return
    had_test = any(place.startswith("test/") for place in then)
    changed = []
    for place in sorted(p for p in then | now if had_test or not p.startswith("test/")):
        before, after = then.get(place, {"count": 0}), now.get(place, {"count": 0})
        if before["count"] != after["count"]:
            changed.append(f"{place} had {before['count']} pictures and has {after['count']}")
        elif before != after:
            changed.append(f"{place} has other ones among its {after['count']}")
    if changed:
        raise DataError(
            f"{data.source}: no longer the pictures that {run.folder} was trained on: "
            f"{join_names(changed)}"
        )
