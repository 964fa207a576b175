"""Judging: whole splits, honest words, and refused models."""

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import DataError, ModelError, UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.evaluation import test_set_usage as reads
from ankleboot.evaluation.evaluate import TEST_SIZES, evaluate, evaluate_probs, validation_images
from ankleboot.evaluation.overfitting import diagnose_fit
from ankleboot.inference.load import load_predictor
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import EpochRecord, Run
from helpers.images import bars
from helpers.predictors import FakePredictor


def test_a_perfect_and_a_uniform_predictor() -> None:
    test = load_data("sample").test
    perfect = evaluate(
        FakePredictor(np.eye(10)[test.labels]), test, data="sample", split="test", test_reads=1
    )
    assert (perfect.accuracy, perfect.loss, perfect.brier, perfect.ece) == (1.0, 0.0, 0.0, 0.0)
    assert np.array(perfect.confusion_matrix).trace() == perfect.num_examples == 500
    uniform = evaluate(
        FakePredictor(np.full((500, 10), 0.1)), test, data="sample", split="test", test_reads=1
    )
    assert uniform.accuracy == 0.1 and uniform.top2_accuracy == 0.2
    assert uniform.loss == pytest.approx(np.log(10)) and uniform.brier == pytest.approx(0.9)
    assert uniform.accuracy_ci95[0] < 0.1 < uniform.accuracy_ci95[1]


def test_a_test_split_that_is_not_whole_is_no_result() -> None:
    part = bars(499, 0)
    predictor = FakePredictor(np.full((499, 10), 0.1))
    with pytest.raises(DataError, match="has 500 images, got 499"):
        evaluate(predictor, part, data="sample", split="test", test_reads=1)


def test_the_test_split_of_the_real_data_has_ten_thousand_images() -> None:
    assert TEST_SIZES["fashion-mnist"] == 10_000


def history(*rows: tuple[float, float, float, float]) -> tuple[EpochRecord, ...]:
    """Rows of training loss, training accuracy, validation loss, validation accuracy."""
    return tuple(
        EpochRecord(i + 1, tl, ta, vl, va, 1e-3, 1.0) for i, (tl, ta, vl, va) in enumerate(rows)
    )


MEMORISING = history(
    (0.6, 0.80, 0.40, 0.85),
    (0.3, 0.89, 0.28, 0.90),
    (0.2, 0.93, 0.24, 0.915),
    (0.1, 0.96, 0.30, 0.915),
    (0.03, 0.99, 0.46, 0.916),
)


def test_the_ancestors_curves_are_called_overfitting() -> None:
    verdict = diagnose_fit(MEMORISING)
    assert verdict.verdict == "overfitting"
    assert verdict.best_epoch == 3 and verdict.gap_opened == 4
    assert verdict.gap == pytest.approx(0.074)
    assert verdict.loss_rise == pytest.approx(0.46 / 0.24 - 1)
    assert "lowest after epoch 3 (0.2400) and 92 % higher at the end" in verdict.sentences[1]
    assert "above 2 since epoch 4" in verdict.sentences[2]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (MEMORISING[:1], "too short"),
        (MEMORISING[:3], "still improving"),
        (history((2.0, 0.3, 1.9, 0.31), (1.99, 0.3, 1.9, 0.31)), "underfitting"),
        (history((0.2, 0.95, 0.2, 0.93), (0.02, 0.99, 0.21, 0.93)), "overfitting"),
        (
            history((0.3, 0.9, 0.25, 0.9), (0.3, 0.9, 0.27, 0.9), (0.3, 0.9, 0.26, 0.9)),
            "about right",
        ),
        (history((0.25, 0.91, 0.26, 0.905), (0.24, 0.915, 0.258, 0.906)), "about right"),
    ],
)
def test_other_curves_get_other_words(rows: tuple[EpochRecord, ...], expected: str) -> None:
    verdict = diagnose_fit(rows)
    assert verdict.verdict == expected
    assert all(sentence.endswith(".") for sentence in verdict.sentences)


def test_no_history_is_no_verdict() -> None:
    with pytest.raises(DataError):
        diagnose_fit(())


def test_looks_at_the_test_split_are_counted(
    bar_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recipe.json").write_bytes((bar_run.folder / "recipe.json").read_bytes())
    assert reads.num_test_evaluations(tmp_path) == 0
    assert [reads.record_test_evaluation(tmp_path) for _ in range(3)] == [1, 2, 3]
    assert (
        reads.num_test_evaluations(tmp_path / "model.keras") == 3
    )  # the run's file counts with the run
    monkeypatch.setattr("platformdirs.user_state_dir", lambda name: str(tmp_path / "state"))
    alone = tmp_path / "elsewhere" / "model.keras"
    alone.parent.mkdir()
    alone.write_bytes(b"some model")
    assert reads.record_test_evaluation(alone) == 1
    alone.rename(alone.with_name("renamed.keras"))
    assert reads.record_test_evaluation(alone.with_name("renamed.keras")) == 2


@pytest.fixture
def own_run(bar_run: Run, tmp_path: Path) -> Run:
    """A copy that may be damaged."""
    import shutil

    shutil.copytree(bar_run.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def test_a_changed_model_file_is_refused(own_run: Run) -> None:
    with zipfile.ZipFile(own_run.model_path, "a") as archive:
        archive.writestr("comment.txt", "harmless")
    for path in (own_run.folder, own_run.model_path):
        with pytest.raises(ModelError, match="not the file that training wrote"):
            load_predictor(path)


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.6, 0.99])
def test_a_truncated_model_file_is_called_so(own_run: Run, tmp_path: Path, keep: float) -> None:
    whole = own_run.model_path.read_bytes()
    damaged = tmp_path / "damaged.keras"
    damaged.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(ModelError, match="damaged.keras: incomplete or damaged model file"):
        load_predictor(damaged)


