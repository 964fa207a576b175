"""Metrics against scikit-learn and published values."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import DataError
from ankleboot.core.types import Labels, Probs
from ankleboot.evaluation import metrics


def predictions(seed: int, num: int = 400) -> tuple[Probs, Labels]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 10, num)
    logits = generator.normal(size=(num, 10))
    logits[np.arange(num), labels] += 1.5
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probs, labels


@given(st.integers(0, 10_000), st.integers(1, 60))
@settings(max_examples=30)
def test_class_scores_equal_scikit_learn(seed: int, num: int) -> None:
    probs, labels = predictions(seed, num)
    predicted = probs.argmax(axis=1)
    matrix = metrics.confusion_matrix(predicted, labels, num_classes=10)
    assert (matrix == oracle.confusion_matrix(labels, predicted, labels=range(10))).all()
    expected = oracle.precision_recall_fscore_support(
        labels, predicted, labels=range(10), zero_division=np.nan
    )
    rows = zip(metrics.class_scores(matrix, CLASS_NAMES), np.array(expected).T, strict=True)
    for score, row in rows:
        found = [np.nan if x is None else x for x in (score.precision, score.recall, score.f1)]
        # scikit-learn calls a class without images that is predicted 0 % precise
        np.testing.assert_allclose(found, row[:3] if score.support else np.nan)
        assert score.support == row[3]


def test_what_is_not_measured_has_no_score() -> None:
    """Case 04: a class that the split lacks had the scores 0.0."""
    matrix = np.array([[3, 0, 1], [2, 0, 0], [0, 0, 0]])
    cat, dog, hen = metrics.class_scores(matrix, ("cat", "dog", "hen"))
    assert (cat.precision, cat.recall) == (3 / 5, 3 / 4)
    assert (dog.precision, dog.recall, dog.f1) == (None, 0.0, 0.0)  # never predicted
    assert (hen.precision, hen.recall, hen.f1, hen.support) == (None, None, None, 0)


@given(st.integers(0, 10_000), st.integers(1, 60))
@settings(max_examples=50)
def test_balanced_accuracy_and_macro_f1_equal_scikit_learn(seed: int, num: int) -> None:
    """Few images leave some classes without labels, and some without predictions."""
    probs, labels = predictions(seed, num)
    predicted = probs.argmax(axis=1)
    with warnings.catch_warnings(action="ignore"):  # predicted classes without labels
        expected = oracle.balanced_accuracy_score(labels, predicted)
    assert metrics.balanced_accuracy(probs, labels) == pytest.approx(expected)
    expected = oracle.f1_score(labels, predicted, average="macro", zero_division=0)
    assert metrics.macro_f1(probs, labels) == pytest.approx(expected)


def test_losses_and_accuracies_equal_scikit_learn() -> None:
    probs, labels = predictions(1)
    assert metrics.log_loss(probs, labels) == pytest.approx(oracle.log_loss(labels, probs))
    for k in (1, 2, 3):
        expected = oracle.top_k_accuracy_score(labels, probs, k=k)
        assert metrics.top_k_accuracy(probs, labels, k=k) == pytest.approx(expected)
    assert metrics.brier_loss(probs, labels) == pytest.approx(
        oracle.brier_score_loss(labels, probs, scale_by_half=False)
    )


def test_a_certain_and_wrong_prediction_costs_a_finite_loss() -> None:
    probs = np.eye(10)[[3]]
    assert metrics.log_loss(probs, np.array([4])) == pytest.approx(-np.log(1e-7))


def test_wilson_interval_equals_published_values() -> None:
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611
    assert metrics.wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert metrics.wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert metrics.wilson_interval(20, 20)[1] == 1.0


@pytest.mark.usefixtures("no_type_checks")
@pytest.mark.parametrize(
    ("probs", "labels", "message"),
    [
        (np.ones((3, 10)) / 10, np.zeros(2, int), "3 rows of probabilities for 2 labels"),
        (np.ones((0, 10)), np.zeros(0, int), "no images"),
        (np.array([[0.1] * 10, [np.nan] * 10]), np.zeros(2, int), "image 1 are not finite"),
    ],
)
def test_invalid_predictions_are_refused(probs: Probs, labels: Labels, message: str) -> None:
    with pytest.raises(DataError, match=message):
        metrics.validate_predictions(probs, labels)


@given(st.integers(0, 10_000), st.integers(0, 9))
@settings(max_examples=30)
def test_precision_and_recall_curves_equal_scikit_learn(seed: int, index: int) -> None:
    probs, labels = predictions(seed, 300)
    probs = probs.round(2)  # equal scores, too
    if not (labels == index).any():
        return
    found = metrics.precision_recall(probs, labels, index, "x")
    truth = labels == index
    assert found.average_precision == pytest.approx(
        oracle.average_precision_score(truth, probs[:, index]), abs=1e-9
    )
    precisions, recalls, _ = oracle.precision_recall_curve(truth, probs[:, index])
    np.testing.assert_allclose(found.recalls[::-1], recalls[:-1], atol=1e-9)
    np.testing.assert_allclose(found.precisions[::-1], precisions[:-1], atol=1e-9)


def test_a_class_without_images_has_no_curve() -> None:
    probs, _ = predictions(0, 5)
    with pytest.raises(DataError, match="no image of the class Bag"):
        metrics.precision_recall(probs, np.zeros(5, int), 8, "Bag")
