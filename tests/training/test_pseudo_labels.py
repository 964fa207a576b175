"""Pseudo-labels: the prior, the balance, and the rounds of the classifier, against oracles."""

import numpy as np
import pytest

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.training import pseudo_labels
from ankleboot.training.pseudo_labels import (
    IMAGENET_NAMES,
    OTHER_NAMES,
    Components,
    SoftClassifier,
    balanced,
    chosen,
    estimated_frequencies,
    prior_probs,
    refined,
)


def normalized(values: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = values / values.sum(axis=1, keepdims=True)
    return scaled


def random_probs(rows: int, classes: int, seed: int = 0) -> np.ndarray:
    return normalized(np.random.default_rng(seed).random((rows, classes)) ** 2)


def test_every_class_has_names_in_its_order_and_no_name_has_two_classes() -> None:
    assert tuple(IMAGENET_NAMES) == CLASS_NAMES
    indices = [i for names in (*IMAGENET_NAMES.values(), OTHER_NAMES) for i in names]
    assert len(set(indices)) == len(indices) and 0 <= min(indices) and max(indices) < 1000


def test_the_prior_is_the_product_of_both_answers() -> None:
    zero_shot = np.full((3, 10), 0.1)
    imagenet = np.zeros((3, 1000))
    imagenet[0, 608] = 1  # jean
    imagenet[1, 515] = 1  # cowboy hat
    imagenet[2, 0] = 1  # a fish says nothing
    prior = prior_probs(zero_shot, imagenet)
    np.testing.assert_allclose(prior.sum(axis=1), 1)
    assert prior[:2].argmax(axis=1).tolist() == [CLASS_NAMES.index("Trouser"), 10]
    assert prior[0, 1] == pytest.approx(1.02 / (1.02 + 0.04 + 9 * 0.02))
    shirt = CLASS_NAMES.index("Shirt")  # no name, so it keeps a little more than the others
    assert prior[2].argmax() == shirt and prior[2, shirt] == pytest.approx(0.04 / 0.24)


def test_both_marginals_of_balanced_probabilities_are_met() -> None:
    frequencies = np.array([0.6, 0.3, 0.1])
    probs = balanced(random_probs(200, 3), frequencies)
    np.testing.assert_allclose(probs.sum(axis=1), 1)
    np.testing.assert_allclose(probs.mean(axis=0), frequencies, atol=1e-6)


def test_balance_scales_columns_and_rows_alone() -> None:
    """Sinkhorn's result has the cross ratios of what it began with, which defines it."""
    probs = random_probs(20, 3)
    scaled = balanced(probs, np.array([0.2, 0.3, 0.5]))

    def ratios(values: np.ndarray) -> np.ndarray:
        cross: np.ndarray = values[:-1, :-1] * values[1:, 1:] / (values[:-1, 1:] * values[1:, :-1])
        return cross

    np.testing.assert_allclose(ratios(scaled), ratios(probs), rtol=1e-3)


def test_frequencies_are_between_those_of_the_answers_and_equal_ones() -> None:
    prior = np.array([[0.9, 0.1]] * 5)
    common, rare = estimated_frequencies(prior)
    assert 0.5 < common < 0.9 and common + rare == pytest.approx(1)


def two_clusters(sizes: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], sizes)
    features = generator.normal(size=(len(labels), 8)) + 6 * labels[:, np.newaxis]
    return features.astype(np.float32), labels


def test_balance_recovers_a_class_that_the_first_answers_swallow() -> None:
    features, labels = two_clusters((60, 40))
    lean = np.where(labels == 0, 0.95, 0.55)  # every photo is rather of the first class
    prior = np.stack([lean, 1 - lean], axis=1)
    inputs = Components(features).of(features)
    assert (prior.argmax(axis=1) == labels).mean() == 0.6
    assert (refined(inputs, prior, np.array([0.6, 0.4])).argmax(axis=1) == labels).all()


def test_an_absent_class_gets_some_photos_all_the_same() -> None:
    """What the balance assumes: no class is absent."""
    features, labels = two_clusters((60, 40))
    prior = normalized(np.eye(3)[labels] + 0.05)
    probs = refined(Components(features).of(features), prior, estimated_frequencies(prior))
    assert probs[:, 2].mean() == pytest.approx(estimated_frequencies(prior)[2], rel=1e-3)
    assert (probs.argmax(axis=1) == labels).mean() > 0.9


def test_weighted_rows_have_the_loss_of_soft_labels() -> None:
    """The gradient of the mean cross-entropy against soft labels and of the penalty is 0."""
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(200, 3))
    soft = random_probs(200, 3, seed=1)
    soft = normalized(np.where(soft > pseudo_labels.MIN_WEIGHT, soft, 0))
    classifier = SoftClassifier(inputs, soft)
    error = classifier.predict(inputs) - soft
    weights = classifier._model.coef_
    gradient = error.T @ inputs / len(inputs) + pseudo_labels.PENALTY * weights
    np.testing.assert_allclose(gradient, 0, atol=1e-4)
    np.testing.assert_allclose(error.mean(axis=0), 0, atol=1e-4)


def test_a_class_that_nothing_is_learned_of_has_the_probability_zero() -> None:
    inputs = np.array([[0.0], [1.0]] * 10)
    probs = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]] * 10)
    assert (SoftClassifier(inputs, probs).predict(inputs)[:, 1] == 0).all()


def test_something_else_is_never_kept() -> None:
    probs = np.array([[0.9, 0.1, 0.0], [0.6, 0.3, 0.1], [0.0, 0.1, 0.9]])
    confidences, is_kept, is_other = chosen(probs, 0.7)
    assert confidences.tolist() == [0.9, 0.6, 0.9]
    assert is_kept.tolist() == [True, False, False] and is_other.tolist() == [False, False, True]
