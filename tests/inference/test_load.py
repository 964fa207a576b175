"""Every runtime behind one interface: equal predictions, any number of images, many threads."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import ModelError
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.inference.load import load_predictor, resolve_model
from ankleboot.inference.predictor import Predictor
from ankleboot.models.files.checksums import (
    add_folder_checksums,
    add_onnx_checksum,
    add_tflite_checksum,
)
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import Run
from helpers.predictors import FakePredictor

FLOAT32_FORMATS = ("litert", "onnx", "openvino", "saved-model", "playground")
FORMATS = (*FLOAT32_FORMATS, "litert-fp16", "litert-int8", "litert-micro", "onnx-int8")
METADATA = ModelMetadata(recipe="x", format="litert", temperature=1.3)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("number", [0, 1, 7, 8, 75])
def test_any_number_of_images_gets_the_predictions_of_keras(
    format: str,
    number: int,
    exported: Callable[[str], Path],
    calibrated_run: Run,
    bar_data: Dataset,
) -> None:
    images = bar_data.test.images[:number]
    expected = load_predictor(calibrated_run.folder).predict(images)
    predictor = load_predictor(exported(format))
    assert isinstance(predictor, Predictor)
    probs = predictor.predict(images)
    assert probs.shape == (number, 10) and probs.dtype == np.float32
    tolerance = 1e-5 if format in FLOAT32_FORMATS else 0.05
    np.testing.assert_allclose(probs, expected, atol=tolerance)


@pytest.mark.parametrize("format", FORMATS)
def test_threads_that_share_a_predictor_get_their_own_predictions(
    format: str, exported: Callable[[str], Path], bar_data: Dataset
) -> None:
    """Threads that share one LiteRT interpreter get errors and silently wrong predictions."""
    predictor = load_predictor(exported(format))
    images = bar_data.test.images
    expected = predictor.predict(images)

    def largest_difference(thread: int) -> float:
        largest = 0.0
        for step in range(30):
            start = (7 * thread + 3 * step) % 90
            size = 1 + (thread + step) % 10
            probs = predictor.predict(images[start : start + size])
            largest = max(largest, float(np.abs(probs - expected[start : start + size]).max()))
        return largest

    with ThreadPoolExecutor(8) as pool:
        assert max(pool.map(largest_difference, range(8))) < 1e-5


def test_a_run_with_a_calibration_gives_calibrated_probabilities(
    bar_run: Run, calibrated_run: Run, bar_data: Dataset, tmp_path: Path
) -> None:
    images = bar_data.test.images
    uncalibrated = tmp_path / "run"
    shutil.copytree(bar_run.folder, uncalibrated)
    (uncalibrated / "calibration.json").unlink(missing_ok=True)
    raw, calibrated = load_predictor(uncalibrated), load_predictor(calibrated_run.folder)
    assert raw.info.temperature == 1 and calibrated.info.temperature == 1.7
    assert calibrated.info.abstain_below == 0.6
    logits = np.log(raw.predict(images).astype(np.float64) + 1e-38)
    expected = np.exp(logits / 1.7) / np.exp(logits / 1.7).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(calibrated.predict(images), expected, atol=1e-5)


@pytest.mark.parametrize("format", FORMATS)
def test_an_exported_file_has_the_metadata_of_its_run(
    format: str, exported: Callable[[str], Path], calibrated_run: Run
) -> None:
    info = load_predictor(exported(format)).info
    origin = load_predictor(calibrated_run.folder).info
    assert (info.format, info.recipe, info.labels) == (format, "tiny", CLASS_NAMES)
    assert info == replace(origin, format=format, version=info.version) and info.version


LIGHT = """
import sys
import numpy as np
from ankleboot.inference.load import load_predictor
print(load_predictor(sys.argv[1]).predict(np.zeros((3, 28, 28), np.uint8)).shape)
print(*sys.modules)
"""


def test_litert_needs_no_tensorflow_and_writes_nothing_to_stderr() -> None:
    command = [sys.executable, "-c", LIGHT, "pretrained"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    shape, modules = done.stdout.splitlines()
    assert shape == "(3, 10)" and done.stderr == ""
    assert not {"tensorflow", "keras", "onnxruntime", "matplotlib"} & set(modules.split())


def test_a_file_with_a_checksum_that_no_runtime_accepts_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.tflite").write_bytes(add_tflite_checksum(b"TFL3 or not", METADATA))
    (tmp_path / "a.onnx").write_bytes(add_onnx_checksum(b"onnx or not"))
    folder = tmp_path / "folder"
    folder.mkdir()
    add_folder_checksums(folder, replace(METADATA, format="painting"))
    for path, message in (
        (tmp_path / "a.tflite", "no .tflite file"),
        (tmp_path / "a.onnx", "a.onnx: damaged"),
        (folder, "unknown format 'painting'.*; valid: litert"),
    ):
        with pytest.raises(ModelError, match=message) as caught:
            load_predictor(path)
        assert "\n" not in str(caught.value)


@pytest.fixture
def module_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folder whose modules can be imported during the test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("outside_format", None)


OUTSIDE = """
from ankleboot.inference.formats import ExportFormat
from ankleboot.inference.parity_limits import FLOAT32
from ankleboot.models.files.checksums import read_verified_folder
from helpers.predictors import FakePredictor
import numpy as np

