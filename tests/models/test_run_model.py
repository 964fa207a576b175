"""Model of a run: its metadata and seal, the check of its hash, and the run that it belongs to."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import ModelError
from ankleboot.core.files import sha256_of, write_json
from ankleboot.models.files.keras_seal import read_seal, sealed
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import Run, find_run
from helpers.run_folders import CALIBRATION, write_run

DATA = {"name": "pets/", "train_sha256": "d" * 64}


def keras_file(text: str = "{}") -> bytes:
    """A file of the form of Keras', that holds no network."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", text)
    return buffer.getvalue()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Complete run with a model file."""
    run = write_run(tmp_path / "run", manifest={"data": DATA})
    run.model_path.write_bytes(keras_file())
    write_json(run.folder / "result.json", run.result() | {"model_sha256": sha256_of(keras_file())})
    return run


def test_the_metadata_of_a_model_is_that_of_its_recipe_and_data(tmp_path: Path) -> None:
    rule: dict[str, Any] = {"split": "stratified", "validation_fraction": 0.25, "split_seed": 3}
    folds: dict[str, Any] = {"folds": 5, "fold": 2}
    spec: dict[str, Any] = {"image_size": 64, "color": True, "crop": "none", "fit": "letterbox"}
    labels = {"labels": ["cat", "dog"]}
    manifest = {"data": DATA, "adopted": {"file": "theirs.onnx"}, **labels}
    run = write_run(tmp_path / "run", manifest=manifest, **rule, **folds, **spec)
    expected = {**rule, **folds, **spec, "recipe": "sprint", "labels": ("cat", "dog")}
    expected |= {"data": "pets/", "data_sha256": "d" * 64, "adopted": "theirs.onnx"}
    assert run.metadata() == ModelMetadata.from_json({"format_version": 2, **expected}, "")


def test_a_manifest_without_labels_is_that_of_a_fashion_mnist_model(run: Run) -> None:
    assert "labels" not in run.manifest() and "adopted" not in run.manifest()
    assert run.metadata().labels == CLASS_NAMES and run.metadata().adopted == ""


def test_a_sealed_model_carries_calibration_and_metadata(run: Run) -> None:
    run.seal(CALIBRATION)
    expected = replace(run.metadata(), temperature=1.5, abstain_below=0.6)
    assert read_seal(run.model_path) == replace(expected, model_sha256=sha256_of(keras_file()))
    assert run.check_model() == run.model_path  # the seal is no change of the model


def test_a_second_seal_keeps_what_the_first_one_says(run: Run) -> None:
    """The writer of the model knows more than the folder does."""
    info = replace(run.metadata(), version="1.2", parameters=1_000)
    run.model_path.write_bytes(sealed(keras_file(), info))
    run.seal(CALIBRATION)
    seal = read_seal(run.model_path)
    assert seal is not None and (seal.version, seal.parameters) == ("1.2", 1_000)
    assert (seal.temperature, seal.abstain_below) == (1.5, 0.6)


def test_a_model_that_training_did_not_write_is_refused(run: Run) -> None:
    assert run.check_model() == run.folder / "model.keras"
    path = run.model_path
    expected = f"^{path}: missing, or not the file that training wrote "
    path.write_bytes(keras_file("[]"))
    with pytest.raises(ModelError, match=expected):
        run.check_model()
    path.unlink()
    with pytest.raises(ModelError, match=expected):
        run.check_model()


def test_an_incomplete_run_has_no_result_but_a_best_epoch(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", accuracy=None)
    with pytest.raises(ModelError, match=f"--resume {run.folder}, or name best.keras in it$"):
        run.check_model()
    with pytest.raises(ModelError, match="not a run folder, recipe.json is missing"):
        Run(tmp_path).check_model()


def test_the_model_of_an_adopted_run_keeps_its_format(run: Run) -> None:
    run.model_path.rename(run.folder / "model.onnx")
    assert run.check_model() == run.folder / "model.onnx"


def test_a_model_file_belongs_to_the_run_in_whose_folder_it_is(run: Run, tmp_path: Path) -> None:
    assert find_run(run.folder) == find_run(run.model_path) == find_run(run.best_path) == run
    assert find_run(tmp_path) is None and find_run(tmp_path / "model.keras") is None
    (run.folder / "recipe.json").write_text("{}")
    with pytest.raises(ModelError, match=f"^{run.folder}/recipe.json: name: expected"):
        find_run(run.model_path)
