"""The training objective against formulas in NumPy."""

import numpy as np
import pytest

from ankleboot.training.loss import Objective, training_objective

RNG = np.random.default_rng(0)
TARGETS, TEACHER = RNG.dirichlet(np.ones(4), (2, 6)).astype(np.float32)
LOGITS = RNG.normal(size=(6, 4)).astype(np.float32)


def cross_entropy(targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return np.asarray(-(targets * log_probs).sum(axis=1))


def test_the_teacher_takes_its_share_at_its_temperature() -> None:
    objective = Objective(label_smoothing=0.2, distillation=0.7, temperature=3.0)
    labels = cross_entropy(0.8 * TARGETS + 0.05, LOGITS)
    teacher = 9 * cross_entropy(TEACHER, LOGITS / 3)
    value = training_objective(TARGETS, TEACHER, LOGITS, [2.5], objective)
    assert float(value) == pytest.approx((0.3 * labels + 0.7 * teacher).mean() + 2.5, rel=1e-5)


def test_class_weights_count_by_the_shares_of_mixed_images() -> None:
    weights = np.array([0.5, 1, 2, 4], np.float32)
    value = training_objective(
        TARGETS, TEACHER[:, :0], LOGITS, [], Objective(class_weights=weights)
    )
    expected = (cross_entropy(TARGETS, LOGITS) * (TARGETS @ weights)).mean()
    assert float(value) == pytest.approx(expected, rel=1e-5)
