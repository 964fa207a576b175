"""Measures against results known beforehand."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from ankleboot.core.errors import DivergedError
from ankleboot.core.types import to_inputs, unpack_array
from ankleboot.data.augmentation import shift_images
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.models import architectures
from ankleboot.models.files.calibration import softmax
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import LEAKY, PLAIN
from ankleboot.recipes.parse import override
from ankleboot.studies.measures import gradients
from ankleboot.studies.measures.confusion import confused_within, merged_accuracy
from ankleboot.studies.measures.cost import activation_bytes, forward_flops
from ankleboot.studies.measures.filters import (
    ablation_drops,
    ascend_gradients,
    best_correlation,
    gabor_family,
    probe_accuracy,
    sobel_family,
)
from ankleboot.studies.measures.gradients import (
    gradient_norms,
    interpolated_epochs,
    largest_stable_rate,
)
from ankleboot.studies.measures.load import load_measure
from ankleboot.studies.measures.shift_robustness import shift_robustness
from ankleboot.studies.measures.softmax import (
    analytic_gradient,
    entropy_bits,
    gradient_error,
    labels_error,
    naive_overflow_logit,
    naive_softmax,
)
from ankleboot.studies.measures.trained_run import TrainedRun, predict
from ankleboot.studies.pixel_transforms import SHUFFLED, transform_pixels
from ankleboot.studies.questions.base import DEEP_CNN
from ankleboot.studies.questions.overfitting import BASE
from ankleboot.studies.run_once import measure_run
from ankleboot.studies.study import Job, Variant
from helpers.images import TINY

MEASURES = (
    "accuracy:measure_accuracy",
    "data_size:measure_data_size",
    "cost:measure_cost",
    "overfitting:measure_overfitting",
    "gradients:measure_epochs_to_target",
)


@pytest.fixture(scope="module")
def trained(bar_run: Run, bar_data: Dataset) -> TrainedRun:
    model = keras.models.load_model(bar_run.model_path, compile=False)
    return TrainedRun(bar_run.recipe(), bar_data, model, bar_run.history(), 1.0, 100.0)


def test_run_has_the_measures_of_its_job(bar_data: Dataset) -> None:
    variant = Variant(name="tiny", recipe=TINY)
    job = Job("toy", variant, 3, MEASURES, "bars")
    found = measure_run(job, bar_data)
    figures = found["measures"]
    assert found["recipe"]["seed"] == 3 and not found["diverged"]
    assert unpack_array(found["correct"]).mean() == pytest.approx(figures["accuracy"])
    assert figures["accuracy"] > 0.9 and figures["num_train"] == 512
    assert len(figures["validation_loss_by_epoch"]) == figures["epochs"] == 3
    assert figures["gap"] == pytest.approx(figures["known_accuracy"] - figures["accuracy"])
    assert 0 < figures["epochs_to_85"] <= 3 and figures["images_per_second"] > 100


def test_run_below_the_target_counts_with_all_its_epochs(
    bar_data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradients, "TARGET_ACCURACY", 1.01)
    job = Job(
        "toy", Variant(name="tiny", recipe=TINY), 3, ("gradients:measure_epochs_to_target",), "bars"
    )
    figures = measure_run(job, bar_data)["measures"]
    assert figures["epochs_to_85"] == TINY.epochs and not figures["reached_85"]


def test_diverged_run_has_no_measures(bar_data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def diverge(*_: Any) -> Run:
        raise DivergedError("the loss became nan")

    monkeypatch.setattr("ankleboot.training.trainer.fit", diverge)
    found = measure_run(
        Job("toy", Variant(name="wild", recipe=TINY), 0, (MEASURES[0],), "b"), bar_data
    )
    assert found["diverged"] and found["measures"] == {}


# Shifts


class Fake:
    """Network that is a function."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def __call__(self, inputs: np.ndarray, training: bool = False) -> np.ndarray:
        probs: np.ndarray = self._answer(np.asarray(inputs))
        return probs


def test_shifting_moves_pixels_and_fills_with_black() -> None:
    image = np.arange(9, dtype=np.uint8).reshape(1, 3, 3)
    assert shift_images(image, 1, 0)[0].tolist() == [[0, 0, 0], [0, 1, 2], [3, 4, 5]]
    assert shift_images(image, 0, -2)[0].tolist() == [[2, 0, 0], [5, 0, 0], [8, 0, 0]]
    assert (shift_images(image, 0, 0) == image).all()


def test_position_independent_network_tolerates_every_shift() -> None:
    generator = np.random.default_rng(0)
    images = np.zeros((40, 28, 28), np.uint8)
    images[:, 8:20, 8:20] = generator.integers(0, 256, (40, 12, 12))
    limit = np.median(images.sum(axis=(1, 2)) / 255)

    def brightness(inputs: np.ndarray) -> np.ndarray:
        bright = inputs.sum(axis=(1, 2, 3)) > limit
        return np.stack([bright, ~bright], axis=1).astype(np.float32)

    labels = predict(Fake(brightness), images).argmax(axis=1)
    found = shift_robustness(Fake(brightness), images, labels)
    assert set(found["shift_accuracies"]) == set(found["shift_unchanged"]) == {1.0}


