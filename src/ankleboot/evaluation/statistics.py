"""Correlation, confidence intervals and significance tests; NumPy alone, tested against scipy."""

import functools
import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from ankleboot.core.errors import DataError
from ankleboot.core.types import Images

NUM_RESAMPLES = 2_000
LEVEL = 0.95
ALPHA = 0.05  # a p-value below it is significant
Z_95 = 1.959963984540054  # standard normal quantile at 0.975
MAX_PERMUTATIONS = 20_000
BLOCK = 100  # resamples drawn at a time, which bounds the memory
SEED = 0  # equal data give equal intervals and p-values

Interval = tuple[float, float]


def standardized_rows(images: Images) -> np.ndarray:
    """Return one row per image with mean 0 and length 1; products of rows are correlations."""
    rows = images.reshape(len(images), math.prod(images.shape[1:])).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))
    return rows


def bootstrap_means(
    values: np.ndarray, *, num_resamples: int = NUM_RESAMPLES, seed: int = SEED
) -> np.ndarray:
    """Compute means over resamples: (num_resamples,) or (num_resamples, metrics).

    Values are (images,) or (images, metrics). Each resample draws as many images as there are, with
    replacement; all metrics of an image are drawn together.

    Raises:
        DataError: If there is no image.

    Source: Efron 1979, https://doi.org/10.1214/aos/1176344552
    """
    num_images = len(values)
    if num_images == 0:
        raise DataError("no images to resample")
    rng = np.random.default_rng(seed)
    means = []
    for start in range(0, num_resamples, BLOCK):
        rows = min(BLOCK, num_resamples - start)
        drawn = rng.integers(0, num_images, (rows, num_images))
        drawn += num_images * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * num_images)
        means.append(counts.reshape(rows, num_images) @ values.astype(np.float64) / num_images)
    return np.concatenate(means)


def percentile_interval(resampled: np.ndarray) -> Interval:
    """Return the interval that holds the middle 95 % of resampled values."""
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Return the 95 % interval of the mean of runs (Student's t); None for a single run.

    Source: Student 1908, https://doi.org/10.2307/2331554
    """
    if len(values) < 2:
        return None
    middle, num = float(np.mean(values)), len(values)
    half = students_quantile(num - 1) * float(np.std(values, ddof=1)) / math.sqrt(num)
    return middle - half, middle + half


@functools.cache
def students_quantile(freedom: int) -> float:
    """Compute Student's 97.5 % quantile t for whole degrees of freedom.

    The probability between -t and t is a finite sum in the angle atan(t / sqrt(freedom)), and
    bisection finds the angle at which that is 95 %.

    Source: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4
    """
    is_odd = freedom % 2 == 1
    even = 2 * np.arange(1, freedom // 2)
    ratios = even / (even + 1) if is_odd else (even - 1) / even
    factors = np.cumprod([float(freedom > 1), *ratios])
    powers = np.arange(len(factors))

    def probability(angle: float) -> float:
        cosine = math.cos(angle)
        series = math.sin(angle) * float(factors @ cosine ** (2 * powers))
        return (angle + cosine * series) * 2 / math.pi if is_odd else series

    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if probability(middle) < LEVEL else (low, middle)
    return math.sqrt(freedom) * math.tan(high)


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value of equal error rates, from images one model alone gets right.

    Source: McNemar 1947, https://doi.org/10.1007/BF02295996; the exact (binomial) form.
    """
    total, fewer = only_first + only_second, min(only_first, only_second)
    logs = [
        math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1)
        for k in range(fewer + 1)
    ]
    tail = math.fsum(math.exp(value - total * math.log(2)) for value in logs)
    return min(1.0, 2 * tail)


