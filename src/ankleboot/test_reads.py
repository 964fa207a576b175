"""Count how often the test split is looked at with a model; each look makes the next worth less.

A run keeps its count in its folder. The shipped model and a model outside any run are known by
their hash, and counted in a folder of this user.
"""

import json
from pathlib import Path

import platformdirs

from ankleboot import pretrained
from ankleboot.errors import ModelError
from ankleboot.files import locked, make_folder, sha256_of_file, write_json
from ankleboot.runs import run_of
from ankleboot.sealed import INFO_NAME

FILE_NAME = "test_reads.json"


def folder_of(model: Path) -> Path:
    """Where the count for a run folder or model file is kept."""
    model = pretrained.resolve(model)
    run = run_of(model)
    if run and run.folder != pretrained.FOLDER:
        return run.folder
    file = run.model_path if run else model / INFO_NAME if model.is_dir() else model
    return Path(platformdirs.user_state_dir("ankleboot")) / "test_reads" / sha256_of_file(file)


def count(model: Path) -> int:
    """Note one more look; return how many there were, this one included."""
    folder = folder_of(model)
    make_folder(folder)
    with locked(folder / ".test_reads.lock"):
        reads = so_far(model) + 1
        write_json(folder / FILE_NAME, {"test_reads": reads})
    return reads


def so_far(model: Path) -> int:
    """How many looks there were.

    Raises:
        ModelError: If the count is damaged.
    """
    path = folder_of(model) / FILE_NAME
    if not path.exists():
        return 0
    try:
        return int(json.loads(path.read_text())["test_reads"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: damaged count of test reads") from error