def load(path, num_threads):
    read_verified_folder(path)
    return FakePredictor(np.full((num_threads, 10), 0.1, np.float32))

FORMAT = ExportFormat("outside", lambda model, path: None, load, FLOAT32)
"""


def test_code_that_a_file_names_is_imported_only_with_trust(module_folder: Path) -> None:
    (module_folder / "outside_format.py").write_text(OUTSIDE)
    folder = module_folder / "model"
    folder.mkdir()
    add_folder_checksums(folder, replace(METADATA, format="outside_format:FORMAT"))
    with pytest.raises(ModelError, match="outside_format:FORMAT is code outside Ankleboot.*trust"):
        load_predictor(folder)
    assert "outside_format" not in sys.modules
    predictor = load_predictor(folder, num_threads=3, trust=True)
    assert predictor.predict(np.zeros((9, 28, 28), np.uint8)).shape == (3, 10)
    assert isinstance(resolve_model(folder, trust=True).predictor, FakePredictor)


@pytest.mark.parametrize("name", ["a.pkl", "a.pt", "a.xml"])
def test_files_of_other_formats_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelError, match="expected a run folder, a .keras, .tflite or .onnx"):
        load_predictor(tmp_path / name)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    for function in (load_predictor, resolve_model):
        with pytest.raises(ModelError, match=r"nothing\.tflite: no such model"):
            function(tmp_path / "nothing.tflite")


def test_the_name_pretrained_means_the_shipped_model_unless_a_path_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exported: Callable[[str], Path]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_predictor("pretrained").info.recipe == Run(catalog.FOLDER).recipe().name
    assert resolve_model("pretrained").is_shipped
    shutil.copytree(exported("openvino"), "pretrained")
    assert load_predictor("pretrained").info.recipe == "tiny"
    assert not resolve_model("pretrained").is_shipped


def test_a_model_is_resolved_from_a_run_a_path_a_name_or_a_predictor(
    bar_run: Run, exported: Callable[[str], Path]
) -> None:
    for model in (bar_run, bar_run.folder, str(bar_run.folder), bar_run.model_path):
        resolved = resolve_model(model)
        assert resolved.run == bar_run and not resolved.is_shipped
        assert resolve_model(resolved) is resolved
    assert resolve_model(bar_run.model_path).path == bar_run.model_path
    assert resolve_model(exported("litert")).run is None
    shipped = resolve_model("zero-shot")
    assert shipped.path == catalog.FOLDERS["zero-shot"] and shipped.is_shipped
    fake = FakePredictor(np.zeros((1, 10), np.float32))
    resolved = resolve_model(fake)
    assert resolved.predictor is fake and resolved.path is None and resolved.run is None


def test_a_predictor_that_was_loaded_from_a_run_belongs_to_the_run(bar_run: Run) -> None:
    resolved = resolve_model(load_predictor(bar_run.folder))
    assert resolved.run == bar_run and resolved.path == bar_run.folder


def test_a_model_is_loaded_at_the_first_use(tmp_path: Path) -> None:
    (tmp_path / "a.tflite").write_bytes(b"damaged")
    resolved = resolve_model(tmp_path / "a.tflite")
    with pytest.raises(ModelError, match="damaged"):
        _ = resolved.predictor


def test_the_shipped_model_is_as_accurate_as_its_card_states() -> None:
    """On the sample of the test images; a slow test has all 10,000."""
    test = load_data("sample").test
    stated = json.loads((catalog.FOLDER / "evaluation-sample.json").read_text())
    probs = load_predictor("pretrained").predict(test.images)
    accuracy = (probs.argmax(axis=1) == test.labels).mean()
    assert accuracy == pytest.approx(stated["accuracy"]) and stated["num_examples"] == 500
    assert accuracy > 0.9
