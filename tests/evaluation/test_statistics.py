"""Intervals and tests against scipy, by hand, and by simulation of what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ankleboot.core.errors import DataError
from ankleboot.evaluation import metrics
from ankleboot.evaluation.statistics import (
    bootstrap_means,
    holm_adjust,
    mcnemar_exact,
    mean_interval,
    min_p_value,
    paired_difference_interval,
    percentile_interval,
    permutation_interval,
    permutation_test,
    probability_of_superiority,
    students_quantile,
)


@given(st.integers(0, 3_000), st.integers(0, 3_000))
def test_mcnemar_is_the_binomial_test(first: int, second: int) -> None:
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar_exact(first, second) == pytest.approx(expected, abs=1e-9)


@given(st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(counts: tuple[int, int]) -> None:
    successes, total = counts
    expected = stats.binomtest(successes, total).proportion_ci(0.95, method="wilson")
    got = metrics.wilson_interval(successes, total)
    assert got == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_bootstrapped_means_are_spread_like_the_mean() -> None:
    values = np.random.default_rng(0).exponential(2.0, 3_000)
    resampled = bootstrap_means(values)
    assert resampled.mean() == pytest.approx(values.mean(), abs=0.01)
    assert resampled.std() == pytest.approx(values.std() / np.sqrt(len(values)), rel=0.05)


def test_the_figures_of_an_image_stay_together() -> None:
    values = np.random.default_rng(0).normal(size=500)
    both = bootstrap_means(np.column_stack([values, 3 * values - 1]))
    np.testing.assert_allclose(both[:, 1], 3 * both[:, 0] - 1, atol=1e-12)
    np.testing.assert_array_equal(both, bootstrap_means(np.column_stack([values, 3 * values - 1])))
    assert not np.array_equal(both[:, 0], bootstrap_means(values, seed=1))


def test_nothing_cannot_be_resampled() -> None:
    with pytest.raises(DataError, match="no images"):
        bootstrap_means(np.zeros(0))


@pytest.mark.slow
@pytest.mark.parametrize("truth", [0.5, 0.9])
def test_bootstrap_and_wilson_intervals_hold_the_truth_95_times_in_100(truth: float) -> None:
    generator = np.random.default_rng(1)
    held = np.zeros(2)
    rounds = 1_500
    for number in range(rounds):
        right = generator.random(400) < truth
        low, high = percentile_interval(bootstrap_means(right, num_resamples=400, seed=number))
        held[0] += low <= truth <= high
        low, high = metrics.wilson_interval(int(right.sum()), len(right))
        held[1] += low <= truth <= high
    assert (abs(held / rounds - 0.95) <= 0.015).all(), held / rounds


def test_a_difference_between_equals_is_found_five_times_in_100() -> None:
    """McNemar's exact test may err less often than it says, never more."""
    generator = np.random.default_rng(2)
    found = 0
    for _ in range(2_000):
        first, second = generator.random((2, 500)) < 0.8
        found += mcnemar_exact(int((first & ~second).sum()), int((second & ~first).sum())) < 0.05
    assert 0.02 <= found / 2_000 <= 0.055


