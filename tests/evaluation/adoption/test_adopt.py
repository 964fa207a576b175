"""Models of other tools, adopted with their own accuracy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.core.silence import silenced
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.adoption.adopt import adopt
from ankleboot.evaluation.compare import compare
from ankleboot.evaluation.evaluate import evaluate
from ankleboot.inference.load import load_predictor
from ankleboot.models.run import Run
from helpers import foreign

pytestmark = pytest.mark.usefixtures("isolated_state_dir")


NAMES = [
    *("leaky-logits-byte.keras", "standard.keras", "flat.keras", "shuffled.keras"),
    *("old.h5", "saved_model"),
    *(
        pytest.param(f"{name}.keras", marks=pytest.mark.slow)
        for name in ("plain", "logits", "byte", "signed", "rescaling", "nested")
    ),
]


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("name", NAMES)
def test_a_foreign_model_keeps_its_accuracy(
    name: str, files: foreign.ForeignFiles, data: Dataset, tmp_path: Path
) -> None:
    file = files[name]
    run = adopt(file.path, data, tmp_path / "run")
    found = run.manifest()["adopted"]
    assert found["convention"]["scaling"] == file.scaling
    assert found["convention"]["outputs"] == file.outputs
    evaluation = evaluate(run, data)
    assert evaluation.split == "test" and evaluation.num_test_evaluations == 1
    expected = float((file.predicted == data.test.labels).mean())
    assert evaluation.accuracy == pytest.approx(expected, abs=0.001)
    assert expected > 0.4  # as trained here, for seconds


@pytest.fixture(scope="module")
def pair(data: Dataset) -> Dataset:
    return foreign.pair_data(data)


@pytest.fixture(scope="module")
def adopted(
    files: foreign.ForeignFiles,
    data: Dataset,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    """The nested model, adopted as a user does it: in a process with limits."""
    run_dir = tmp_path_factory.mktemp("adopted") / "run"
    return adopt(files["nested.keras"].path, data, run_dir)


def test_an_adopted_run_works_in_every_command(
    adopted: Run, data: Dataset, files: foreign.ForeignFiles, tmp_path: Path
) -> None:
    from ankleboot.evaluation.explain.explain import explain
    from ankleboot.evaluation.report.write import write_report
    from ankleboot.export.export import export_model
    from ankleboot.inference.predict import predict

    predicted = files["nested.keras"].predicted
    expected = float((predicted == data.test.labels).mean())
    names = [entry.to_json()["label"] for entry in predict(data.test.images[:20], adopted)]
    assert names == [data.class_names[label] for label in predicted[:20]]
    export = export_model(adopted, "litert", tmp_path / "m.tflite", data)
    assert export.parity.top1_agreement == 1
    compared = compare([adopted, load_predictor(export.path), "pretrained"], data)
    assert compared.split == "test" and compared.models[0].accuracy == pytest.approx(expected)
    assert "was trained elsewhere" in compared.sentences[1]
    (explanation,) = explain(adopted, ["train:3"], data=data)
    assert set(explanation.maps) >= {"hires-cam", "integrated-gradients"}
    assert len(explanation.neighbors) == 5
    report = write_report(adopted, tmp_path / "report.html", data)
    assert report.sentences[0].startswith("The model was adopted from nested.keras")
    assert report.evaluation.split == "test"


def test_validation_images_of_an_adopted_model_come_with_a_word(
    adopted: Run, data: Dataset
) -> None:
    evaluation = evaluate(adopted, data, split="validation")
    assert "whether it learned the validation images is unknown" in evaluation.notes[1]
    assert "judged on the test split" in evaluate(adopted, data).notes[1]
    (note,) = evaluate(adopted, data, split="test").notes
    assert note.startswith("unit is the best of 15 conventions tried, right on ")


def test_an_adopted_model_keeps_its_meaning_outside_its_folder(
    adopted: Run, data: Dataset, tmp_path: Path
) -> None:
    import keras

    copy = tmp_path / "model.keras"
    copy.write_bytes(adopted.model_path.read_bytes())
    predictor = load_predictor(copy)
    assert predictor.info.adopted == "nested.keras"
    expected = load_predictor(adopted.folder).predict(data.test.images[:9])
    np.testing.assert_array_equal(predictor.predict(data.test.images[:9]), expected)
    assert keras.models.load_model(copy).output_shape == (None, 10)


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(
    ("activation", "swapped"), [("sigmoid", False), ("sigmoid", True), (None, False)]
)
def test_one_output_for_two_classes_becomes_two(
    activation: str | None, swapped: bool, base: Any, pair: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "pair.keras"
    foreign.pair_model(base, activation=activation, swapped=swapped).save(path)
    with pytest.raises(UsageError, match="cannot be distinguished.* --input"):
        adopt(path, pair)  # on these two classes the model is right with any scale
    run = adopt(path, pair, tmp_path / "run", input="unit")
    convention = run.manifest()["adopted"]["convention"]
    assert convention["outputs"] == ("binary-sigmoid" if activation else "binary-logit")
    assert convention["order"] == ([1, 0] if swapped else [0, 1])
    logits = base.predict(foreign.unit(pair.test.images), verbose=0)[:, list(foreign.PAIR)]
    expected = float((logits.argmax(axis=1) == pair.test.labels).mean())
    assert evaluate(run, pair).accuracy == pytest.approx(expected, abs=0.001)


@pytest.mark.usefixtures("in_process")
def test_a_sigmoid_for_each_class_becomes_probabilities(
    base: Any, data: Dataset, tmp_path: Path
) -> None:
    from ankleboot.export.export import export_model

    path = tmp_path / "sigmoids.keras"
    model = foreign.sigmoids_model(base)
    model.save(path)
    run = adopt(path, data, tmp_path / "run", input="unit")
    assert run.manifest()["adopted"]["convention"]["outputs"] == "sigmoid"
    values = model.predict(foreign.unit(data.test.images), verbose=0)
    expected = values / values.sum(axis=1, keepdims=True)
    probs = load_predictor(run.folder).predict(data.test.images)
    np.testing.assert_allclose(probs, expected, atol=1e-4)
    export_model(run, "onnx", tmp_path / "m.onnx", data)


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("format", ["tflite", "onnx"])
def test_files_of_other_runtimes_keep_their_convention(
    format: str, base: Any, data: Dataset, tmp_path: Path
) -> None:
    model = foreign.rebuilt(base, scale=1 / 255, columns=np.eye(10)[:, foreign.ORDER])
    path = tmp_path / f"theirs.{format}"
    name = {"tflite": "litert", "onnx": "onnx"}[format]
    model(np.zeros((1, 28, 28, 1), np.float32))  # one exporter needs a called model
    with silenced():
        model.export(path, format=name, verbose=False)
    with pytest.raises(ModelError, match="ankleboot adopt"):
        load_predictor(path)
    run = adopt(path, data, tmp_path / "run")
    own = base.predict(foreign.unit(data.test.images), verbose=0)
    expected = float((own.argmax(axis=1) == data.test.labels).mean())
    assert evaluate(run, data).accuracy == pytest.approx(expected, abs=0.001)
    copy = tmp_path / f"copy.{format}"
    copy.write_bytes(run.model_path.read_bytes())
    probs = load_predictor(copy).predict(data.test.images[:7])
    np.testing.assert_allclose(probs, own[:7], atol=1e-4)
    with pytest.raises(UsageError, match="made by Ankleboot already"):
        adopt(copy, data)
    damaged = bytearray(copy.read_bytes())
    damaged[len(damaged) // 3] ^= 1
    copy.write_bytes(damaged)
    with pytest.raises(ModelError, match="SHA-256"):
        load_predictor(copy)


@pytest.mark.usefixtures("in_process")
def test_without_labeled_images_the_user_is_asked(base: Any, data: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "own.keras"
    import keras

    head = keras.layers.Dense(3, "softmax", name="head")
    foreign.rebuilt(base, head=head, columns=np.eye(10)[:, :3]).save(path)
    names = ["cat", "dog", "eel"]
    with pytest.raises(UsageError, match=r"3 outputs, but there are 10 classes.* --data"):
        adopt(path, data)
    with pytest.raises(UsageError, match="28 x 28 pixels: name the data .* both --input and"):
        adopt(path, labels=names)
    with pytest.raises(UsageError, match="two or more different names"):
        adopt(path, labels=["cat", "cat"], input="unit")
    run = adopt(path, None, tmp_path / "run", labels=names, input="unit")
    predictor = load_predictor(run.folder)
    expected = base.predict(foreign.unit(data.test.images[:9]), verbose=0)[:, :3]
    expected /= expected.sum(axis=1, keepdims=True)
    assert predictor.info.labels == tuple(names)
    np.testing.assert_allclose(predictor.predict(data.test.images[:9]), expected, atol=1e-5)
    with pytest.raises(UsageError, match="adopted without data"):
        evaluate(run)


@pytest.mark.usefixtures("in_process")
def test_the_order_that_the_user_names_is_used(
    files: foreign.ForeignFiles, data: Dataset, tmp_path: Path
) -> None:
    names = [data.class_names[label] for label in foreign.ORDER]
    run = adopt(files["shuffled.keras"].path, data, tmp_path / "run", labels=names, input="unit")
    order = run.manifest()["adopted"]["convention"]["order"]
    assert [foreign.ORDER[index] for index in order] == list(range(10))
    with pytest.raises(UsageError, match="the classes of the data are T-shirt/top"):
        adopt(files["plain.keras"].path, data, labels=[*names[:9], "Hat"])
    with pytest.raises(UsageError, match="no convention fits these images"):
        adopt(files["plain.keras"].path, data, labels=names)


def test_a_hostile_file_harms_its_own_process_alone(tmp_path: Path) -> None:
    path = tmp_path / "evil.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 40)
    with pytest.raises(ModelError, match=str(path)):
        adopt(path, labels=["a", "b"], input="unit")
    path = tmp_path / "evil.tflite"
    path.write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(range(256)) * 40)
    with pytest.raises(ModelError, match=str(path)):
        adopt(path, labels=["a", "b"], input="unit")
