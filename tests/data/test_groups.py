"""Groups of images stay on one side of a split, and every class gets its share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankleboot.core.errors import DataError
from ankleboot.data.splits import join_groups, split
from ankleboot.recipes.split_rule import SplitRule

RULES = st.builds(
    SplitRule,
    split=st.sampled_from(["last", "stratified"]),
    validation_fraction=st.floats(0.1, 0.5),
    split_seed=st.integers(0, 9),
)
IMAGES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=2, max_size=80)


@given(IMAGES, RULES)
def test_a_named_group_is_never_divided(images: list[tuple[int, int]], rule: SplitRule) -> None:
    labels = np.array([label for label, _ in images])
    groups = np.array([group for _, group in images], np.int64)
    if len(set(groups.tolist())) < 2:
        with pytest.raises(DataError, match="all images are of one group"):
            split(labels, rule, groups=groups, has_named_groups=True)
        return
    parts = split(labels, rule, groups=groups, has_named_groups=True)
    assert not set(groups[parts.train].tolist()) & set(groups[parts.validation].tolist())
    assert sorted([*parts.train.tolist(), *parts.validation.tolist()]) == list(range(len(labels)))
    assert parts.sha256 == split(labels, rule, groups=groups, has_named_groups=True).sha256


@pytest.mark.parametrize("how", ["last", "stratified"])
def test_every_class_comes_close_to_its_share(how: str) -> None:
    """Forty patients with five to fifteen images of three classes, one of them rare."""
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(40), rng.integers(5, 16, 40))
    labels = rng.choice(3, len(groups), p=[0.6, 0.3, 0.1])
    rule = SplitRule(split=how, validation_fraction=0.2)
    chosen = labels[split(labels, rule, groups=groups, has_named_groups=True).validation]
    shares = np.bincount(chosen, minlength=3) / np.bincount(labels)
    assert (abs(shares - 0.2) < 0.06).all(), shares


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["", "x", "y"])), max_size=20))
def test_groups_are_what_shared_names_connect(rows: list[tuple[str, str]]) -> None:
    columns = [[row[i] for row in rows] for i in range(2)]
    numbers = join_groups(*columns).tolist()
    groups = [{i} for i in range(len(rows))]
    for _ in rows:  # grow each set until nothing is new
        groups = [
            {j for i in group for j in range(len(rows)) if i == j or _are_linked(rows[i], rows[j])}
            for group in groups
        ]
    assert all(
        (numbers[i] == numbers[j]) == (j in groups[i])
        for i in range(len(rows))
        for j in range(len(rows))
    )


def _are_linked(a: tuple[str, str], b: tuple[str, str]) -> bool:
    return any(x and x == y for x, y in zip(a, b, strict=True))
