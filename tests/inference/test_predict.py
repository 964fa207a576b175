"""One result per image, in order, whatever is wrong with the others."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

import ankleboot
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import ModelError, UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.data.export_images import export_images
from ankleboot.data.load import load_data
from ankleboot.data.preprocessing.find_images import find_images
from ankleboot.inference.decide import Prediction
from ankleboot.inference.load import Model, load_predictor
from ankleboot.inference.predict import FailedImage, predict, predict_files
from ankleboot.inference.router import ModelRouter
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import Run
from helpers.images import scene
from helpers.predictors import FakePredictor


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    export_images(load_data("sample").test, CLASS_NAMES, folder, 20)
    return folder


def predictor_of_dresses(confidence: float, abstain_below: float) -> FakePredictor:
    probs = np.full((70, 10), (1 - confidence) / 9, np.float32)
    probs[:, 3] = confidence
    return FakePredictor(probs, ModelMetadata(abstain_below=abstain_below))


def test_paths_and_arrays_get_the_same_predictions(image_folder: Path) -> None:
    paths = sorted(image_folder.iterdir())
    from_paths = predict(paths)
    from_text = ankleboot.predict([str(path) for path in paths])
    labels = load_data("sample").test.labels
    images = np.stack(
        [
            load_data("sample").test.images[np.flatnonzero(labels == i % 10)[i // 10]]
            for i in range(20)
        ]
    )
    from_array = predict(images)
    assert from_paths == from_text
    for by_path, by_array in zip(from_paths, from_array, strict=True):
        assert isinstance(by_path, Prediction) and isinstance(by_array, Prediction)
        assert by_path.probs == by_array.probs and by_path.label == by_array.label
    assert [entry.path for entry in from_array] == [str(index) for index in range(20)]
    labels_by_path = [getattr(entry, "label", "") for entry in from_paths]
    assert np.mean([a == b for a, b in zip(labels_by_path, 2 * CLASS_NAMES, strict=True)]) >= 0.8


def test_the_model_may_be_a_run_a_path_or_a_predictor(
    calibrated_run: Run, exported: Callable[[str], Path], bar_data: Dataset
) -> None:
    images = bar_data.test.images[:5]
    expected = load_predictor(calibrated_run.folder).predict(images)
    models: tuple[Model, ...] = (
        calibrated_run,
        exported("litert"),
        load_predictor(str(exported("litert"))),
    )
    for model in models:
        entries = predict(images, model)
        probs = [list(entry.probs.values()) for entry in entries if isinstance(entry, Prediction)]
        np.testing.assert_allclose(probs, expected, atol=1e-5)


def test_a_single_path_is_one_image(image_folder: Path) -> None:
    path = min(image_folder.iterdir())
    assert predict(path) == predict(str(path)) == predict([path])


def test_arrays_of_another_type_or_shape_are_refused() -> None:
    wrong: list[np.ndarray] = [
        np.zeros((2, 28, 28), np.float32),
        np.zeros((28, 28), np.uint8),
        np.zeros((1, 28, 28, 4), np.uint8),
    ]
    for images in wrong:
        with pytest.raises(UsageError, match="expected paths or uint8 images of shape"):
            predict(images)


def test_color_arrays_are_photos_and_gray_ones_images_of_the_data_set() -> None:
    default, photo = predictor_of_dresses(0.9, 0.1), predictor_of_dresses(0.8, 0.1)
    router = ModelRouter(default)
    router.photo = photo
    gray = np.full((28, 28), 7, np.uint8)
    color = np.random.default_rng(0).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    first, second = predict_files(router, [gray, color])
    assert isinstance(first, Prediction) and first.confidence == pytest.approx(0.9)
    assert isinstance(second, Prediction) and second.confidence == pytest.approx(0.8)


def test_a_missing_model_is_an_error_before_any_image(image_folder: Path) -> None:
    with pytest.raises(ModelError, match="nowhere: no such model"):
        predict(image_folder.iterdir(), "nowhere")


def test_the_threshold_is_that_of_the_model_unless_one_is_given(image_folder: Path) -> None:
    paths = sorted(image_folder.iterdir())[:2]
    model = predictor_of_dresses(0.5, 0.6)
    for entry in predict(paths, model):
        assert isinstance(entry, Prediction)
        assert entry.abstained and entry.reason == "not sure of Dress"
        assert (entry.label, entry.index) == ("Dress", 3)
    for entry in predict(paths, model, abstain_below=0.4):
        assert isinstance(entry, Prediction) and not entry.abstained and entry.reason is None


def test_batches_keep_the_order_and_unreadable_files_their_index(
    tmp_path: Path, image_folder: Path
) -> None:
    readable = sorted(image_folder.iterdir())
    paths = [p for path in readable * 7 for p in (path, tmp_path / "gone.png")]
    entries = predict(iter(paths), predictor_of_dresses(0.9, 0.1))
    assert [entry.path for entry in entries] == list(map(str, paths))
    failed = [isinstance(entry, FailedImage) for entry in entries]
    assert failed == [False, True] * 140


def test_a_fault_of_the_system_is_told_from_one_of_the_file(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied")

    model = predictor_of_dresses(0.9, 0.1)
    (tmp_path / "words.png").write_text("words")
    missing, words = predict([tmp_path / "gone.png", tmp_path / "words.png"], model)
    monkeypatch.setattr(Path, "open", refused)
    (kept,) = predict([sorted(image_folder.iterdir())[0]], model)
    codes = [entry.exit_code for entry in (missing, words, kept) if isinstance(entry, FailedImage)]
    assert codes == [3, 3, 5]


def test_the_first_batch_is_ready_before_the_next_is_read(image_folder: Path) -> None:
    paths = iter(sorted(image_folder.iterdir()) * 7)
    results = predict_files(ModelRouter(predictor_of_dresses(0.9, 0.1)), paths)
    next(results)
    assert len(list(paths)) == 140 - 64


def test_a_pattern_as_users_write_it(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    Picture.fromarray(scene(2)[0]).save(tmp_path / "deep" / "a.jpg")
    usual = FakePredictor(np.full((9, 10), 0.1, np.float32))
    found = find_images([str(tmp_path / "**")], lambda _: None)
    (only,) = [
        one for one in predict_files(ModelRouter(usual), found) if isinstance(one, Prediction)
    ]
    assert only.path.endswith("a.jpg")
