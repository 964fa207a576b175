"""Columns that a user wants to see of a folder of runs, kept between calls."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ankleboot.core.documents import read_document
from ankleboot.core.errors import AnklebootError
from ankleboot.core.files import file_lock, make_folder, write_json
from ankleboot.core.paths import state_folder
from ankleboot.models.run_list.columns import COLUMNS

FORMAT = 1
DEFAULT_COLUMNS = (
    *("run", "recipe", "seed", "epochs_done", "parameters", "train_seconds"),
    *("validation_accuracy", "test_accuracy", "state", "changes"),
)


def load_columns(folder: Path) -> tuple[str, ...]:
    """Return the columns kept for a folder, the default ones if there are none."""
    names: Sequence[str] = ()
    with suppress(AnklebootError):
        names = _read().get(str(folder.resolve()), ())
    return tuple(name for name in names if name in COLUMNS) or DEFAULT_COLUMNS


def save_columns(folder: Path, names: tuple[str, ...]) -> None:
    """Keep the columns of a folder.

    Raises:
        EnvironmentFailure: If the file cannot be read or written.
        ModelError: If it is damaged; it also holds the columns of other folders.
    """
    make_folder(state_folder())
    with file_lock(_path().with_suffix(".lock")):
        write_json(_path(), {"format": FORMAT, **_read(), str(folder.resolve()): list(names)})


def _path() -> Path:
    return state_folder() / "run_columns.json"


def _read() -> dict[str, list[str]]:
    if not _path().exists():
        return {}
    document = read_document(_path(), dict[str, Any], newest_format=FORMAT)
    return {key: value for key, value in document.items() if isinstance(value, list)}