def test_flipped_bits_in_a_model_are_refused(own_run: Run, tmp_path: Path) -> None:
    whole = own_run.model_path.read_bytes()
    for place in np.linspace(100, len(whole) - 100, 12).astype(int):
        changed = bytearray(whole)
        changed[place] ^= 0x10
        damaged = own_run.folder / "model.keras"
        damaged.write_bytes(changed)
        with pytest.raises(ModelError):
            load_predictor(own_run.folder)


def test_foreign_models_are_refused(tmp_path: Path) -> None:
    import keras

    wrong_shape = tmp_path / "wrong.keras"
    keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten()]).save(wrong_shape)
    with pytest.raises(ModelError, match=r"expected input \(\(28, 28, 1\), .* got \(\(32, 32, 3\)"):
        load_predictor(wrong_shape)

    inputs = keras.Input((28, 28, 1))
    code = keras.layers.Lambda(lambda x: x[:, :10, 0, 0], output_shape=(10,))(inputs)
    unsafe = tmp_path / "unsafe.keras"
    keras.Model(inputs, code).save(unsafe)
    with pytest.raises(ModelError, match="not a model that can be loaded safely"):
        load_predictor(unsafe)

    nan = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
    )
    nan.set_weights([np.full_like(w, np.nan) for w in nan.get_weights()])
    nan.save(tmp_path / "nan.keras")
    with pytest.raises(ModelError, match="not finite"):
        load_predictor(tmp_path / "nan.keras")

    (tmp_path / "model.h5").touch()
    with pytest.raises(ModelError, match="expected a run folder, a .keras"):
        load_predictor(tmp_path / "model.h5")
    with pytest.raises(ModelError, match="not a run folder"):
        load_predictor(tmp_path)
    with pytest.raises(ModelError, match="no such model"):
        load_predictor(tmp_path / "nothing.keras")


def test_damaged_run_files_are_named(own_run: Run) -> None:
    for name, read in (
        ("recipe.json", own_run.recipe),
        ("manifest.json", own_run.manifest),
        ("result.json", own_run.result),
    ):
        for content in (b"[]", b"{", b'{"name": "x", "depth": 1}', b"\xff\xfe"):
            (own_run.folder / name).write_bytes(content)
            with pytest.raises(ModelError, match=name) as caught:
                read()
            assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="recipe.json"):
        load_predictor(own_run.best_path)


def test_predictions_do_not_depend_on_the_batch(
    bar_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = load_predictor(bar_run.folder)
    images = bars(50, 9).images
    at_once = predictor.predict(images)
    monkeypatch.setattr("ankleboot.inference.keras.BATCH_SIZE", 7)
    np.testing.assert_allclose(predictor.predict(images), at_once, atol=1e-6)
    assert predictor.predict(images[:0]).shape == (0, 10)


def test_evaluations_of_two_parts_differ(bar_run: Run) -> None:
    predictor = load_predictor(bar_run.folder)
    one, two = bars(100, 1), replace(bars(100, 1), labels=np.zeros(100, np.uint8))
    results = [
        evaluate(predictor, part, data="bars", split="validation", test_reads=0)
        for part in (one, two)
    ]
    assert results[0].accuracy > 0.9 and results[1].accuracy < 0.2


@pytest.mark.parametrize("gap", [0.0, 0.05])
def test_the_interval_of_the_calibration_error_holds_it(gap: float) -> None:
    """Two classes, so that the truth is known: the model says 0.8 and is right 0.8 - gap."""
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        confidence = generator.uniform(0.7, 0.99, 1_000)
        probs = np.zeros((1_000, 10))
        probs[:, 0], probs[:, 1] = confidence, 1 - confidence
        labels = (generator.random(1_000) > confidence - gap).astype(int)
        found = evaluate_probs(
            "x", probs, labels, class_names=CLASS_NAMES, data="x", split="validation", test_reads=0
        )
        low, high = found.ece_ci95
        assert low <= found.ece <= high
        held += low <= gap <= high
    assert held >= 90


def test_validation_images_of_other_data_are_refused(bar_data: Dataset) -> None:
    with pytest.raises(UsageError, match="no validation images in bars, take --split test"):
        validation_images(ModelMetadata(data="fashion-mnist"), bar_data)
    assert len(validation_images(ModelMetadata(data="bars"), bar_data)) == 128
