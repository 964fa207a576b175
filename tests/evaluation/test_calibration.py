"""Calibration against hand-made predictions, independent loops and scipy's minimizer."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from ankleboot.core.errors import DataError, ModelError
from ankleboot.evaluation import metrics
from ankleboot.evaluation.calibration import (
    NUM_BINS,
    NUM_CURVE_POINTS,
    TARGET_PRECISION,
    abstention_threshold,
    expected_calibration_error,
    fit_calibration,
    fit_temperature,
    reliability_diagram,
    risk_coverage,
)
from ankleboot.models.files.calibration import Calibration, apply_temperature, softmax


def drawn(temperature: float, num: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels from softmax(logits / temperature), so that the best temperature is known."""
    generator = np.random.default_rng(3)
    logits = generator.normal(0, 2, (num, 10))
    calibrated = np.exp(logits / temperature)
    calibrated /= calibrated.sum(axis=1, keepdims=True)
    labels = (calibrated.cumsum(axis=1) > generator.random((num, 1))).argmax(axis=1)
    powers = np.exp(logits)
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32), labels


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_of_drawn_labels_is_found(temperature: float) -> None:
    probs, labels = drawn(temperature)
    assert fit_temperature(probs, labels) == pytest.approx(temperature, rel=0.03)


def test_the_temperature_has_the_least_loss() -> None:
    probs, labels = drawn(1.7, num=500)

    def loss(temperature: float) -> float:
        return metrics.log_loss(apply_temperature(probs.astype(np.float64), temperature), labels)

    best = minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-7})
    assert fit_temperature(probs, labels) == pytest.approx(best.x, rel=1e-3)


def test_calibration_corrects_an_overconfident_model() -> None:
    probs, labels = drawn(3.0)
    fitted = fit_calibration(probs, labels)
    assert fitted.temperature == pytest.approx(3, rel=0.03)
    assert fitted.ece[1] < 0.02 < fitted.ece[0]
    assert fitted.loss[1] < fitted.loss[0]
    assert fitted.num_examples == len(labels)
    assert Calibration.from_json(asdict(fitted), "here") == fitted


@given(st.floats(0.05, 20), st.integers(0, 1000))
def test_a_temperature_keeps_ranking_and_sums(temperature: float, seed: int) -> None:
    probs = np.random.default_rng(seed).dirichlet(np.full(10, 0.3), 5).astype(np.float32)
    after = apply_temperature(probs, temperature)
    np.testing.assert_allclose(after.sum(axis=1), 1, atol=1e-5)
    assert (np.take_along_axis(after, probs.argsort(axis=1), 1)[:, -1] == after.max(axis=1)).all()


def test_a_temperature_divides_the_logits() -> None:
    logits = np.array([[3.0, 1, 0, -1, 2, 5, -7, 0.5, 0, 0]])
    naive = np.exp(logits / 1.6) / np.exp(logits / 1.6).sum()
    probs = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(apply_temperature(probs, 1.6), naive, rtol=1e-12)


def test_certain_predictions_stay_finite() -> None:
    certain = np.eye(10, dtype=np.float32)
    assert np.isfinite(apply_temperature(certain, 0.05)).all()
    assert fit_temperature(certain, np.arange(10)) < 0.2  # the loss is flat there


def predictions(*confidences: float) -> np.ndarray:
    """Predict class 0 with these confidences."""
    rows = np.zeros((len(confidences), 10))
    rows[:, 0] = confidences
    rows[:, 1] = 1 - rows[:, 0]
    return rows


def test_the_threshold_gives_as_many_predictions_as_precision_allows() -> None:
    probs = predictions(0.9, 0.8, 0.7, 0.6)
    labels = np.array([0, 0, 1, 0])  # precision by coverage: 1, 1, 2/3, 3/4
    assert abstention_threshold(probs, labels, 0.75) == 0.0
    assert abstention_threshold(probs, labels, 0.8) == 0.8
    assert abstention_threshold(probs, np.array([0, 0, 1, 1]), 0.6) == 0.7
    assert abstention_threshold(probs, np.ones(4, int), 0.5) == 1.0


def test_equal_confidences_are_given_together_or_not_at_all() -> None:
    probs = predictions(0.9, 0.8, 0.8, 0.6)
    assert abstention_threshold(probs, np.array([0, 0, 1, 1]), 0.9) == 0.9


def test_a_fit_without_images_is_refused() -> None:
    with pytest.raises(DataError, match="no images"):
        fit_calibration(np.zeros((0, 10), np.float32), np.zeros(0, int))


