"""Count how often the test split is looked at with a model; each look makes the next worth less.

A run keeps its count in its folder. The shipped model and models outside any run are known by the
hash of the `.keras` file they were made from, whatever their format, and counted in a folder of
this user.
"""

import json
from pathlib import Path

from ankleboot.core.errors import ModelError
from ankleboot.core.files import file_lock, make_folder, sha256_of_file, write_json
from ankleboot.core.paths import state_folder
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import find_run

FILE_NAME = "test_reads.json"


def folder_of(model: Path, info: ModelMetadata | None = None) -> Path:
    """Where the count is kept.

    Args:
        model: A run folder, a model file or an exported folder.
        info: What the model says of itself; needed for files of other formats than `.keras`.
    """
    model = catalog.resolve(model)
    run = find_run(model) if model.is_dir() or model.suffix == ".keras" else None
    if run and not catalog.is_shipped(run.folder):
        return run.folder
    known = sha256_of_file(run.model_path if run else model) if info is None else info.model_sha256
    return state_folder() / "test_reads" / known


def record_test_evaluation(model: Path, info: ModelMetadata | None = None) -> int:
    """Note one more look; return how many there were, this one included."""
    folder = folder_of(model, info)
    make_folder(folder)
    with file_lock(folder / ".test_reads.lock"):
        reads = num_test_evaluations(model, info) + 1
        write_json(folder / FILE_NAME, {"test_reads": reads})
    return reads


def num_test_evaluations(model: Path, info: ModelMetadata | None = None) -> int:
    """How many looks there were.

    Raises:
        ModelError: If the count is damaged.
    """
    path = folder_of(model, info) / FILE_NAME
    if not path.exists():
        return 0
    try:
        return int(json.loads(path.read_text())["test_reads"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: damaged count of test reads") from error
