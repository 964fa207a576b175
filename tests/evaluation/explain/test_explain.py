"""Explanations of images by the function and the command."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from ankleboot.cli.main import run
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import DataError, ModelError
from ankleboot.data.dataset import Dataset
from ankleboot.data.export_images import export_images
from ankleboot.data.load import load_data
from ankleboot.evaluation.explain.explain import explain
from ankleboot.inference.decide import Prediction
from ankleboot.inference.predict import predict
from ankleboot.models.run import Run
from helpers.images import scene

pytestmark = pytest.mark.usefixtures("isolated_state_dir")


def test_images_are_explained_by_name_and_as_pixels(calibrated_run: Run, bar_data: Dataset) -> None:
    by_name, by_pixels = (
        explain(calibrated_run, [image], methods=["occlusion"], data=bar_data)[0]
        for image in ("train:7", bar_data.train.images[7])
    )
    np.testing.assert_array_equal(by_name.maps["occlusion"], by_pixels.maps["occlusion"])
    assert by_name.label == by_pixels.label and by_name.confidence == by_pixels.confidence
    neighbors = [neighbor.train_index for neighbor in by_name.neighbors]
    assert len(neighbors) == 5 and 7 not in neighbors
    assert by_name.to_json()["nearest"][0]["train_index"] == neighbors[0]
    assert repr(by_name).startswith("Explanation(image train:7, explains ")
    assert len(by_name.figure().axes[0].images) == 7  # image, map over it, five neighbors


def test_a_validation_image_is_explained_without_a_test_evaluation(
    calibrated_run: Run, bar_data: Dataset
) -> None:
    row = int(bar_data.split(calibrated_run.recipe().split_rule).validation[3])
    by_name, same = (
        explain(calibrated_run, [image], methods=["occlusion"], data=bar_data)[0]
        for image in ("validation:3", f"train:{row}")
    )
    assert by_name.name == "validation:3" and by_name.true_label == same.true_label
    np.testing.assert_array_equal(by_name.maps["occlusion"], same.maps["occlusion"])
    assert row not in [neighbor.train_index for neighbor in by_name.neighbors]
    assert not (calibrated_run.folder / "test_reads.json").exists()
    with pytest.raises(DataError, match="validation:9999: there are [0-9]+ images in validation"):
        explain(calibrated_run, ["validation:9999"], data=bar_data)


def test_a_figure_names_the_true_class_and_the_colors(
    calibrated_run: Run, bar_data: Dataset
) -> None:
    (known,) = explain(calibrated_run, ["train:7"], methods=["hires-cam"], data=bar_data)
    truth = CLASS_NAMES[bar_data.train.labels[7]]
    assert known.true_label == known.to_json()["true_label"] == truth
    figure = known.figure()
    assert f"true class {truth}" in figure.get_suptitle()
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert {"HiResCAM", "against the class", "for it"} <= set(texts)
    pixels = bar_data.train.images[7]
    (unknown,) = explain(calibrated_run, [pixels], methods=["hires-cam"], data=bar_data)
    assert unknown.true_label is None and "true class" not in unknown.figure().get_suptitle()


def test_occlusion_is_the_largest_map_of_a_figure(calibrated_run: Run, bar_data: Dataset) -> None:
    """The help below it tells what it asks, and what evidence beside an object means."""
    (explanation,) = explain(calibrated_run, ["train:7"], data=bar_data)
    figure = explanation.figure()
    axes = figure.axes[0]
    image, first, *others = (np.ptp(shown.get_extent()[:2]) for shown in axes.images)
    titles = [text.get_text() for text in axes.texts if text.get_text()]
    assert titles[:3] == ["image", "occlusion", "HiResCAM"]
    assert image == pytest.approx(first) and max(others) < 0.6 * first
    foot = " ".join(figure.texts[-1].get_text().split())
    assert "Occlusion asks what happens" in foot and "uses the empty space" in foot


def test_a_chosen_class_is_explained(calibrated_run: Run, bar_data: Dataset) -> None:
    (explanation,) = explain(
        calibrated_run, ["train:7"], methods=["hires-cam"], class_name="Bag", data=bar_data
    )
    assert explanation.label == "Bag" and explanation.confidence < 0.5
    assert list(explanation.maps) == ["hires-cam"]


def test_the_command_explains_files_and_images_of_the_data(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (boot,) = export_images(load_data("sample").test, CLASS_NAMES, tmp_path / "p", 10)[9:]
    command = ["explain", "pretrained", str(boot), "test:3", "--data", "sample"]
    assert run([*command, "--output", str(tmp_path / "out"), "--json"]) == 0
    images = json.loads(capfd.readouterr().out)["images"]
    assert [one["path"] for one in images] == [str(boot), "test:3"]
    assert images[0]["label"] == "Ankle boot" and len(images[0]["nearest"]) == 5
    assert images[0]["nearest"][0]["label"] in ("Ankle boot", "Sneaker")
    assert all(Path(one["picture"]).stat().st_size > 5_000 for one in images)
    assert Path(images[1]["picture"]).name == "pretrained-001-test-3.png"


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "boot.png"
    pixels, _ = scene(9)
    PillowImage.fromarray(pixels).save(path)
    return path


def test_a_photo_is_explained_for_the_model_that_predicts_it(
    photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Case 32: `predict` used one network, `explain` another, and did not say so."""
    (prediction,) = predict([photo])
    assert isinstance(prediction, Prediction)
    command = ["explain", "pretrained", str(photo), "test:3", "--data", "sample"]
    assert run([*command, "--output", str(tmp_path / "out"), "--json"]) == 0
    out, err = capfd.readouterr()
    explained, other = json.loads(out)["images"]
    assert explained["label"] == prediction.label
    assert explained["confidence"] == pytest.approx(prediction.confidence, abs=1e-3)
    assert explained["nearest"] == [] and len(other["nearest"]) == 5 and other["notes"] == []
    assert err.count("the model that predict uses for photos, by occlusion alone") == 1
    (explanation,) = explain("pretrained", [photo], data=load_data("sample"), class_name="Bag")
    assert explanation.label == "Bag" and list(explanation.maps) == ["occlusion"]
    command = ["explain", "pretrained", str(photo), "--data", "sample", "--method", "hires-cam"]
    assert run(command) == 4
    assert "expected the method occlusion, got hires-cam" in capfd.readouterr().err


