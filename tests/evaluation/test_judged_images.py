"""Which images a model is judged on: its own split, or data that are new to it."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import DataError, UsageError
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.fingerprints import fingerprints
from ankleboot.evaluation.compare import compare
from ankleboot.evaluation.evaluate import evaluate
from ankleboot.evaluation.report.write import write_report
from ankleboot.evaluation.select_split import dataset_for
from ankleboot.export.export import export_model
from ankleboot.inference.load import load_predictor, resolve_model
from ankleboot.models.run import Run
from helpers.images import TINY, bars

SUBSET = ("Sandal", "Dress", "Coat")  # not in the order of the model


@pytest.fixture(scope="module")
def new_data() -> Dataset:
    """Case 05: labeled images of three of the ten classes, in another order."""
    images = bars(120, 5)
    labels = [CLASS_NAMES[label] for label in images.labels]
    rows = [index for index, name in enumerate(labels) if name in SUBSET]
    numbers = np.array([SUBSET.index(labels[row]) for row in rows], np.int32)
    train = LabeledImages(images.images[rows], numbers)
    return Dataset("new/", train, train.take(np.arange(0)), "/new", {"train": "2" * 64}, SUBSET)


@pytest.fixture
def own_copy(calibrated_run: Run, tmp_path: Path) -> Run:
    return Run(Path(shutil.copytree(calibrated_run.folder, tmp_path / "run")))


def test_the_best_epoch_is_judged_on_the_images_of_the_run(
    bar_data: Dataset, tmp_path: Path
) -> None:
    """The file carried the split "last": 42 of 48 images were training images."""
    from ankleboot.training.trainer import fit

    run = fit(replace(TINY, split="stratified", split_seed=3, epochs=1), bar_data, tmp_path / "run")
    rule = run.recipe().split_rule
    assert load_predictor(run.best_path).info.split_rule == rule
    judged = evaluate(run.best_path, bar_data)
    assert judged.num_examples == 128 and judged.data == "bars"
    assert judged.accuracy == pytest.approx(run.result()["validation"]["accuracy"])
    assert judged.loss == pytest.approx(run.result()["validation"]["loss"], rel=1e-4)
    (run.folder / "result.json").unlink()  # as of a stopped run, whose message names this file
    assert evaluate(run.best_path, bar_data).accuracy == judged.accuracy


def test_a_split_that_is_not_there_is_refused(calibrated_run: Run, bar_data: Dataset) -> None:
    """Every name but "test" meant the validation images."""
    with pytest.raises(UsageError, match=r"unknown split 'tset' \(did you mean test\?\)"):
        evaluate(calibrated_run, bar_data, split="tset")
    with pytest.raises(UsageError, match="holds no fold out, as a run of a cross-validation does"):
        compare([calibrated_run, calibrated_run.best_path], bar_data, split="held-out")


def test_data_without_a_test_split_is_refused(calibrated_run: Run, bar_data: Dataset) -> None:
    data = replace(bar_data, test=bar_data.test.take(np.arange(0)))
    with pytest.raises(DataError, match="bars has no test split; take --split validation"):
        evaluate(calibrated_run, data, split="test")


def test_the_result_and_its_equal_best_epoch_have_one_calibration(own_copy: Run) -> None:
    shutil.copy(own_copy.model_path, own_copy.best_path)
    info = load_predictor(own_copy.best_path).info
    assert (info.temperature, info.abstain_below) == (1.7, 0.6)


def test_a_finished_model_is_judged_on_all_new_images(
    calibrated_run: Run, new_data: Dataset
) -> None:
    """It was told to take --split test, then that there is none: a circle."""
    for split in ("validation", "test"):
        judged = evaluate(calibrated_run, new_data, split=split)
        assert judged.split == "new" and judged.num_examples == len(new_data.train) == 36
        assert judged.accuracy > 0.9  # the labels are numbered as the model's
        assert "all of its 36 images are judged" in judged.sentences[0]
    scores = {one.label: one for one in judged.per_class}
    assert scores["Dress"].recall is not None and scores["Bag"].recall is None
    assert judged.to_json()["per_class"][8]["recall"] is None
    assert "Bag" in judged.evidence.classes_without_images


def test_images_that_the_model_learned_are_left_out(own_copy: Run, new_data: Dataset) -> None:
    known = fingerprints(new_data.train.images, np.arange(10))
    own_copy.write_known_images(known)
    judged = evaluate(own_copy, new_data)
    assert judged.num_examples == 26
    assert "10 images that it was trained on, which are left out: 26" in judged.sentences[0]
    own_copy.write_known_images(fingerprints(new_data.train.images, np.arange(36)))
    with pytest.raises(DataError, match="the model was trained on all of its images"):
        evaluate(own_copy, new_data)


def test_a_class_that_the_model_does_not_know_is_refused(
    calibrated_run: Run, new_data: Dataset
) -> None:
    strange = replace(new_data, class_names=("Sandal", "Dress", "Hat"))
    with pytest.raises(UsageError, match="it does not know Hat"):
        evaluate(calibrated_run, strange)


def test_models_are_compared_on_new_images(
    calibrated_run: Run, own_copy: Run, new_data: Dataset
) -> None:
    comparison = compare([calibrated_run, own_copy.best_path], new_data)
    assert comparison.split == "new" and comparison.num_examples == 36


def test_a_model_trained_elsewhere_is_compared_on_the_validation_images_of_the_other(
    calibrated_run: Run, own_copy: Run, bar_data: Dataset
) -> None:
    """They are new to it as well."""
    data = replace(bar_data, test=bar_data.test.take(np.arange(0)))
    predictor = load_predictor(own_copy.folder)
    predictor.info = replace(predictor.info, data="pets/", data_sha256="9" * 64)
    predictor.name = "elsewhere"
    comparison = compare([calibrated_run, predictor], data)
    assert comparison.split == "validation" and comparison.num_examples == 128
    predictor.info = replace(predictor.info, data="bars", split="stratified")
    with pytest.raises(UsageError, match="different validation images; evaluate each by itself"):
        compare([calibrated_run, predictor], data)  # it named a test split that is not there


@pytest.mark.parametrize("known", [True, False])
def test_a_report_and_an_export_on_new_images(
    known: bool,
    own_copy: Run,
    new_data: Dataset,
    bar_data: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neighbors and the ranges of int8 come from the training images, if they are still there."""
    if known:
        monkeypatch.setattr(
            "ankleboot.evaluation.select_split.load_training_data", lambda *_, **__: bar_data
        )
        report = write_report(own_copy, tmp_path / "report.html", new_data)
        assert report.evaluation.split == "new" and report.evaluation.num_examples == 36
        assert "training data are gone" not in report.path.read_text()
        result = export_model(own_copy, "litert", tmp_path / "m.tflite", new_data)
        assert result.parity.split == "new" and result.parity.num_examples == 36
    else:
        with pytest.raises(UsageError, match="its training images are needed beside the new data"):
            export_model(own_copy, "litert", tmp_path / "m.tflite", new_data)


def test_an_export_in_a_run_folder_belongs_to_the_run(
    own_copy: Run, bar_data: Dataset, exported: object
) -> None:
    """Its data set was sought by the name alone, which is no path."""
    folder = own_copy.folder / "exports"
    folder.mkdir(exist_ok=True)
    shutil.copy(exported("litert"), folder / "model.tflite")  # type: ignore[operator]
    loaded: list[Run | None] = []

    def load(image_spec: object, *, run: Run | None = None, known: str = "") -> Dataset:
        loaded.append(run)
        return bar_data

    dataset_for(resolve_model(folder / "model.tflite"), load)
    assert loaded == [own_copy]
