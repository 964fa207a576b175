"""The circumstances of a run: written at its start, compared when it is taken up again."""

import time
from typing import Any

import keras

from ankleboot.core import environment
from ankleboot.core.errors import UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.engines import base

MUST_MATCH_ON_RESUME = ("recipe", "data", "split", "versions", "arithmetic")
"""Parts of the manifest that must not change between start and resume."""


def make_manifest(recipe: Recipe, data: Dataset) -> dict[str, Any]:
    """What a run of this recipe on these data is made on, here and now.

    Raises:
        DataError: If the split leaves a part empty.
        UsageError: If the images are not those that the recipe's network takes.
    """
    if data.image_shape != recipe.image_spec.image_shape:
        raise UsageError(
            f"the recipe wants {recipe.image_spec} pixels, {data.name} has "
            f"{' x '.join(map(str, data.image_shape))}; load it with recipe.image_spec"
        )
    parts = data.split(recipe)
    document: dict[str, Any] = {
        "format": 1,
        "recipe": recipe.to_json(),
        "data": {"name": data.name, "train_sha256": data.train_sha256},
        "split": {
            "sha256": parts.sha256,
            "num_train": len(parts.train),
            "num_validation": len(parts.validation),
        },
        "versions": environment.versions(),
        "arithmetic": f"{base.compute_dtype(recipe)} on {keras.backend.backend()}",
        "hardware": environment.hardware(),
        "git_commit": environment.git_commit(),
        "data_source": data.source,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "labels": list(data.class_names),
    }
    if data.findings is not None:
        document["pictures"] = data.pictures
        document["num_bad"] = len(data.findings.bad)
    return document


def diff(then: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    """Each entry that is not the same, in words."""
    found = []
    for key in sorted(then.keys() | now.keys()):
        a, b = then.get(key), now.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found += diff(a, b, f"{prefix}{key}.")
        elif a != b:
            found.append(f"{prefix}{key} was {a} and is {b}")
    return found
