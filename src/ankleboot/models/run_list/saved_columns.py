"""Columns that a user wants to see of a folder of runs, kept between calls."""

import json
from contextlib import suppress
from pathlib import Path

from ankleboot.core.files import make_folder, write_json
from ankleboot.core.paths import state_folder
from ankleboot.models.run_list.columns import COLUMNS

DEFAULT_COLUMNS = (
    *("run", "recipe", "seed", "epochs_done", "parameters", "train_seconds"),
    *("validation_accuracy", "test_accuracy", "state", "changes"),
)


def load_columns(folder: Path) -> tuple[str, ...]:
    """Return the columns kept for a folder, the default ones if there are none."""
    names = _read().get(str(folder.resolve()), ())
    return tuple(name for name in names if name in COLUMNS) or DEFAULT_COLUMNS


def save_columns(folder: Path, names: tuple[str, ...]) -> None:
    """Keep the columns of a folder.

    Raises:
        EnvironmentFailure: If the state folder cannot be written.
    """
    make_folder(state_folder())
    write_json(_path(), _read() | {str(folder.resolve()): list(names)})


def _path() -> Path:
    return state_folder() / "run_columns.json"


def _read() -> dict[str, list[str]]:
    with suppress(OSError, ValueError):
        document = json.loads(_path().read_bytes())
        if isinstance(document, dict):
            return {key: value for key, value in document.items() if isinstance(value, list)}
    return {}
