"""Fit of the out-of-distribution check on made-up features."""

import numpy as np
import pytest

from ankleboot.evaluation.ood_check import cluster_centers, fit_ood_check, needs_ood_check
from ankleboot.models.files.ood_check import MAX_CENTERS, OodCheck, unit_vectors
from ankleboot.recipes.catalog import RECIPES

SIZE = 192


def features_of(rng: np.random.Generator, direction: np.ndarray, number: int) -> np.ndarray:
    """Return features around a direction."""
    noise = rng.normal(0, 0.5 / np.sqrt(SIZE), (number, SIZE))
    around: np.ndarray = (direction + noise).astype(np.float32)
    return around


@pytest.fixture(scope="module")
def directions() -> np.ndarray:
    return unit_vectors(np.random.default_rng(1).normal(size=(3, SIZE)).astype(np.float32))


def test_new_images_of_a_label_pass_and_others_do_not(directions: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    features = np.concatenate([features_of(rng, each, 200) for each in directions[:2]])
    check = fit_ood_check(features, np.repeat([0, 1], 200), ("a", "b"))
    assert check is not None and check.num_images == 400

    def passed(direction: np.ndarray, index: int) -> float:
        new = features_of(rng, direction, 500)
        return float(np.mean([check.similarity(row, index) >= check.threshold for row in new]))

    assert passed(directions[0], 0) == pytest.approx(0.98, abs=0.02)
    assert passed(directions[1], 1) == pytest.approx(0.98, abs=0.02)
    assert passed(directions[2], 0) < 0.02  # of no label
    assert passed(directions[1], 0) < 0.02  # of another label than the predicted one


def test_the_images_of_a_group_do_not_judge_one_another(directions: np.ndarray) -> None:
    """Images of one floor resemble one another; the threshold is that for new floors."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 10)
    floors = 0.8 * unit_vectors(rng.normal(size=(20, SIZE)).astype(np.float32))
    features = features_of(rng, directions[0], 200) + floors[groups]
    labels = np.zeros(200, np.int64)
    grouped = fit_ood_check(features, labels, ("a",), groups)
    alone = fit_ood_check(features, labels, ("a",))
    assert grouped is not None and alone is not None
    assert grouped.threshold < alone.threshold - 0.02


@pytest.mark.parametrize(("number", "groups"), [(19, None), (40, np.zeros(40, np.int64))])
def test_few_images_or_a_single_group_give_no_check(number: int, groups: np.ndarray | None) -> None:
    features = np.random.default_rng(0).normal(size=(number, SIZE)).astype(np.float32)
    assert fit_ood_check(features, np.zeros(number, np.int64), ("a",), groups) is None


def test_as_many_labels_as_centers_at_most() -> None:
    features = np.random.default_rng(0).normal(size=(40, SIZE)).astype(np.float32)
    labels = np.arange(40) % 10
    names = [str(number) for number in range(MAX_CENTERS + 1)]
    check = fit_ood_check(features, labels, names[:MAX_CENTERS])
    assert check is not None and OodCheck.from_json(check.to_json(), "run") == check
    assert fit_ood_check(features, labels, names) is None


def test_a_label_without_images_and_one_with_a_single_image() -> None:
    features = np.random.default_rng(0).normal(size=(31, SIZE)).astype(np.float32)
    check = fit_ood_check(features, np.repeat([0, 1], [30, 1]), ("a", "b", "c"))
    assert check is not None and (check.labels, check.counts) == (("a", "b", "c"), (8, 1, 0))


def test_centers_are_unit_vectors_and_the_same_each_time() -> None:
    features = unit_vectors(np.random.default_rng(0).normal(size=(50, SIZE)).astype(np.float32))
    centers = cluster_centers(features, 5)
    np.testing.assert_allclose(np.linalg.norm(centers, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(centers, cluster_centers(features, 5))


def test_color_recipes_by_transfer_learning_get_a_check() -> None:
    needing = {name for name, recipe in RECIPES.items() if needs_ood_check(recipe)}
    assert needing == {"transfer", "small"}