def test_holm_by_hand() -> None:
    assert holm_adjust([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm_adjust([0.5]) == [0.5] and holm_adjust([]) == []
    assert holm_adjust([0.6, 0.9]) == [1.0, 1.0]


def test_permutations_by_hand() -> None:
    assert permutation_test([3.0, 4.0], [1.0, 2.0]) == pytest.approx(2 / 6) == min_p_value(2, 2)
    assert permutation_test([4.0] * 4, [1.0] * 4) == pytest.approx(2 / 70) == min_p_value(4, 4)
    assert permutation_test([1.0, 2.0], [1.0, 2.0]) == 1.0


def test_permutations_are_scipys() -> None:
    generator = np.random.default_rng(0)
    for sizes in ((5, 5), (12, 12)):  # exact, and drawn
        a, b = generator.normal(0.8, 1, sizes[0]), generator.normal(0, 1, sizes[1])
        expected = stats.permutation_test(
            (a, b), lambda x, y: np.mean(x) - np.mean(y), n_resamples=50_000, rng=1
        ).pvalue
        assert permutation_test(a.tolist(), b.tolist()) == pytest.approx(expected, abs=0.012)


def test_equal_recipes_are_told_apart_five_times_in_100() -> None:
    generator = np.random.default_rng(4)
    found = sum(
        permutation_test(*generator.normal(size=(2, 5)).tolist()) < 0.05 for _ in range(1_000)
    )
    assert 0.02 < found / 1_000 < 0.065


def test_superiority_by_hand() -> None:
    share, (low, high) = probability_of_superiority([3.0, 2.0], [1.0, 2.0])
    assert share == pytest.approx((1 + 1 + 1 + 0.5) / 4)
    assert 0 <= low <= share <= high <= 1
    assert probability_of_superiority([1.0], [1.0])[0] == 0.5
    with pytest.raises(DataError, match="no runs"):
        probability_of_superiority([], [1.0])


def test_a_few_runs_that_win_every_pair_prove_no_certainty() -> None:
    """Resampling three and two runs gave "1.00 to 1.00"."""
    share, (low, high) = probability_of_superiority([5.0, 4.0, 3.0], [2.0, 1.0])
    assert (share, high) == (1.0, 1.0) and 0.2 < low < 0.3
    assert probability_of_superiority([1.0], [2.0]) == (0.0, (0.0, 1.0))
    widths = [
        1 - probability_of_superiority([2.0] * runs, [1.0] * runs)[1][0] for runs in (1, 3, 5, 40)
    ]
    assert widths == sorted(widths, reverse=True) and 0 < widths[-1] < 0.1


@pytest.mark.slow
def test_the_interval_of_superiority_covers_the_truth() -> None:
    generator = np.random.default_rng(7)
    for shift, sizes in ((0.0, (3, 3)), (1.0, (5, 4)), (2.0, (8, 8))):
        truth, held = stats.norm.cdf(shift / np.sqrt(2)), 0
        for _ in range(400):
            a, b = generator.normal(shift, 1, sizes[0]), generator.normal(0, 1, sizes[1])
            low, high = probability_of_superiority(a.tolist(), b.tolist())[1]
            held += low <= truth <= high
        assert held / 400 > 0.92, (shift, held)


def test_models_that_agree_on_few_images_are_not_called_equal() -> None:
    """The bootstrap of 48 equal predictions gave "0.00 to 0.00"."""
    low, high = paired_difference_interval(0, 0, 48)
    assert low == -high and 0.04 < high < 0.07
    low, high = paired_difference_interval(3, 0, 48)
    assert low < 3 / 48 < high
    assert paired_difference_interval(1, 0, 1)[1] == 1.0
    differences = np.repeat([1.0, -1.0, 0.0], [400, 350, 9_250])
    resampled = percentile_interval(bootstrap_means(differences))
    assert paired_difference_interval(400, 350, 10_000) == pytest.approx(resampled, abs=3e-4)


def test_the_interval_of_a_paired_difference_covers_the_truth() -> None:
    generator = np.random.default_rng(8)
    for shares in ((0.02, 0.01), (0.1, 0.1), (0.3, 0.05)):
        held = 0
        for _ in range(1_000):
            first, second, _ = generator.multinomial(48, [*shares, 1 - sum(shares)])
            low, high = paired_difference_interval(int(first), int(second), 48)
            held += low <= shares[0] - shares[1] <= high
        assert held / 1_000 > 0.93, (shares, held)


def test_superiority_is_the_mann_whitney_statistic() -> None:
    generator = np.random.default_rng(3)
    a, b = generator.normal(0.3, 1, 12), generator.normal(0, 1, 9)
    expected = stats.mannwhitneyu(a, b).statistic / (len(a) * len(b))
    assert probability_of_superiority(list(a), list(b))[0] == pytest.approx(expected)


def test_the_interval_of_a_difference_holds_what_the_test_does_not_rule_out() -> None:
    generator = np.random.default_rng(5)
    for shift in (0.0, 0.5, 1.0, 3.0):
        a, b = (generator.normal(size=5) + shift).tolist(), generator.normal(size=5).tolist()
        interval = permutation_interval(a, b)
        assert interval is not None
        low, high = interval
        assert low < np.mean(a) - np.mean(b) < high
        assert (low <= 0 <= high) == (permutation_test(a, b) >= 0.05)
        mirrored = permutation_interval(b, a)
        assert mirrored == pytest.approx((-high, -low), abs=1e-6)


@pytest.mark.slow
def test_the_interval_covers_the_true_difference_as_often_as_it_says() -> None:
    generator = np.random.default_rng(6)
    hits = 0
    for _ in range(100):
        a, b = generator.normal(1, 1, 5).tolist(), generator.normal(0, 1, 5).tolist()
        low, high = permutation_interval(a, b) or (0.0, 0.0)
        hits += low <= 1 <= high
    assert 0.9 <= hits / 100 <= 0.99


def test_too_few_runs_have_no_interval() -> None:
    assert permutation_interval([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]) is None


def test_students_quantile_is_scipys_for_any_degrees_of_freedom() -> None:
    for freedom in (*range(1, 201), 9_999, 10_000):
        expected = stats.t.ppf(0.975, freedom)
        assert students_quantile(freedom) == pytest.approx(expected, rel=1e-10), freedom


def test_the_interval_of_a_mean_is_students() -> None:
    for num in (2, 5, 13, 14, 41):
        values = np.random.default_rng(num).normal(size=num)
        expected = stats.t.interval(0.95, num - 1, values.mean(), stats.sem(values))
        assert mean_interval(values.tolist()) == pytest.approx(expected, rel=1e-9)
    assert mean_interval([1.0]) is None