def test_network_of_one_pixel_tolerates_no_shift() -> None:
    images = np.zeros((20, 28, 28), np.uint8)
    images[:10, 14, 14] = 255

    def middle(inputs: np.ndarray) -> np.ndarray:
        lit = inputs[:, 14, 14, 0] > 0.5
        return np.stack([lit, ~lit], axis=1).astype(np.float32)

    found = shift_robustness(Fake(middle), images, np.repeat([0, 1], 10))
    assert found["shift_accuracies"] == [1.0, *[0.5] * 5]
    assert found["unchanged"] == found["shifted_accuracy"] == 0.5


# Cost and reach


@pytest.mark.parametrize(
    ("pooling", "expected"), [("max", 22), ("average", 22), ("strided", 15), ("none", 7)]
)
def test_receptive_fields_equal_the_count_by_hand(
    pooling: str, expected: int, trained: TrainedRun
) -> None:
    recipe = replace(DEEP_CNN, pooling=pooling)
    found = load_measure("cost:measure_receptive_field")(
        replace(trained, model=architectures.build_model(recipe), recipe=recipe)
    )
    assert found["receptive_field"] == expected


def test_flops_and_activations_equal_the_count_by_hand() -> None:
    model = architectures.build_model(replace(PLAIN, filters=4, blocks=1, dense_units=0))
    assert forward_flops(model) == 2 * (26 * 26 * 9 * 4 + 13 * 13 * 4 * 10)
    assert activation_bytes(model) == 4 * (2 * 26 * 26 * 4 + 13 * 13 * 4 + 10 + 10)


# Gradients and rates

LINEAR = override(TINY, {"architecture": "mlp", "dense_units": "0"})


def test_gradient_of_a_linear_network_equals_its_formula(bar_data: Dataset) -> None:
    model = architectures.build_model(LINEAR)
    images, labels = bar_data.train.images[:50], bar_data.train.labels[:50]
    rows = to_inputs(images).reshape(50, 784)
    missed = predict(model, images) - np.eye(10)[labels]
    expected = np.linalg.norm(rows.T @ missed / 50)
    assert gradient_norms(model, images, labels) == {"logits": pytest.approx(expected, rel=1e-4)}


def last_loss(data: Dataset, rate: float) -> float:
    """Mean loss over the last 20 of 60 steps of plain gradient descent, in NumPy."""
    kernel, bias = architectures.build_model(LINEAR).get_weights()
    places = np.random.default_rng(LINEAR.seed).permutation(data.split(LINEAR.split_rule).train)
    losses = []
    for batch in np.resize(places, 60 * LINEAR.batch_size).reshape(60, -1):
        rows = to_inputs(data.train.images[batch]).reshape(len(batch), 784)
        logits = rows @ kernel + bias
        logits -= logits.max(axis=1, keepdims=True)
        logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        truth = np.eye(10)[data.train.labels[batch]]
        losses.append(-(logs * truth).sum(axis=1).mean())
        missed = (np.exp(logs) - truth) / len(batch)
        kernel, bias = kernel - rate * rows.T @ missed, bias - rate * missed.sum(axis=0)
    return float(np.mean(losses[-20:]))


def test_largest_stable_rate_is_the_last_at_which_descent_learns(bar_data: Dataset) -> None:
    """A third of the labels is random, because separable data are learned at any rate."""
    part = bar_data.train
    labels = part.labels.copy()
    labels[::3] = np.random.default_rng(0).integers(0, 10, len(labels[::3]))
    data = replace(bar_data, train=LabeledImages(part.images, labels))
    rate = largest_stable_rate(LINEAR, data)
    assert rate is not None
    assert last_loss(data, rate) < 0.8 * np.log(10) < last_loss(data, 2 * rate)


def test_epochs_to_a_target_are_interpolated() -> None:
    assert interpolated_epochs([0.5, 0.8, 0.9], 0.85, start=0.1) == pytest.approx(2.5)
    assert interpolated_epochs([0.85, 0.9], 0.85, start=0.1) == pytest.approx(1.0)
    assert interpolated_epochs([0.5, 0.8], 0.85, start=0.1) is None


# Confusions


def test_merging_two_classes_removes_their_confusion_only() -> None:
    labels, predicted = np.array([0, 0, 0, 1, 2]), np.array([0, 1, 2, 0, 1])
    assert confused_within(predicted, labels, [0, 1]).tolist() == [False, True, False, True, False]
    assert merged_accuracy(predicted, labels, [0, 1]) == 0.6


