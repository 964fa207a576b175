"""Exports answer as Keras does, and those that do not are caught and removed."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import keras
import numpy as np
import pytest

from ankleboot.cli.main import cli, run
from ankleboot.core.errors import ModelError, UsageError
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.export import deployable, parity
from ankleboot.export.export import FORMATS, export
from ankleboot.inference.keras import KerasPredictor
from ankleboot.inference.load import load_predictor
from ankleboot.models.run import Run
from helpers.predictors import FakePredictor


def test_the_command_offers_every_format() -> None:
    option = next(o for o in cli.commands["export"].params if o.name == "format_name")
    assert isinstance(option.type, click.Choice)
    assert set(option.type.choices) == set(FORMATS)


def test_an_unknown_format_is_named(bar_run: Run, bar_data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown format 'coreml'; valid: litert, "):
        export(bar_run.folder, "coreml", tmp_path / "x", bar_data)


def test_nothing_is_overwritten(bar_run: Run, bar_data: Dataset, tmp_path: Path) -> None:
    (tmp_path / "x.tflite").write_text("mine")
    with pytest.raises(UsageError, match=r"x\.tflite exists already"):
        export(bar_run.folder, "litert", tmp_path / "x.tflite", bar_data)


@pytest.mark.parametrize(
    ("format", "name", "said"),
    [
        ("litert", "boot", "litert is a file that ends in .tflite"),
        ("onnx", "boot.tflite", "onnx is a file that ends in .onnx"),
        ("openvino", "boot.onnx", "openvino is a folder"),
    ],
)
def test_a_name_of_another_format_is_refused(
    format: str, name: str, said: str, bar_run: Run, bar_data: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said):
        export(bar_run.folder, format, tmp_path / name, bar_data)


def test_a_foreign_network_is_refused_in_one_line(bar_data: Dataset, tmp_path: Path) -> None:
    inputs = keras.Input((28, 28, 1))
    outputs = keras.layers.Dense(10, "softmax", name="mine")(keras.layers.Flatten()(inputs))
    keras.Model(inputs, outputs).save(tmp_path / "mine.keras")
    with pytest.raises(ModelError, match='no layer "logits"'):
        export(tmp_path / "mine.keras", "litert", tmp_path / "x.tflite", bar_data)


def test_an_export_is_no_source_of_exports(
    exported: Callable[[str], Path], bar_data: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=r"begins with a run folder or a \.keras file"):
        export(exported("litert"), "onnx", tmp_path / "x.onnx", bar_data)


def test_a_keras_file_alone_can_be_exported(
    bar_run: Run, bar_data: Dataset, tmp_path: Path
) -> None:
    alone = tmp_path / "alone.keras"
    alone.write_bytes(bar_run.model_path.read_bytes())
    done = export(alone, "litert", tmp_path / "x.tflite", bar_data)
    assert done.parity.top1_agreement == 1 and done.bytes == done.path.stat().st_size
    assert load_predictor(done.path).info.temperature == 1


def test_nothing_of_training_travels(
    bar_data: Dataset, exported: Callable[[str], Path], tmp_path: Path
) -> None:
    """Dropout and augmentation are in the recipe of this run, and not in its files."""
    import onnx

    from ankleboot.training.trainer import train
    from helpers.images import TINY

    recipe = replace(TINY, dropout=0.5, max_shift=2, flip=True, epochs=1)
    made = train(recipe, bar_data, tmp_path / "run")
    path = export(made.folder, "onnx", tmp_path / "x.onnx", bar_data).path
    kinds = {node.op_type for node in onnx.load(path).graph.node}
    plain = {node.op_type for node in onnx.load(exported("onnx")).graph.node}
    assert kinds == plain
    assert not any("Random" in kind or "Dropout" in kind for kind in kinds)


def broken(change: Callable[[Any], Any]) -> cached_property[keras.Model]:
    """A deployable network with something done to its scaled inputs."""

    def build(self: deployable.DeployableModel) -> keras.Model:
        images = keras.Input((28, 28), dtype="uint8", name="images")
        x = keras.layers.Rescaling(1 / 255)(images)
        x = change(keras.layers.Reshape((28, 28, 1))(x))
        logits = keras.Model(self.model.inputs, self.model.get_layer("logits").output)(x)
        model = keras.Model(
            images, keras.layers.Softmax()(logits / self.info.temperature), name="broken"
        )
        model(self.calibration_images[:1], training=False)
        return model

    made = cached_property(build)
    made.__set_name__(deployable.DeployableModel, "deployable")
    return made


class Jitter(keras.layers.Layer):  # type: ignore[misc]
    """An augmentation that does not know when training is over."""

    def call(self, x: Any) -> Any:
        return x + keras.random.uniform(keras.ops.shape(x), 0, 0.6, seed=None)


FAULTS: dict[str, Callable[[Any], Any]] = {
    "augmentation left in": lambda x: Jitter()(x),
    "normalised twice": lambda x: x / 255,
    "standardised by mistake": lambda x: (x - 0.286) / 0.353,
    "turned": lambda x: keras.ops.transpose(x, (0, 2, 1, 3)),
}


CASES = [(f, format) for f in FAULTS for format in ("litert", "litert-int8", "saved-model")]
# LiteRT has no random numbers: its converter refuses the first fault without our gate
CASES = [case for case in CASES if case[0] != "augmentation left in" or case[1] == "saved-model"]


@pytest.mark.parametrize(("fault", "format"), CASES)
def test_a_broken_export_is_caught_and_removed(
    fault: str,
    format: str,
    calibrated_run: Run,
    bar_data: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deployable.DeployableModel, "deployable", broken(FAULTS[fault]))
    path = tmp_path / "out" / FORMATS[format].file_name
    with pytest.raises(ModelError, match="does not answer as the Keras model: .*; removed"):
        export(calibrated_run.folder, format, path, bar_data)
    assert list(path.parent.iterdir()) == []


def test_a_forgotten_temperature_is_caught(
    calibrated_run: Run, bar_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = deployable.DeployableModel.__dict__["deployable"].func

    def forgetful(self: deployable.DeployableModel) -> keras.Model:
        model: keras.Model = whole(replace(self, info=replace(self.info, temperature=1.0)))
        return model

    made = cached_property(forgetful)
    made.__set_name__(deployable.DeployableModel, "deployable")
    monkeypatch.setattr(deployable.DeployableModel, "deployable", made)
    with pytest.raises(ModelError, match="probabilities differ"):
        export(calibrated_run.folder, "litert", tmp_path / "x.tflite", bar_data)


def some(num: int) -> tuple[np.ndarray, LabeledImages]:
    """Answers that are all right and rather sure, and their images."""
    labels = np.arange(num, dtype=np.uint8) % 10
    probs = np.full((num, 10), 0.02, np.float32)
    probs[np.arange(num), labels] = 0.82
    return probs, LabeledImages(np.zeros((num, 28, 28), np.uint8), labels)


def test_the_gate_counts_and_measures() -> None:
    probs, part = some(1000)
    other = probs.copy()
    other[3] = np.roll(other[3], 1)
    other[4, 0] += 0.001
    fakes = FakePredictor(probs), FakePredictor(other)
    found = parity.check_parity(*fakes, part, parity.INT8, "x")
    assert found.top1_agreement == pytest.approx(0.999)
    assert found.max_abs_diff == pytest.approx(0.8)
    assert found.accuracy_change == pytest.approx(-0.001)
    assert found.num_examples == 1000
    with pytest.raises(ModelError, match=r"up to 0\.8 \(allowed 0\.0001\); 1 of 1,000 first"):
        parity.check_parity(*fakes, part, parity.FLOAT32, "x")
    other[:4] = np.roll(probs[:4], 1, axis=1)
    with pytest.raises(ModelError, match=r"the accuracy falls by 0\.40 points \(allowed 0\.3\)"):
        parity.check_parity(*fakes, part, parity.INT8, "x")


def test_the_gate_refuses_what_is_no_number() -> None:
    probs, part = some(20)
    other = probs.copy()
    other[7, 7] = np.nan
    for limits in (parity.FLOAT32, parity.FLOAT16, parity.INT8):
        with pytest.raises(ModelError, match="up to inf"):
            parity.check_parity(FakePredictor(probs), FakePredictor(other), part, limits, "x")


def test_int8_asks_for_labels_and_says_so(
    calibrated_run: Run, bar_data: Dataset, tmp_path: Path
) -> None:
    from ankleboot.evaluation import test_set_usage

    before = test_set_usage.num_test_evaluations(calibrated_run.folder)
    assert (
        export(
            calibrated_run.folder, "litert", tmp_path / "a.tflite", bar_data
        ).parity.accuracy_change
        is None
    )
    assert test_set_usage.num_test_evaluations(calibrated_run.folder) == before
    done = export(calibrated_run.folder, "litert-int8", tmp_path / "b.tflite", bar_data)
    assert done.parity.accuracy_change is not None
    assert test_set_usage.num_test_evaluations(calibrated_run.folder) == before + 1


def test_the_command_obeys_its_contract(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "boot.tflite"
    arguments = ["export", "pretrained", "--format", "litert", "--data", "sample", "--json"]
    assert run([*arguments, "--output", str(path)]) == 0
    out, err = capfd.readouterr()
    document = json.loads(out)
    assert document["path"] == str(path) and document["format"] == "litert"
    assert document["bytes"] == path.stat().st_size
    assert set(document["parity"]) >= {"max_abs_diff", "top1_agreement", "num_examples"}
    assert document["parity"]["num_examples"] == 500
    assert 0 < document["latency_ms"]["p50"] <= document["latency_ms"]["p99"]
    assert err == ""
    assert run([*arguments, "--output", str(path)]) == 2
    assert "exists already" in capfd.readouterr().err


def test_a_model_that_is_not_there_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "nowhere", "--format", "onnx"]) == 4
    assert capfd.readouterr().err == "error: nowhere: no such model file or run folder\n"


def test_the_reference_is_keras(calibrated_run: Run) -> None:
    assert isinstance(load_predictor(calibrated_run.folder), KerasPredictor)
