"""Count of the evaluations on the test set per model: reuse biases later results.

A run keeps its count in its folder. Shipped models and models outside any run are identified by the
hash of the `.keras` file they were made from, whatever their format, and counted in a folder of the
user.
"""

from pathlib import Path

from ankleboot.core.documents import read_document
from ankleboot.core.files import file_lock, make_folder, write_json
from ankleboot.core.paths import state_folder
from ankleboot.inference.load import Model, ResolvedModel, resolve_model
from ankleboot.models.run_documents import TestReadsDocument

FILE_NAME = "test_reads.json"


def count_evaluation(model: Model, split: str) -> int:
    """Count an evaluation if `split` is "test"; return the number so far, this one included.

    That of an ensemble counts for each of its models; the number is that of the one with the most.

    Raises:
        ModelError: If the file with the count is damaged.
    """
    model = resolve_model(model)
    if model.members:
        return max(count_evaluation(member, split) for member in model.members)
    folder = _folder(model)
    if split != "test":
        return _read(folder)
    make_folder(folder)
    with file_lock(folder / ".test_reads.lock"):
        count = _read(folder) + 1
        write_json(folder / FILE_NAME, {"test_reads": count})
    return count


def _folder(model: ResolvedModel) -> Path:
    """Return the folder that holds the count."""
    is_run_file = model.path is not None and (model.path.is_dir() or model.path.suffix == ".keras")
    if model.run and is_run_file and not model.is_shipped:
        return model.run.folder
    return state_folder() / "test_reads" / (model.predictor.info.model_sha256 or "unknown")


def _read(folder: Path) -> int:
    path = folder / FILE_NAME
    return read_document(path, TestReadsDocument)["test_reads"] if path.exists() else 0
