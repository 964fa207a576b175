"""Columns that a user chose, kept between calls."""

import json
from pathlib import Path
from typing import Any

import pytest

from ankleboot.core.errors import EnvironmentFailure, ModelError
from ankleboot.models.run_list.saved_columns import DEFAULT_COLUMNS, load_columns, save_columns


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANKLEBOOT_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_each_folder_has_its_columns(tmp_path: Path, state: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    assert load_columns(first) == DEFAULT_COLUMNS
    save_columns(first, ("run", "seed"))
    save_columns(second, ("run", "state"))
    assert (load_columns(first), load_columns(second)) == (("run", "seed"), ("run", "state"))
    (path,) = state.rglob("run_columns.json")
    document = json.loads(path.read_text())
    assert document.pop("format") == 1
    path.write_text(json.dumps(document))  # as earlier versions wrote it
    assert load_columns(first) == ("run", "seed")


def test_a_file_that_cannot_be_read_keeps_its_content(
    tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_columns(tmp_path / "a", ("run", "seed"))
    real = Path.open

    def refused(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.name == "run_columns.json":
            raise OSError(5, "Input/output error")
        return real(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refused)
        assert load_columns(tmp_path / "a") == DEFAULT_COLUMNS
        with pytest.raises(EnvironmentFailure, match="Input/output error"):
            save_columns(tmp_path / "b", ("run",))
    assert load_columns(tmp_path / "a") == ("run", "seed")
    (path,) = state.rglob("run_columns.json")
    path.write_text('{"format": 2}')
    with pytest.raises(ModelError, match="format 2, written by a newer"):
        save_columns(tmp_path / "b", ("run",))