def holm_adjust(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values of several tests for the family-wise error rate.

    Source: Holm 1979, https://www.jstor.org/stable/4615733
    """
    order = np.argsort(p_values, kind="stable")
    scaled = np.minimum(1, np.asarray(p_values)[order] * np.arange(len(order), 0, -1))
    adjusted = np.empty(len(order))
    adjusted[order] = np.maximum.accumulate(scaled)
    return [float(p) for p in adjusted]


def permutation_test(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the two-sided p-value that the means of two groups of runs differ by chance.

    It is exact up to `MAX_PERMUTATIONS` assignments of the runs; beyond that it draws as many.

    Source: Fisher 1935, The Design of Experiments, section 21
    """
    values = np.array([*first, *second], np.float64)
    size, total = len(first), len(values)
    if math.comb(total, size) <= MAX_PERMUTATIONS:
        chosen = np.array(list(itertools.combinations(range(total), size)))
    else:
        runs = np.tile(np.arange(total), (MAX_PERMUTATIONS, 1))
        chosen = np.random.default_rng(SEED).permuted(runs, axis=1)[:, :size]
    sums = values[chosen].sum(axis=1)
    gaps = np.abs(sums / size - (values.sum() - sums) / (total - size))
    observed = abs(float(np.mean(first)) - float(np.mean(second)))
    return float((gaps >= observed - 1e-12).mean())


def permutation_interval(first: Sequence[float], second: Sequence[float]) -> Interval | None:
    """Return the differences of means (first - second) that `permutation_test` keeps at 5 %.

    It holds 0 exactly if the test finds no difference; None: too few runs for any p below 5 %.

    Source: Garthwaite 1996, https://doi.org/10.2307/2532852
    """
    if min_p_value(len(first), len(second)) >= 1 - LEVEL:
        return None
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    middle = float(a.mean() - b.mean())
    reach = float(np.ptp(a) + np.ptp(b))  # groups further apart than this do not overlap

    def bound(outward: float) -> float:
        inside, outside = middle, middle + outward
        for _ in range(40):
            tried = (inside + outside) / 2
            possible = permutation_test((a - tried).tolist(), b.tolist()) >= 1 - LEVEL
            inside, outside = (tried, outside) if possible else (inside, tried)
        return inside

    return bound(-reach), bound(reach)


def min_p_value(first: int, second: int) -> float:
    """Return the smallest p-value that groups of these sizes can reach in `permutation_test`."""
    return (2 if first == second else 1) / math.comb(first + second, first)


def probability_of_superiority(
    first: Sequence[float], second: Sequence[float]
) -> tuple[float, Interval]:
    """Estimate P(first > second) over pairs of runs, with a score interval.

    Ties count half. The interval does not shrink to a point where one group wins every pair, as
    resampling the runs would make it. Student's quantile keeps it honest for a handful of runs.

    Raises:
        DataError: If a group has no run.

    Source: Newcombe 2006, method 5, https://doi.org/10.1002/sim.2324
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if len(a) == 0 or len(b) == 0:
        raise DataError("no runs to compare")
    gaps = a[:, None] - b[None, :]
    share = float(((gaps > 0) + 0.5 * (gaps == 0)).mean())
    num_pairs, half = len(a) * len(b), (len(a) + len(b)) / 2 - 1
    if not half:  # a single run each
        return share, (0.0, 1.0)
    quantile = students_quantile(len(a) + len(b) - 2)

    def is_possible(truth: float) -> bool:
        widening = 1 + half * ((1 - truth) / (2 - truth) + truth / (1 + truth))
        return (share - truth) ** 2 <= quantile**2 * truth * (1 - truth) * widening / num_pairs

    return share, (_furthest(is_possible, share, 0.0), _furthest(is_possible, share, 1.0))


def _furthest(is_possible: Callable[[float], bool], inside: float, outside: float) -> float:
    """Return the possible value that is nearest to `outside`, by bisection from `inside`."""
    if is_possible(outside):
        return outside
    for _ in range(50):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if is_possible(middle) else (inside, middle)
    return inside


def paired_difference_interval(only_first: int, only_second: int, total: int) -> Interval:
    """Return the 95 % interval of a difference of two accuracies on the same images.

    Half an image is added to each of the four outcomes, so that models which agree on few images
    are not called equal.

    Args:
        only_first: Number of images that only the first model gets right.
        only_second: Number of images that only the second model gets right.
        total: Number of images.

    Source: Bonett and Price 2012, https://doi.org/10.3102/1076998611411915
    """
    first, second = (only_first + 1) / (total + 2), (only_second + 1) / (total + 2)
    middle = first - second
    half = Z_95 * math.sqrt((first + second - middle**2) / (total + 2))
    return max(-1.0, middle - half), min(1.0, middle + half)
