"""Models of strangers are examined once, in a process of their own; ours are not."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.core.errors import EnvironmentFailure, ForeignModelError, ModelError
from ankleboot.inference import admission
from ankleboot.inference.load import load_predictor
from ankleboot.models.files import examined
from ankleboot.models.pretrained import catalog


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sealed file that this machine does not know."""
    monkeypatch.setenv("ANKLEBOOT_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(examined, "_known", set())
    return Path(shutil.copy(catalog.FOLDER / catalog.MODEL_FILE, tmp_path / "model.tflite"))


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths that were tried out; none of them really is."""
    tried: list[str] = []

    def run(_module: str, path: str, **_: Any) -> dict[str, Any]:
        tried.append(path)
        return {}

    monkeypatch.setattr(admission, "run_isolated", run)
    return tried


def test_a_file_is_examined_once_for_each_machine(
    stranger: Path, trials: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        load_predictor(stranger)
    monkeypatch.setattr(examined, "_known", set())  # another process
    load_predictor(Path(shutil.copy(stranger, stranger.with_name("copy.tflite"))))
    assert trials == [str(stranger)]


def test_without_a_state_folder_each_process_examines_it(
    stranger: Path, trials: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger.with_name("state").touch()  # where the folder would be
    for _ in range(2):
        load_predictor(stranger)
    monkeypatch.setattr(examined, "_known", set())
    load_predictor(stranger)
    assert len(trials) == 2


def test_shipped_and_trusted_models_are_not_examined(stranger: Path, trials: list[str]) -> None:
    load_predictor(catalog.PRETRAINED)
    load_predictor(stranger, trust=True)
    assert not trials


def test_a_process_that_crashes_is_a_refusal(
    stranger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "TRIAL", "hostile.crash")
    for _ in range(2):  # and it is not remembered as examined
        with pytest.raises(ModelError, match=r"model\.tflite: .* failed \(ended by SIGSEGV\)"):
            load_predictor(stranger)


@pytest.mark.parametrize(("code", "kind"), [(4, ModelError), (5, EnvironmentFailure)])
def test_errors_of_the_process_keep_their_kind(
    stranger: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[Exception]
) -> None:
    document = {"error": f"{stranger}: no", "exit_code": code}
    monkeypatch.setattr(admission, "run_isolated", lambda *_, **__: document)
    with pytest.raises(kind, match=f"^{stranger}: no$"):
        load_predictor(stranger)


def test_a_file_that_changes_meanwhile_is_refused(
    stranger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swap(*_: Any, **__: Any) -> dict[str, Any]:
        shutil.copy(catalog.FOLDERS[catalog.PHOTO] / catalog.MODEL_FILE, stranger)
        return {}

    monkeypatch.setattr(admission, "run_isolated", swap)
    with pytest.raises(ModelError, match="changed while it was examined"):
        load_predictor(stranger)


def test_foreign_files_are_named_before_any_process_starts(
    stranger: Path, trials: list[str]
) -> None:
    stranger.write_bytes(stranger.read_bytes()[:-200])
    with pytest.raises(ForeignModelError):
        load_predictor(stranger)
    assert not trials


def test_an_examined_model_predicts_as_before(stranger: Path) -> None:
    """The whole way, with its process."""
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    expected = load_predictor(catalog.PRETRAINED).predict(images)
    np.testing.assert_array_equal(load_predictor(stranger).predict(images), expected)
    assert examined.is_known(examined.key_of(stranger))
