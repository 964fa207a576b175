"""Adopted `.tflite` and `.onnx` files, which have no Keras network, in every command."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.core.errors import ModelError, NotApplicableError
from ankleboot.core.silence import silenced
from ankleboot.core.types import Images, Probs
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.adoption.adopt import adopt
from ankleboot.evaluation.explain.explain import explain
from ankleboot.evaluation.explain.occlusion import occlusion
from ankleboot.evaluation.report.write import write_report
from ankleboot.export.export import export_model
from ankleboot.inference.load import load_predictor
from ankleboot.models.run import Run
from ankleboot.server.config import ServerConfig
from ankleboot.server.workers.model_check import smoke_test
from ankleboot.server.workers.model_store import ModelStore
from helpers import foreign

pytestmark = pytest.mark.usefixtures("isolated_state_dir")

FORMATS = {"tflite": "litert", "onnx": "onnx"}


@pytest.fixture(scope="module", params=FORMATS)
def adopted(
    request: pytest.FixtureRequest,
    base: Any,
    data: Dataset,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    """The base network for bytes and with its classes in another order, on another runtime."""
    model = foreign.rebuilt(base, scale=1 / 255, columns=np.eye(10)[:, foreign.ORDER])
    folder = tmp_path_factory.mktemp("adopted")
    path = folder / f"theirs.{request.param}"
    model(np.zeros((1, 28, 28, 1), np.float32))  # one exporter needs a called model
    with silenced():
        model.export(path, format=FORMATS[request.param], verbose=False)
    return adopt(path, data, folder / "run")


def test_an_adopted_file_is_explained_by_its_predictions(
    adopted: Run, base: Any, data: Dataset
) -> None:
    (explanation,) = explain(adopted, ["train:3"], data=data)
    images = data.train.images[3:4]

    def predict(images: Images) -> Probs:
        return np.asarray(base.predict(foreign.unit(images), verbose=0))

    probs = predict(images)
    expected = occlusion(predict, images, probs.argmax(axis=1))
    assert explanation.label == data.class_names[probs.argmax()]
    assert explanation.confidence == pytest.approx(probs.max(), abs=1e-4)
    assert list(explanation.maps) == ["occlusion"] and explanation.neighbors == ()
    np.testing.assert_allclose(explanation.maps["occlusion"], expected[0], atol=1e-4)
    (note,) = explanation.notes
    assert "hires-cam, integrated-gradients, smooth-grad, similar training images." in note
    assert explanation.figure().axes
    named = ["hires-cam", "occlusion"]
    (explanation,) = explain(adopted, ["train:3"], methods=named, data=data)
    assert list(explanation.maps) == ["occlusion"]
    assert explanation.notes[0].startswith("Left out: hires-cam, similar training images.")
    with pytest.raises(NotApplicableError, match="expected the method occlusion, got hires-cam"):
        explain(adopted, ["train:3"], methods=["hires-cam"], data=data)


def test_the_report_of_an_adopted_file_rests_on_its_predictions(
    adopted: Run, base: Any, data: Dataset, tmp_path: Path
) -> None:
    report = write_report(adopted, tmp_path / "report.html", data)
    own = base.predict(foreign.unit(data.test.images), verbose=0).argmax(axis=1)
    assert report.evaluation.accuracy == float((own == data.test.labels).mean())
    text = report.path.read_text()
    sections = dict(re.findall(r'<section id="(\w+)">(.*?)</section>', text, re.DOTALL))
    assert set(re.findall(r'href="#(\w+)"', text.split("</nav>")[0])) == set(sections)
    assert "no access to the layers" in sections["filters"] and "<img" not in sections["filters"]
    assert sections["explain"].count("<img") == 2 * 6  # images and their maps
    assert "Left out: hires-cam, integrated-gradients, similar" in sections["explain"]
    assert "nearest training images" not in sections["explain"]
    assert "inversion" in sections["robustness"] and "<svg" in sections["calibration"]
    assert "with calibrated probabilities" not in text and ">unknown<" in sections["provenance"]


def test_an_adopted_file_is_exported_in_its_own_format_and_served(
    adopted: Run, base: Any, data: Dataset
) -> None:
    format = FORMATS[adopted.model_path.suffix[1:]]
    export = export_model(adopted, format, data=data)
    assert export.path == adopted.folder / "exports" / adopted.model_path.name
    assert export.parity.max_abs_diff == 0 and export.parity.num_examples == len(data.test)
    assert export.path.read_bytes() == adopted.model_path.read_bytes()
    store = ModelStore([str(export.path)], lambda line: None)
    try:
        served = load_predictor(store.paths["model"])
        smoke_test(served, ServerConfig())
        expected = base.predict(foreign.unit(data.test.images), verbose=0)
        np.testing.assert_allclose(served.predict(data.test.images), expected, atol=1e-4)
    finally:
        store.remove()
    for other in {"litert", "onnx", "web", "litert-int8", "saved-model"} - {format}:
        with pytest.raises(ModelError, match=f"cannot be converted.*expected --format {format},"):
            export_model(adopted, other, data=data)
    assert list(export.path.parent.iterdir()) == [export.path]


def test_neither_tensorflow_nor_keras_is_needed(adopted: Run, tmp_path: Path) -> None:
    format = FORMATS[adopted.model_path.suffix[1:]]
    code = f"""
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
import ankleboot
data = ankleboot.load_data("sample")
run = {str(adopted.folder)!r}
ankleboot.explain(run, ["train:3"], data=data)
ankleboot.write_report(run, "report.html", data)
ankleboot.export_model(run, "{format}", "copy{adopted.model_path.suffix}", data)
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
