"""Case 20: every public function takes a path as text, as a Path, and as any os.PathLike."""

import inspect
import os
import typing
from pathlib import Path

import pytest

import ankleboot
from ankleboot.inference.predict import FailedImage
from helpers.images import write_image_folder

PATHS = {
    "explain": "images",
    "export_model": "path",
    "load_data": "name",
    "load_predictor": "path_or_name",
    "load_run": "path",
    "predict": "images_or_paths",
    "resume": "run_dir",
    "train": "run_dir",
    "write_report": "path",
}
"""Parameter of a path, by function; models are paths wherever `Model` stands."""


class OtherPath(os.PathLike[str]):
    """A path of another library."""

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)

    def __fspath__(self) -> str:
        return self._path


def _members(annotation: typing.Any) -> set[typing.Any]:
    inner = typing.get_args(annotation)
    return {annotation} | {part for argument in inner for part in _members(argument)}


@pytest.mark.parametrize("name", PATHS)
def test_the_types_say_so(name: str) -> None:
    function = inspect.unwrap(getattr(ankleboot, name))
    annotation = typing.get_type_hints(function)[PATHS[name]]
    assert {str, os.PathLike[str]} <= _members(annotation)


def test_shipped_models_have_names_of_any_kind() -> None:
    for name in ("pretrained", Path("pretrained"), OtherPath("pretrained")):
        assert ankleboot.load_predictor(name).info.labels[9] == "Ankle boot"
        (entry,) = ankleboot.predict(OtherPath("gone.png"), model=name)
        assert isinstance(entry, FailedImage) and entry.path == "gone.png"


def test_folders_may_be_any_path(
    tmp_path: Path, isolated_cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_image_folder(tmp_path / "pets", {"cat": 2, "dog": 2})
    assert ankleboot.load_data(OtherPath("~/pets")).name == "pets/"
    (entry,) = ankleboot.predict(["~/gone.png"])
    assert isinstance(entry, FailedImage) and "no such file" in entry.error
    for path in ("~/run", Path("~/run"), OtherPath("~/run")):
        with pytest.raises(ankleboot.AnklebootError, match=f"{tmp_path}/run: not a run folder"):
            ankleboot.load_run(path)
