"""Folds of a cross-validation: every image once, no group torn, every class in its share."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import DataError
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.label_changes import LabelChanges
from ankleboot.data.splits import deal_folds, split
from ankleboot.recipes.split_rule import SplitRule

IMAGES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=1, max_size=120)
FOLDS = st.integers(2, 6)


def deal(labels: np.ndarray, groups: np.ndarray | None, folds: int, seed: int = 0) -> np.ndarray:
    return deal_folds(labels, groups, folds, np.random.default_rng(seed))


@given(IMAGES, FOLDS, st.integers(0, 5))
def test_every_image_has_one_fold_and_no_group_is_torn(
    images: list[tuple[int, int]], folds: int, seed: int
) -> None:
    labels, groups = np.array(images, np.int64).T
    if len(set(groups.tolist())) < folds:
        with pytest.raises(DataError, match="different images are too few"):
            deal(labels, groups, folds, seed)
        return
    fold_of = deal(labels, groups, folds, seed)
    assert set(fold_of.tolist()) == set(range(folds))
    assert all(len(set(fold_of[groups == group].tolist())) == 1 for group in set(groups.tolist()))
    np.testing.assert_array_equal(fold_of, deal(labels, groups, folds, seed))


@given(st.lists(st.integers(0, 4), min_size=6, max_size=200), FOLDS)
def test_images_of_a_class_differ_by_one_between_folds_and_so_do_all_images(
    classes: list[int], folds: int
) -> None:
    labels = np.array(classes)
    fold_of = deal(labels, None, folds)
    counts = np.array([np.bincount(labels[fold_of == fold], minlength=5) for fold in range(folds)])
    assert (np.ptp(counts, axis=0) <= 1).all()
    assert np.ptp(counts.sum(axis=1)) <= 1


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9)), min_size=6, max_size=40), FOLDS)
def test_groups_of_one_class_spread_it_up_to_the_largest_group(
    sizes: list[tuple[int, int]], folds: int
) -> None:
    labels = np.repeat([label for label, _ in sizes], [size for _, size in sizes])
    groups = np.repeat(np.arange(len(sizes)), [size for _, size in sizes])
    fold_of = deal(labels, groups, folds)
    for label in set(labels.tolist()):
        counts = np.bincount(fold_of[labels == label], minlength=folds)
        assert np.ptp(counts) <= max(size for other, size in sizes if other == label)


def test_single_images_are_dealt_as_cards() -> None:
    """The folds that the audit of a data set has always had."""
    labels = np.random.default_rng(3).integers(0, 4, 203)
    order = np.random.default_rng(0).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    expected = np.empty(len(labels), np.int64)
    expected[order] = np.arange(len(labels)) % 5
    np.testing.assert_array_equal(deal(labels, None, 5), expected)


def test_classes_are_spread_as_well_as_by_scikit_learn() -> None:
    """Thirty draws of sixty patients with one to twelve images of three unequal classes."""
    ours: list[float] = []
    theirs: list[float] = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(60), rng.integers(1, 13, 60))
        labels = rng.choice(3, len(groups), p=[0.6, 0.3, 0.1])
        other = np.empty(len(labels), np.int64)
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        for fold, (_, rows) in enumerate(folds.split(labels, labels, groups)):
            other[rows] = fold
        for found, fold_of in ((ours, deal(labels, groups, 5, seed)), (theirs, other)):
            counts = np.array([np.bincount(labels[fold_of == f], minlength=3) for f in range(5)])
            found.append(np.abs(counts / np.bincount(labels) - 0.2).max())
    assert np.mean(ours) <= np.mean(theirs)
    assert max(ours) < 0.05


@given(IMAGES, FOLDS, st.sampled_from(["last", "stratified"]))
def test_folds_hold_every_image_out_once_and_learn_no_group_of_it(
    images: list[tuple[int, int]], folds: int, how: str
) -> None:
    labels, groups = np.array(images, np.int64).T
    if len(set(groups.tolist())) <= folds + 1 or len(images) < 8:
        return
    rule = SplitRule(how, 0.3, folds=folds)
    held_out = []
    for fold in range(1, folds + 1):
        try:
            parts = split(labels, replace(rule, fold=fold), groups=groups, has_named_groups=True)
        except DataError as error:  # three folds or more leave two groups outside of each
            assert folds == 2 and "are of one group" in str(error)
            return
        kinds = [set(groups[rows].tolist()) for rows in (parts.train, parts.validation)]
        kinds.append(set(groups[parts.held_out].tolist()))
        assert not kinds[0] & kinds[1] and not kinds[0] & kinds[2] and not kinds[1] & kinds[2]
        every = np.concatenate([parts.train, parts.validation, parts.held_out])
        np.testing.assert_array_equal(np.sort(every), np.arange(len(labels)))
        held_out += parts.held_out.tolist()
    assert sorted(held_out) == list(range(len(labels)))


def test_without_folds_nothing_is_held_out_and_no_hash_has_changed() -> None:
    parts = split(np.arange(100) % 10, SplitRule("stratified", split_seed=1))
    assert len(parts.held_out) == 0
    assert parts.sha256.startswith("f6c085116072")


def dataset(labels: np.ndarray, images: np.ndarray | None = None) -> Dataset:
    if images is None:
        images = np.arange(len(labels), dtype=np.uint8)[:, None, None] * np.ones((1, 28, 28), "u1")
    train = LabeledImages(images, labels)
    return Dataset("x", train, train.take(np.arange(0)), "x", {"train": "0"}, CLASS_NAMES)


def test_equal_images_of_any_data_set_are_in_one_fold() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 28, 28)).astype(np.uint8)
    rows = np.concatenate([np.arange(40), np.arange(40)])
    data = dataset((rows % 4).astype(np.int32), pixels[rows])
    assert data.groups is None
    for fold in (1, 2, 3):
        parts = data.split(SplitRule(folds=3, fold=fold))
        held_out = set(parts.held_out.tolist())
        assert {(row + 40) % 80 for row in held_out} == held_out
        assert not set((parts.validation % 40).tolist()) & set((parts.train % 40).tolist())


def test_the_validation_split_of_a_data_set_is_dealt_out_too() -> None:
    data = replace(dataset(np.arange(60, dtype=np.int32) % 3), validation=np.arange(50, 60))
    held_out = [data.split(SplitRule(folds=4, fold=fold)).held_out for fold in (1, 2, 3, 4)]
    np.testing.assert_array_equal(np.sort(np.concatenate(held_out)), np.arange(60))


def test_images_that_are_not_usable_are_judged_by_no_fold() -> None:
    data = dataset(np.arange(60, dtype=np.int32) % 3)
    unusable = np.array([4, 30], np.int64)
    none = np.empty(0, np.int64)
    changes = LabelChanges(Path("labels.csv"), b"", data.train.labels, none, unusable, 0)
    marked = replace(data, label_changes=changes)
    every = [marked.split(SplitRule(folds=3, fold=fold)).held_out for fold in (1, 2, 3)]
    assert set(range(60)) - set(np.concatenate(every).tolist()) == {4, 30}


def test_folds_do_not_depend_on_the_pixels_of_different_images() -> None:
    """Groups of equal images had the order of their hashes, another one in every image spec."""
    data = dataset(np.arange(60, dtype=np.int32) % 3)
    changed = replace(data, train=replace(data.train, images=255 - data.train.images))
    rule = SplitRule(folds=3)
    np.testing.assert_array_equal(data.split(rule).held_out, changed.split(rule).held_out)


def test_an_own_validation_split_that_is_dealt_out_is_noted() -> None:
    data = replace(dataset(np.arange(60, dtype=np.int32) % 3), validation=np.arange(12))
    assert data.split_notes(SplitRule()) == ()
    (note,) = data.split_notes(SplitRule(folds=3))
    assert note.startswith("the 12 validation images of ") and "are dealt out" in note


def test_pairs_of_images_share_the_classes_evenly() -> None:
    labels = np.repeat([0, 1, 2], 50)
    groups = np.arange(150) // 2
    folds = deal(labels, groups, 5)
    for fold in range(5):
        assert np.bincount(labels[folds == fold], minlength=3).tolist() == [10, 10, 10]


def test_two_groups_in_two_folds_leave_nothing_to_choose_on() -> None:
    labels, groups = np.arange(20) % 2, np.arange(20) // 10
    with pytest.raises(DataError, match="outside of fold 1 are of one group.* more folds"):
        split(labels, SplitRule(folds=2), groups=groups, has_named_groups=True)
