"""Damaged, foreign and incomplete models are refused in one line."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.errors import ModelError
from ankleboot.inference.load import load_predictor
from ankleboot.models.files.keras_seal import sealed
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import Run
from helpers.images import bars


@pytest.fixture
def run_copy(bar_run: Run, tmp_path: Path) -> Run:
    """A copy of a run that a test may damage."""
    shutil.copytree(bar_run.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def test_a_changed_model_file_is_refused(run_copy: Run) -> None:
    with zipfile.ZipFile(run_copy.model_path, "a") as archive:
        archive.writestr("comment.txt", "harmless")
    for path in (run_copy.folder, run_copy.model_path):
        with pytest.raises(ModelError, match="not the file that training wrote"):
            load_predictor(path)


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.6, 0.99])
def test_a_truncated_model_file_is_refused(run_copy: Run, tmp_path: Path, keep: float) -> None:
    whole = run_copy.model_path.read_bytes()
    damaged = tmp_path / "damaged.keras"
    damaged.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(ModelError, match="damaged.keras: incomplete or damaged model file"):
        load_predictor(damaged)


def test_flipped_bits_in_a_model_are_refused(run_copy: Run, tmp_path: Path) -> None:
    whole = run_copy.model_path.read_bytes()
    for position in np.linspace(100, len(whole) - 100, 12).astype(int):
        changed = bytearray(whole)
        changed[position] ^= 0x10
        damaged = run_copy.folder / "model.keras"
        damaged.write_bytes(changed)
        with pytest.raises(ModelError):
            load_predictor(run_copy.folder)


def seal(path: Path) -> None:
    """Give a model file the metadata of one of ours."""
    path.write_bytes(sealed(path.read_bytes(), ModelMetadata()))


def test_foreign_models_are_refused_with_the_command_that_takes_them_in(tmp_path: Path) -> None:
    import keras

    path = tmp_path / "mine.keras"
    layers = [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
    keras.Sequential(layers).save(path)
    (tmp_path / "model.h5").touch()
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved/saved_model.pb").touch()
    for foreign in (path, tmp_path / "model.h5", tmp_path / "saved"):
        with pytest.raises(ModelError, match=f"ankleboot adopt {foreign}"):
            load_predictor(foreign)


def test_unsafe_and_wrong_models_are_refused(tmp_path: Path) -> None:
    import keras

    wrong_shape = tmp_path / "wrong.keras"
    keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten()]).save(wrong_shape)
    seal(wrong_shape)
    with pytest.raises(ModelError, match=r"expected input \(\(28, 28, 1\), .* got \(\(32, 32, 3\)"):
        load_predictor(wrong_shape)

    inputs = keras.Input((28, 28, 1))
    code = keras.layers.Lambda(lambda x: x[:, :10, 0, 0], output_shape=(10,))(inputs)
    unsafe = tmp_path / "unsafe.keras"
    keras.Model(inputs, code).save(unsafe)
    seal(unsafe)
    with pytest.raises(ModelError, match="a Lambda layer runs a program"):
        load_predictor(unsafe)

    nan = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
    )
    nan.set_weights([np.full_like(w, np.nan) for w in nan.get_weights()])
    nan.save(tmp_path / "nan.keras")
    seal(tmp_path / "nan.keras")
    with pytest.raises(ModelError, match="not finite"):
        load_predictor(tmp_path / "nan.keras")

    (tmp_path / "model.txt").touch()
    with pytest.raises(ModelError, match="expected a run folder, a .keras"):
        load_predictor(tmp_path / "model.txt")
    with pytest.raises(ModelError, match="not a run folder"):
        load_predictor(tmp_path)
    with pytest.raises(ModelError, match="no such model"):
        load_predictor(tmp_path / "nothing.keras")


def test_damaged_run_files_are_named(run_copy: Run) -> None:
    for name, read in (
        ("recipe.json", run_copy.recipe),
        ("manifest.json", run_copy.manifest),
        ("result.json", run_copy.result),
    ):
        for content in (b"[]", b"{", b'{"name": "x", "depth": 1}', b"\xff\xfe"):
            (run_copy.folder / name).write_bytes(content)
            with pytest.raises(ModelError, match=name) as caught:
                read()
            assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="recipe.json"):
        load_predictor(run_copy.best_path)


def test_predictions_do_not_depend_on_the_batch(
    bar_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = load_predictor(bar_run.folder)
    images = bars(50, 9).images
    at_once = predictor.predict(images)
    monkeypatch.setattr(predictor, "batch_size", 7)
    np.testing.assert_allclose(predictor.predict(images), at_once, atol=1e-6)
    assert predictor.predict(images[:0]).shape == (0, 10)


@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_truncated_exports_are_refused(
    suffix: str, tmp_path: Path, exported: Callable[[str], Path]
) -> None:
    content = exported("litert" if suffix == ".tflite" else "onnx").read_bytes()
    path = tmp_path / f"a{suffix}"
    for size in range(0, len(content), max(1, len(content) // 50)):
        path.write_bytes(content[:size])
        with pytest.raises(ModelError):
            load_predictor(path)


@pytest.mark.parametrize("format", ["openvino", "saved-model"])
def test_a_changed_file_in_a_folder_is_named(
    format: str, tmp_path: Path, exported: Callable[[str], Path]
) -> None:
    for changed in sorted(p for p in exported(format).rglob("*") if p.is_file()):
        name = changed.relative_to(exported(format))
        copy = tmp_path / "copy"
        shutil.copytree(exported(format), copy)
        content = (copy / name).read_bytes()
        (copy / name).write_bytes(content[:-1] + b"~")
        with pytest.raises(ModelError, match=name.name):
            load_predictor(copy)
        shutil.rmtree(copy)


def test_a_changed_digit_of_the_metadata_is_refused(
    tmp_path: Path, exported: Callable[[str], Path]
) -> None:
    shutil.copytree(exported("openvino"), tmp_path / "copy")
    path = tmp_path / "copy/ankleboot.json"
    path.write_text(path.read_text().replace('"temperature": 1.7', '"temperature": 1.8'))
    with pytest.raises(ModelError, match="damaged metadata"):
        load_predictor(tmp_path / "copy")
