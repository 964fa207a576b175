"""Temperature and threshold against hand-made cases and scipy's minimiser."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from ankleboot.core.errors import DataError, ModelError
from ankleboot.evaluation import metrics
from ankleboot.evaluation.calibration import abstention_threshold, fit_calibration, fit_temperature
from ankleboot.models.files.calibration import apply_temperature, from_json


def drawn(temperature: float, num: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Answers whose honest temperature is known: labels are drawn from softmax(logits / T)."""
    generator = np.random.default_rng(3)
    logits = generator.normal(0, 2, (num, 10))
    honest = np.exp(logits / temperature)
    honest /= honest.sum(axis=1, keepdims=True)
    labels = (honest.cumsum(axis=1) > generator.random((num, 1))).argmax(axis=1)
    said = np.exp(logits)
    return (said / said.sum(axis=1, keepdims=True)).astype(np.float32), labels


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


def test_calibration_mends_an_overconfident_model() -> None:
    probs, labels = drawn(3.0)
    fitted = fit_calibration(probs, labels)
    assert fitted.temperature == pytest.approx(3, rel=0.03)
    assert fitted.ece[1] < 0.02 < fitted.ece[0]
    assert fitted.loss[1] < fitted.loss[0]
    assert fitted.num_examples == len(labels)
    assert from_json(fitted.to_json(), "here") == fitted


@given(st.floats(0.05, 20), st.integers(0, 1000))
def test_a_temperature_keeps_ranking_and_sums(temperature: float, seed: int) -> None:
    probs = np.random.default_rng(seed).dirichlet(np.full(10, 0.3), 5).astype(np.float32)
    after = apply_temperature(probs, temperature)
    np.testing.assert_allclose(after.sum(axis=1), 1, atol=1e-5)
    assert (np.take_along_axis(after, probs.argsort(axis=1), 1)[:, -1] == after.max(axis=1)).all()


def test_a_temperature_is_that_of_the_logits() -> None:
    logits = np.array([[3.0, 1, 0, -1, 2, 5, -7, 0.5, 0, 0]])
    naive = np.exp(logits / 1.6) / np.exp(logits / 1.6).sum()
    probs = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(apply_temperature(probs, 1.6), naive, rtol=1e-12)


def test_certain_answers_stay_finite() -> None:
    certain = np.eye(10, dtype=np.float32)
    assert np.isfinite(apply_temperature(certain, 0.05)).all()
    assert fit_temperature(certain, np.arange(10)) < 0.2  # the loss is flat there


def answers(*confidences: float) -> np.ndarray:
    """Rows that say class 0 with these confidences."""
    rows = np.zeros((len(confidences), 10))
    rows[:, 0] = confidences
    rows[:, 1] = 1 - rows[:, 0]
    return rows


def test_the_threshold_answers_as_many_as_precision_allows() -> None:
    probs = answers(0.9, 0.8, 0.7, 0.6)
    labels = np.array([0, 0, 1, 0])  # precision by coverage: 1, 1, 2/3, 3/4
    assert abstention_threshold(probs, labels, 0.75) == 0.0
    assert abstention_threshold(probs, labels, 0.8) == 0.8
    assert abstention_threshold(probs, np.array([0, 0, 1, 1]), 0.6) == 0.7
    assert abstention_threshold(probs, np.ones(4, int), 0.5) == 1.0


def test_equal_confidences_are_answered_together_or_not_at_all() -> None:
    probs = answers(0.9, 0.8, 0.8, 0.6)
    assert abstention_threshold(probs, np.array([0, 0, 1, 1]), 0.9) == 0.9


def test_nothing_to_fit_on_is_refused() -> None:
    with pytest.raises(DataError, match="no images"):
        fit_calibration(np.zeros((0, 10), np.float32), np.zeros(0, int))


@pytest.mark.parametrize("change", [{"temperature": "hot"}, {"temperature": 0.0}, {"more": 1}])
def test_a_damaged_calibration_is_refused(change: dict[str, object]) -> None:
    probs, labels = drawn(1, num=50)
    with pytest.raises(ModelError, match="here: damaged calibration"):
        from_json(fit_calibration(probs, labels).to_json() | change, "here")