@pytest.mark.parametrize("change", [{"temperature": "hot"}, {"temperature": 0.0}, {"more": 1}])
def test_a_damaged_calibration_is_refused(change: dict[str, object]) -> None:
    probs, labels = drawn(1, num=50)
    with pytest.raises(ModelError, match="here: damaged calibration"):
        Calibration.from_json(asdict(fit_calibration(probs, labels)) | change, "here")


def test_calibration_error_of_hand_made_predictions() -> None:
    probs = np.full((4, 10), 0.2 / 9)
    probs[:, 0] = 0.8  # four predictions of class 0 with 80 %
    assert expected_calibration_error(probs, np.array([0, 0, 0, 1])) == pytest.approx(0.05)
    assert expected_calibration_error(probs, np.array([1, 1, 1, 1])) == pytest.approx(0.8)


def test_calibration_error_by_an_independent_loop() -> None:
    probs, labels = drawn(2.0, num=400)
    confidence, correct = probs.max(axis=1), probs.argmax(axis=1) == labels
    edges, error = np.linspace(0, 1, 16), 0.0
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - correct[inside].mean())
    assert expected_calibration_error(probs, labels) == pytest.approx(error)


def test_the_reliability_diagram_holds_the_gaps_of_the_calibration_error() -> None:
    probs, labels = drawn(2.0, num=1_000)
    counts, confidences, accuracies = reliability_diagram(probs, labels)
    assert len(counts) == NUM_BINS and counts.sum() == 1_000
    gaps = counts * np.abs(confidences - accuracies) / 1_000
    assert gaps.sum() == pytest.approx(expected_calibration_error(probs, labels), rel=1e-6)


def test_the_risk_coverage_curve_by_hand() -> None:
    curve = risk_coverage(predictions(0.6, 0.9, 0.8, 0.7), np.array([0, 0, 1, 0]))
    assert curve.thresholds == pytest.approx((0.9, 0.8, 0.7, 0.6))
    assert curve.coverages == pytest.approx((0.25, 0.5, 0.75, 1.0))
    assert curve.risks == pytest.approx((0, 1 / 2, 1 / 3, 1 / 4))


def test_a_long_risk_coverage_curve_is_thinned_out() -> None:
    curve = risk_coverage(*drawn(1.0, num=2_000))
    assert len(curve.risks) == NUM_CURVE_POINTS and curve.coverages[-1] == 1


def test_the_threshold_reaches_the_target_precision() -> None:
    fitted = fit_calibration(*drawn(1.5))
    assert fitted.precision_wanted == TARGET_PRECISION <= fitted.precision


def test_softmax_of_rows_is_that_of_each_row() -> None:
    logits = np.random.default_rng(0).normal(0, 5, (7, 10))
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(softmax(logits), expected, rtol=1e-12)
    np.testing.assert_array_equal(softmax(logits), [softmax(row) for row in logits])
    assert softmax(np.array([1e4, 0.0])).tolist() == [1.0, 0.0]


def test_twelve_correct_predictions_raise_no_confidence() -> None:
    """Case 31: a temperature of 0.057 made noise "doctor, 100 %", with a threshold of 0.0."""
    probs = predictions(*np.linspace(0.55, 0.7, 12)).astype(np.float32)
    fitted = fit_calibration(probs, np.zeros(12, int))
    assert fitted.temperature == 1.0
    assert fitted.abstain_below == pytest.approx(0.55)  # nothing is known below it
    assert "rests on 12 validation images" in fitted.caution and "below 0.55" in fitted.caution


def test_a_few_images_may_lower_the_confidence() -> None:
    probs = predictions(*[0.999] * 12).astype(np.float32)
    assert fit_calibration(probs, np.repeat([0, 1], 6)).temperature > 2


def test_a_hundred_correct_predictions_do_not_make_the_model_certain() -> None:
    probs = predictions(*np.linspace(0.6, 0.7, 150)).astype(np.float32)
    fitted = fit_calibration(probs, np.zeros(150, int))
    confidence = apply_temperature(probs, fitted.temperature).max(axis=1)
    assert confidence.mean() == pytest.approx(151 / 152, abs=1e-4) and fitted.caution == ""


def test_many_images_are_taken_at_their_word() -> None:
    """The numbers of Fashion-MNIST's 12,000 validation images stay what they were."""
    probs, labels = drawn(1.7, num=1_000)
    assert fit_calibration(probs, labels).temperature == fit_temperature(probs, labels)
