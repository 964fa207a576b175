"""Intervals of a cross-validated accuracy: whole groups are drawn, never a single point."""

import numpy as np

from ankleboot.evaluation.cross_validation import accuracy_interval
from ankleboot.evaluation.metrics import wilson_interval


def test_without_groups_the_interval_is_that_of_images() -> None:
    is_correct = np.arange(50) % 5 > 0
    assert accuracy_interval(is_correct, None) == wilson_interval(40, 50)


def test_groups_that_are_right_or_wrong_as_a_whole_widen_the_interval() -> None:
    groups = np.repeat(np.arange(30), 20)
    is_correct = groups % 3 > 0
    low, high = accuracy_interval(is_correct, groups)
    least, most = wilson_interval(20, 30)  # thirty groups say no more than thirty images
    assert abs(low - least) < 0.03 and abs(high - most) < 0.03


def test_the_interval_of_independent_images_is_not_narrower_than_without_groups() -> None:
    is_correct = np.random.default_rng(0).random(600) < 0.8
    groups = np.arange(600) % 30
    low, high = accuracy_interval(is_correct, groups)
    least, most = wilson_interval(int(is_correct.sum()), 600)
    assert low <= least and high >= most and high - low < 1.6 * (most - least)


def test_images_that_are_all_right_do_not_prove_certainty() -> None:
    groups = np.repeat(np.arange(12), 10)
    assert accuracy_interval(np.ones(120, bool), groups) == wilson_interval(12, 12)
    assert accuracy_interval(np.zeros(120, bool), groups) == wilson_interval(0, 12)


def test_the_interval_holds_the_truth_of_new_groups() -> None:
    """200 simulated data sets of 25 people, for whom the model is right on 60 to 100 %."""
    rng, hits = np.random.default_rng(1), 0
    groups = np.repeat(np.arange(25), 8)
    for _ in range(200):
        is_correct = rng.random(200) < rng.uniform(0.6, 1.0, 25)[groups]
        low, high = accuracy_interval(is_correct, groups)
        hits += low <= 0.8 <= high
    assert hits >= 180  # 95 % of 200 are 190
