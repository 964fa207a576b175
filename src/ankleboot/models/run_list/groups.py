"""Runs that differ in their seeds alone, which alone allow conclusions about recipes."""

import json
from collections.abc import Mapping
from typing import Any

from ankleboot.recipes.catalog import overrides_of
from ankleboot.recipes.recipe import Recipe


def group_key(recipe: Recipe, manifest: Mapping[str, Any]) -> str:
    """Return what runs of one group have in common: all that decides a run but its seed."""
    decisive = {
        "recipe": recipe.to_json() | {"seed": 0},
        "data": manifest["data"],
        "arithmetic": manifest.get("arithmetic"),
        "labels": manifest.get("label_file", {}).get("sha256"),
    }
    for source in ("parent", "teacher"):
        decisive[source] = manifest.get(source, {}).get("model_sha256")
    return json.dumps(decisive, sort_keys=True)


def group_label(recipe: Recipe, manifest: Mapping[str, Any]) -> str:
    """Name a group by its recipe and overrides; different groups may have the same name."""
    corrected = ["with corrected labels"] if "label_file" in manifest else []
    return " ".join([recipe.name, *overrides_of(recipe), *corrected])
