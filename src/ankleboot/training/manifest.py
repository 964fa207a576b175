"""Manifest of a run: data, versions and hardware, written at its start and compared on resume."""

import time
from collections.abc import Iterable
from typing import Any

import keras

from ankleboot.core import environment
from ankleboot.core.errors import ModelError, UsageError
from ankleboot.core.git import git_commit
from ankleboot.core.tensorflow_settings import describe_kernels
from ankleboot.data.dataset import Dataset
from ankleboot.data.verify_data import verify_folder_unchanged
from ankleboot.models.run import Run
from ankleboot.models.run_documents import MANIFEST_FORMAT
from ankleboot.recipes.parse import from_json
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.class_counts import class_counts
from ankleboot.training.engines import base
from ankleboot.training.foreign_plugins import plugin_versions

MUST_MATCH_ON_RESUME = (
    *("recipe", "data", "labels", "label_file", "split", "versions", "arithmetic", "plugins"),
)
MAY_CHANGE_LAST_BITS = ("hardware", "git_commit")


def make_manifest(recipe: Recipe, data: Dataset) -> dict[str, Any]:
    """Describe what decides a run of this recipe on these data; refuse impossible pairs."""
    if data.image_shape != recipe.image_spec.image_shape:
        raise UsageError(
            f"the recipe takes {recipe.image_spec} pixels, {data.name} has "
            f"{' x '.join(map(str, data.image_shape))}; load it with recipe.image_spec"
        )
    split = data.split(recipe.split_rule)
    document = {
        "format": MANIFEST_FORMAT,
        "recipe": recipe.to_json(),
        "data": {"name": data.name, "train_sha256": data.train_sha256},
        "split": {"sha256": split.sha256}
        | {"num_train": len(split.train), "num_validation": len(split.validation)}
        | ({"num_held_out": len(split.held_out)} if len(split.held_out) else {}),
        "versions": environment.versions(),
        "arithmetic": _arithmetic(recipe),
        "plugins": plugin_versions(recipe),
        "hardware": environment.hardware() | base.describe_devices(),
        "git_commit": git_commit(),
        "data_source": data.source,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "labels": list(data.class_names),
        "class_counts": class_counts(data, split),
    }
    if data.label_changes is not None:
        document["label_file"] = data.label_changes.to_json()
        document["label_file_source"] = str(data.label_changes.path)
    if data.group_file:
        document["group_file"] = data.group_file
    if data.folder_report is not None:
        document["image_counts"] = data.image_counts
        notes = *data.folder_report.notes, *data.split_notes(recipe.split_rule)
        document["data_notes"] = [data.folder_report.layout, *notes]
        document["num_unreadable"] = len(data.folder_report.unreadable)
    return document


def _arithmetic(recipe: Recipe) -> str:
    """Return the dtype, backend and kernels, which decide more than the last bits of weights."""
    backend = keras.backend.backend()
    kernels = describe_kernels() if backend == "tensorflow" else ""
    return f"{base.compute_dtype(recipe)} on {backend}{kernels}"


def verify_same_manifest(run: Run, data: Dataset, recipe: Recipe | None = None) -> list[str]:
    """Refuse to resume a run under circumstances that change its result.

    Args:
        run: Run to resume.
        data: Data set that it shall be resumed with.
        recipe: Recipe that it is expected to have; None for any.

    Returns:
        The changes that may alter the last bits of the weights.
    """
    verify_folder_unchanged(run, data)
    then, now = run.manifest(), make_manifest(recipe or run.recipe(), data)
    then["recipe"] = from_json(then.get("recipe", {})).to_json()  # it may lack later fields
    then = {"plugins": {}, "labels": now["labels"]} | then  # as may an older manifest
    if changes := _changes(then, now, MUST_MATCH_ON_RESUME):
        raise ModelError(
            f"{run.folder}: cannot resume, {'; '.join(changes)}. Restore that, or start a new run"
        )
    return _changes(then, now, MAY_CHANGE_LAST_BITS)


def _changes(
    then: dict[str, Any], now: dict[str, Any], keys: Iterable[str], prefix: str = ""
) -> list[str]:
    """Describe each entry that differs."""
    changes = []
    for key in sorted(keys):
        a, b = then.get(key), now.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            changes += _changes(a, b, a.keys() | b.keys(), f"{prefix}{key}.")
        elif a != b:
            changes.append(f"{prefix}{key} was {a} and is {b}")
    return changes
