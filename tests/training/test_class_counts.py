"""Counts of unequal classes, and weights against them."""

from dataclasses import replace

import numpy as np
import pytest

from ankleboot.core.errors import UsageError
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.recipes.catalog import PLAIN
from ankleboot.recipes.parse import override
from ankleboot.training.class_counts import class_counts, describe_counts
from ankleboot.training.loss import class_weights

LABELS = np.repeat(np.arange(3), [190, 10, 2])
RECIPE = replace(PLAIN, split="stratified")


@pytest.fixture
def unequal() -> Dataset:
    """Case 31b: 190, 10 and 2 images."""
    train = LabeledImages(np.zeros((202, 28, 28), np.uint8), LABELS)
    test = train.take(np.arange(0))
    return Dataset("unequal", train, test, "made", {"train": "0"}, ("cat", "dog", "hen"))


def test_a_class_without_validation_images_is_named(unequal: Dataset) -> None:
    split = unequal.split(RECIPE.split_rule)
    counts = class_counts(unequal, split)
    assert counts["validation"]["hen"] == 0 and counts["train"]["hen"] == 2
    missing, ratio = describe_counts(unequal, split, RECIPE)
    assert missing == "no validation image of hen: the accuracy there stays unknown"
    assert "the classes have 2 to 152 training images" in ratio
    assert "class_weights=balanced" in ratio


def test_the_weights_are_described(unequal: Dataset) -> None:
    split = unequal.split(RECIPE.split_rule)
    messages = describe_counts(unequal, split, replace(RECIPE, class_weights="balanced"))
    assert messages[-1] == "class weights in the loss: 0.36 to 27.00"


def test_balanced_classes_weigh_the_same_in_sum() -> None:
    weights = class_weights("balanced", LABELS, 4)
    assert weights is not None and weights[3] == 0
    sums = weights[:3] * [190, 10, 2]
    np.testing.assert_allclose(sums, sums.mean(), rtol=1e-6)
    assert weights[LABELS].mean() == pytest.approx(1)


def test_the_root_lies_between(unequal: Dataset) -> None:
    weights = class_weights("0.5", LABELS, 3)
    assert weights is not None
    assert weights[2] / weights[0] == pytest.approx((190 / 2) ** 0.5)
    assert weights[LABELS].mean() == pytest.approx(1)
    assert class_weights("off", LABELS, 3) is None


def test_python_users_write_the_root_as_a_number() -> None:
    assert override(PLAIN, {"class_weights": 0.5}).class_weights == "0.5"
    with pytest.raises(UsageError, match="class_weights: expected off or 0.5 or balanced"):
        override(PLAIN, {"class_weights": "yes"})
