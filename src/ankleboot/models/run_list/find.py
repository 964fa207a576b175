"""Run folders below a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from ankleboot.core.errors import EnvironmentFailure


def find_runs(base: Path) -> Iterator[Path]:
    """Find the run folders in a folder and below, in the order of their names.

    A run folder has a recipe.json; nothing is looked for inside it. Links to folders and hidden
    folders are left out.

    Raises:
        EnvironmentFailure: If a folder cannot be read.
    """
    try:
        with os.scandir(base) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
    except OSError as error:
        raise EnvironmentFailure(f"cannot read folder {base}: {error.strerror or error}") from error
    if any(entry.name == "recipe.json" for entry in entries):
        yield base
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            yield from find_runs(base / entry.name)