def test_confusions_of_a_run_add_up(trained: TrainedRun) -> None:
    found = load_measure("confusion:measure_confusions")(trained)
    matrix = np.array(found["matrix"])
    assert matrix.sum() - matrix.trace() == found["num_errors"]
    errors = found["num_errors"] - found["pair_errors"]
    assert found["merged_accuracy"] == pytest.approx(1 - errors / matrix.sum())


# Softmax


def test_softmax_equals_the_textbook_formula_without_overflow() -> None:
    logits = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(softmax(logits), naive_softmax(logits))
    np.testing.assert_allclose(softmax(logits + 1_000), softmax(logits), atol=1e-12)
    assert not np.isfinite(naive_softmax(np.array([1_000.0, 0.0], np.float32))).all()
    assert naive_overflow_logit() == 89  # e^88.73 is the largest float32


def test_entropy_is_in_bits() -> None:
    assert entropy_bits(np.full(8, 1 / 8)) == pytest.approx(3)
    assert entropy_bits(np.array([1.0, 0.0])) == 0


def test_the_gradient_of_the_cross_entropy_is_checked_by_differences() -> None:
    logits = np.random.default_rng(1).normal(size=10)
    assert gradient_error(logits, 3) < 1e-8
    assert analytic_gradient(logits, 3).sum() == pytest.approx(0)


def test_both_kinds_of_labels_give_the_same_loss() -> None:
    generator = np.random.default_rng(2)
    logits = generator.normal(size=(30, 10)).astype(np.float32)
    assert labels_error(logits, generator.integers(0, 10, 30)) < 1e-5


def test_softmax_of_a_run_has_all_properties(trained: TrainedRun) -> None:
    found = load_measure("softmax:measure_softmax")(trained)
    assert found["by_hand_error"] < 1e-5 and found["gradient_error"] < 1e-6
    assert found["constant_error"] < 1e-9 and found["labels_error"] < 1e-5
    assert found["same_answer"] and not found["naive_is_finite"]
    assert np.all(np.diff(found["entropy_bits"]) > 0)


# Filters


def test_pattern_correlates_with_itself_and_its_negative() -> None:
    family = gabor_family(5)
    np.testing.assert_allclose(best_correlation(-3 * family + 7, family), 1)
    assert best_correlation(np.ones((1, 5, 5)), family)[0] == pytest.approx(0)
    edge = np.tile([-1.0, -1.0, 0.0, 1.0, 1.0], (5, 1))[None]
    assert best_correlation(edge, sobel_family(5))[0] > 0.85


def test_zeroing_an_unused_filter_costs_nothing(trained: TrainedRun, bar_data: Dataset) -> None:
    model = keras.models.clone_model(trained.model)
    model.set_weights(trained.model.get_weights())
    part = trained.validation
    dense = model.get_layer("dense")
    kernel, bias = dense.get_weights()
    channel = np.arange(len(kernel)) % 4 == 2  # the third of four channels is unused
    dense.set_weights([np.where(channel[:, None], 0, kernel), bias])
    before = model.get_weights()
    drops = ablation_drops(model, part.images, part.labels)
    assert drops[2] == 0 and drops.max() > 0.05
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_linear_probe_finds_linear_relations_only() -> None:
    generator = np.random.default_rng(3)
    known, new = generator.normal(size=(400, 20)), generator.normal(size=(400, 20))
    weights = generator.normal(size=(20, 3))
    labels, truth = (known @ weights).argmax(axis=1), (new @ weights).argmax(axis=1)
    assert probe_accuracy(known, labels, new, truth) > 0.9
    assert probe_accuracy(known, labels, new, generator.permutation(truth)) < 0.5


def test_ascended_image_excites_its_unit_more_than_any_image(trained: TrainedRun) -> None:
    viewer = keras.Model(trained.model.inputs[0], trained.model.get_layer("block1_conv1").output)
    dreamt = predict(viewer, ascend_gradients(viewer, np.arange(4)))
    seen = predict(viewer, trained.validation.images)
    row, column = (side // 2 for side in seen.shape[1:3])
    for unit in range(4):
        assert dreamt[unit, row, column, unit] >= seen[:, row, column, unit].max() - 0.05


# Pixel transforms


def test_shuffling_reorders_all_images_alike(bar_data: Dataset) -> None:
    data = transform_pixels(bar_data, SHUFFLED)
    before = bar_data.train.images.reshape(len(bar_data.train), -1)
    after = data.train.images.reshape(len(data.train), -1)
    assert (np.sort(before, axis=1) == np.sort(after, axis=1)).all()
    order = [int(np.flatnonzero((before == column[:, None]).all(axis=0))[0]) for column in after.T]
    assert sorted(order) == list(range(784)) and order != list(range(784))
    assert (data.train.labels == bar_data.train.labels).all()


def test_overfitting_study_uses_leaky() -> None:
    assert replace(BASE, precision="float32", batch_size=64) == LEAKY
