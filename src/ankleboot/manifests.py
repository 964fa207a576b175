"""The circumstances of a run: written at its start, compared when it is taken up again."""

import time
from typing import Any

import keras

from ankleboot import engines, environment
from ankleboot.data import Dataset
from ankleboot.data.splits import split
from ankleboot.recipes import Recipe

FIXED = ("recipe", "data", "split", "versions", "arithmetic")
"""Parts of the manifest that must not change between start and resume."""


def make_manifest(recipe: Recipe, data: Dataset) -> dict[str, Any]:
    """What a run of this recipe on these data is made on, here and now.

    Raises:
        DataError: If the split leaves a part empty.
    """
    parts = split(data.train.labels, recipe)
    return {
        "format": 1,
        "recipe": recipe.to_json(),
        "data": {"name": data.name, "train_sha256": data.train_sha256},
        "split": {
            "sha256": parts.sha256,
            "num_train": len(parts.train),
            "num_validation": len(parts.validation),
        },
        "versions": environment.versions(),
        "arithmetic": f"{engines.dtype(recipe)} on {keras.backend.backend()}",
        "hardware": environment.hardware(),
        "git_commit": environment.git_commit(),
        "data_source": data.source,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def differences(then: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    """Each entry that is not the same, in words."""
    found = []
    for key in sorted(then.keys() | now.keys()):
        a, b = then.get(key), now.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found += differences(a, b, f"{prefix}{key}.")
        elif a != b:
            found.append(f"{prefix}{key} was {a} and is {b}")
    return found
