"""Run folder: checkpoints, summary and JSON document."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.core.errors import EnvironmentFailure, ModelError
from ankleboot.core.files import write_json
from ankleboot.models.run import Run, load_run
from helpers.run_folders import write_run

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
    assert complete.to_json() == expected


def test_an_incomplete_or_damaged_run_has_a_line_too(tmp_path: Path) -> None:
    assert repr(Run(tmp_path)) == f"Run(folder {tmp_path}, state not complete)"
    (tmp_path / "result.json").write_text("{")
    assert repr(Run(tmp_path)) == f"Run(folder {tmp_path}, state damaged)"


def test_load_run_opens_run_folders_alone(complete: Run, tmp_path: Path) -> None:
    assert load_run(str(complete.folder)) == complete
    with pytest.raises(ModelError, match="not a run folder, recipe.json is missing"):
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


def test_a_history_whose_epochs_do_not_count_from_one_is_refused(
    complete: Run, tmp_path: Path
) -> None:
    run, records = Run(tmp_path), complete.history()
    run.write_history((*records, replace(records[0], epoch=2)))
    text = (tmp_path / "history.csv").read_text()
    header, first, *rest = text.splitlines(keepends=True)
    for damaged in (header + "".join(rest), text + first, text.replace(first, first[:9] + "\n")):
        (tmp_path / "history.csv").write_text(damaged)
        with pytest.raises(ModelError, match="damaged"):
            run.history()
