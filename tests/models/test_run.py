"""Run folder: checkpoints, lists of known images, documents, summary."""

import copy
import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.core.errors import EnvironmentFailure, ModelError
from ankleboot.core.files import write_json
from ankleboot.core.types import npy_bytes
from ankleboot.models.history import EpochRecord
from ankleboot.models.run import Run, load_run
from helpers.images import TINY
from helpers.pickles import Harmful
from helpers.run_folders import CALIBRATION, MANIFEST, write_run

VERDICT = {"verdict": "about right", "sentences": ["x"], "gap": 0.1}


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.write_checkpoint({"a/b%c": np.arange(5)}, {"epoch": 1})
    checkpoint = run.read_checkpoint()
    assert checkpoint is not None
    assert checkpoint[0]["a/b%c"].tolist() == [0, 1, 2, 3, 4] and checkpoint[1] == {"epoch": 1}
    path = tmp_path / "checkpoint.npz"
    whole = path.read_bytes()
    for damaged in (whole[:-30], whole[: len(whole) // 2], b"", whole.replace(b"\x03", b"\x04")):
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match="damaged checkpoint"):
            run.read_checkpoint()


def test_pickled_objects_in_a_run_folder_are_never_executed(tmp_path: Path) -> None:
    harm = np.array([Harmful(tmp_path / "harm")], dtype=object)
    np.savez(tmp_path / "checkpoint.npz", weights=harm, progress=np.zeros(2, np.uint8))
    np.save(tmp_path / "known_images.npy", harm, allow_pickle=True)
    for read in (Run(tmp_path).read_checkpoint, Run(tmp_path).known_images):
        with pytest.raises(ModelError, match=r"damaged (checkpoint|list of images) \("):
            read()
    assert not (tmp_path / "harm").exists()


def test_objects_are_no_weights_and_leave_the_checkpoint_as_it_was(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.write_checkpoint({"a": np.arange(5)}, {"epoch": 1})
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        run.write_checkpoint({"a": np.array([{}])}, {"epoch": 2})
    checkpoint = run.read_checkpoint()
    assert checkpoint is not None and checkpoint[1] == {"epoch": 1}


def test_a_checkpoint_unpacks_into_one_folder_whatever_its_variables_are_called(
    tmp_path: Path,
) -> None:
    Run(tmp_path).write_checkpoint({"model/dense/kernel": np.zeros(2), "/../x": np.ones(2)}, {})
    with zipfile.ZipFile(tmp_path / "checkpoint.npz") as archive:
        assert not [name for name in archive.namelist() if "/" in name]


def test_known_images_come_back_sorted_each_of_them_once(tmp_path: Path) -> None:
    run = Run(tmp_path)
    none = run.known_images()
    assert none.shape == (0,) and none.dtype == np.uint64
    run.write_known_images(np.array([7, 2**64 - 1, 3, 7], np.uint64))
    known = np.load(tmp_path / "known_images.npy")
    assert known.tolist() == run.known_images().tolist() == [3, 7, 2**64 - 1]


def test_a_damaged_list_of_known_images_is_named(tmp_path: Path) -> None:
    path = tmp_path / "known_images.npy"
    whole = npy_bytes(np.arange(5, dtype=np.uint64))
    signed, square = npy_bytes(np.arange(5)), npy_bytes(np.zeros((2, 2), np.uint64))
    np.savez(tmp_path / "archive.npz", known=np.arange(5, dtype=np.uint64))
    archive = (tmp_path / "archive.npz").read_bytes()
    for damaged in (whole[:-1], whole[:50], b"", b"no array", archive, signed, square):
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match=rf"^{path}: damaged list of images \(.+\)$"):
            Run(tmp_path).known_images()


@pytest.fixture
def complete(tmp_path: Path) -> Run:
    """Run folder that no training wrote, which a test may damage."""
    run = write_run(tmp_path / "run", accuracy=0.9)
    write_json(run.folder / "verdict.json", VERDICT)
    return run


def test_a_complete_run_shows_its_results_in_one_line(complete: Run) -> None:
    assert repr(complete) == (
        f"Run(folder {complete.folder}, recipe sprint, seed 0, data bars, epochs 2, "
        "validation_accuracy 90.00 %)"
    )
    expected = {"run_dir": str(complete.folder)} | complete.result() | {"verdict": VERDICT}
    expected["arithmetic"] = "float32 on tensorflow"
    assert complete.to_json() == expected
    write_json(complete.folder / "calibration.json", asdict(CALIBRATION))
    with_calibration = json.loads(json.dumps(expected | {"calibration": asdict(CALIBRATION)}))
    assert complete.to_json() == with_calibration


def test_a_history_is_replaced_as_a_whole(complete: Run) -> None:
    assert len(complete.history()) == 1
    history = tuple(EpochRecord(epoch, 0.5, 0.8, 0.6, 0.7, 1e-3, 2.5) for epoch in (1, 2))
    complete.write_history(history)
    assert complete.history() == history


def test_a_calibration_is_read_if_there_is_one(complete: Run) -> None:
    assert complete.calibration() is None
    path = complete.folder / "calibration.json"
    write_json(path, asdict(CALIBRATION))
    assert complete.calibration() == CALIBRATION
    write_json(path, asdict(CALIBRATION) | {"temperature": 0})
    with pytest.raises(ModelError, match=f"^{path}: damaged calibration "):
        complete.calibration()
    path.write_text("[]")
    with pytest.raises(ModelError, match=f"^{path}: cannot be used "):
        complete.calibration()


def test_an_invalid_recipe_is_named_by_its_file(complete: Run) -> None:
    write_json(complete.folder / "recipe.json", {"name": "x", "epochs": 0})
    with pytest.raises(ModelError, match=f"^{complete.folder}/recipe.json: epochs"):
        complete.recipe()


def test_a_run_with_a_label_file_keeps_a_copy_of_it(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.start(TINY, MANIFEST, b"path,label\n")
    assert (tmp_path / "labels.csv").read_bytes() == b"path,label\n"


def test_an_incomplete_or_damaged_run_has_a_line_too(tmp_path: Path) -> None:
    assert repr(Run(tmp_path)) == f"Run(folder {tmp_path}, state not complete)"
    (tmp_path / "result.json").write_text("{")
    assert repr(Run(tmp_path)) == f"Run(folder {tmp_path}, state damaged)"


def test_load_run_opens_run_folders_alone(complete: Run, tmp_path: Path) -> None:
    assert load_run(str(complete.folder)) == complete
    folder = tmp_path / "other"
    missing = f"{folder}: not a run folder, recipe.json is missing"
    with pytest.raises(ModelError, match=f"^{missing}$"):
        load_run(folder)
    fold = write_run(folder / "fold-1").folder
    advice = f"; it is a cross-validation; name one of its runs, such as {fold}"
    with pytest.raises(ModelError, match=f"^{missing}{advice}$"):
        load_run(folder)


def test_a_folder_of_runs_is_refused_with_the_names_of_some(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name).folder for name in "abcd"]
    advice = f"name one of the runs in it, such as {runs[0]}, {runs[1]}, {runs[2]}"
    with pytest.raises(ModelError, match=f"recipe.json is missing; {advice}$"):
        load_run(tmp_path)


VALUES: list[Any] = [..., None, True, -1, "", "x", [], {}, [[[[]]]], 10**400, 1e300]
"""Values that a damaged document may have; the first leaves the key out."""


def nested_keys(document: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(document, dict):
        return []
    own = [(*path, key) for key in document]
    return own + [p for key, inner in document.items() for p in nested_keys(inner, (*path, key))]


def changed(document: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    copied: dict[str, Any] = copy.deepcopy(document)
    parent = copied
    for key in path[:-1]:
        parent = parent[key]
    if value is ...:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return copied


@pytest.mark.parametrize("name", ["manifest.json", "result.json", "recipe.json", "verdict.json"])
def test_every_key_of_a_document_with_every_kind_of_value_is_read_or_refused(
    complete: Run, name: str
) -> None:
    folder = complete.folder
    document = json.loads((folder / name).read_text())
    run, refused = Run(folder), 0
    for path in nested_keys(document):
        for value in VALUES:
            (folder / name).write_text(json.dumps(changed(document, path, value)))
            for read in (run.metadata, run.to_json):
                try:
                    read()
                except ModelError as error:
                    refused += 1
                    assert str(folder) in str(error) and "\n" not in str(error)
    assert refused > 10


def test_a_newer_run_folder_is_refused_by_its_format(complete: Run) -> None:
    (complete.folder / "manifest.json").write_text(json.dumps({"format": 2, "data": []}))
    with pytest.raises(ModelError, match="format 2, written by a newer Ankleboot"):
        complete.manifest()


@pytest.mark.parametrize("name", ["manifest.json", "recipe.json", "result.json", "history.csv"])
def test_an_unreadable_file_of_a_run_is_not_called_missing(complete: Run, name: str) -> None:
    folder = complete.folder
    (folder / name).unlink()
    (folder / name).mkdir()  # reading it fails, also for root
    run = Run(folder)
    with pytest.raises(EnvironmentFailure, match=f"cannot read {folder}/{name}: Is a directory"):
        {"history.csv": run.history, "recipe.json": run.recipe, "result.json": run.result}.get(
            name, run.manifest
        )()