def test_a_label_that_predict_would_not_rely_on_is_marked(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """`explain` called a cat a T-shirt and gave no sign that `predict` refuses it."""
    path, folder = tmp_path / "gray.png", str(tmp_path / "out")
    PillowImage.fromarray(np.full((28, 28), 9, np.uint8)).save(path)
    (prediction,) = predict([path])
    assert isinstance(prediction, Prediction) and prediction.cause == "blank"
    command = ["explain", "pretrained", str(path), "test:0", "--data", "sample", "--output", folder]
    assert run(command) == 0
    marked, known = capfd.readouterr().out.splitlines()
    refused = f"no prediction, {prediction.reason}; evidence for {prediction.label}: "
    assert marked.startswith(refused) and "prediction" not in known
    (explanation,) = explain("pretrained", [path], data=load_data("sample"))
    assert (explanation.reason, explanation.cause) == (prediction.reason, prediction.cause)
    (chosen,) = explain("pretrained", [path], data=load_data("sample"), class_name="Bag")
    assert chosen.reason is None  # the user chose the class


@pytest.mark.parametrize("name", ["photo", "zero-shot"])
def test_a_shipped_model_without_gradients_says_so(name: str, photo: Path) -> None:
    with pytest.raises(ModelError, match=f"{name} ships without its Keras model"):
        explain(name, [photo], data=load_data("sample"))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["pretrained", "test:999"], 3, "there are 500 images in test"),
        (["pretrained", "gone.png"], 3, "no such file"),
        (["nowhere", "test:0"], 4, "no such model"),
        (["pretrained", "test:0", "--class", "Hat"], 2, "unknown class 'Hat'"),
        (["pretrained", "test:0", "--method", "lime"], 2, "unknown explanation 'lime'"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], code: int, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", *arguments, "--data", "sample"]) == code
    err = capfd.readouterr().err
    assert message in err and len(err.splitlines()) == 1
