"""Duplicates and pixel correlations against NumPy."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from ankleboot.data.dataset import LabeledImages
from ankleboot.evaluation import label_issues
from ankleboot.evaluation.statistics import standardized_rows
from helpers.images import bars


def test_duplicates_are_found() -> None:
    first, second = bars(30, 0), bars(20, 1)
    images = second.images.copy()
    images[4] = first.images[7]  # exact
    images[9] = np.clip(first.images[8].astype(int) + 3, 0, 255)  # near
    images[9, 0, 0] ^= 255
    changed = LabeledImages(images, second.labels)
    found = label_issues.find_duplicates("train", first, "test", changed)
    assert found.exact == 1 and found.near == 2
    assert [(a, b) for a, b, _ in found.pairs] == [(4, 7), (9, 8)]
    assert found.conflicts == sum(changed.labels[a] != first.labels[b] for a, b, _ in found.pairs)
    assert found.pairs[0][2] == pytest.approx(1)


def test_duplicates_within_a_split_count_once_and_no_image_is_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(label_issues, "BLOCK", 7)  # duplicates within and across blocks
    split = bars(40, 0)
    images = split.images.copy()
    images[3], images[30] = images[2], images[11]
    same = LabeledImages(images, split.labels)
    found = label_issues.find_duplicates("a", same, "a", same)
    assert found.exact == 2 and sorted((a, b) for a, b, _ in found.pairs) == [(3, 2), (30, 11)]


def test_correlations_are_those_of_numpy() -> None:
    images = bars(6, 0).images
    rows = standardized_rows(images)
    expected = np.corrcoef(images.reshape(6, -1).astype(float))
    np.testing.assert_allclose(rows @ rows.T, expected, atol=1e-5)
    assert np.isfinite(standardized_rows(np.zeros((1, 28, 28), np.uint8))).all()


def test_agreement_is_the_kappa_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 400)
    predicted = np.where(generator.random(400) < 0.7, labels, generator.integers(0, 3, 400))
    found = label_issues.measure_agreement(np.eye(3)[predicted], labels)
    assert found.kappa == pytest.approx(cohen_kappa_score(labels, predicted))
    assert 0.6 < found.low < found.kappa and not found.is_near_chance


@pytest.mark.parametrize(
    ("labels", "predicted", "near"),
    [
        ([0] * 95 + [1] * 5, [0] * 100, True),  # the majority class alone, 95 % right
        ([0, 1] * 5, [0, 1] * 4 + [1, 0], True),  # eight of ten right may be luck
        ([0, 1] * 30, [0, 1] * 30, False),
        ([0] * 10, [0] * 10, True),
    ],
)
def test_a_judge_that_knows_nothing_is_near_chance(
    labels: list[int], predicted: list[int], near: bool
) -> None:
    found = label_issues.measure_agreement(np.eye(2)[predicted], np.array(labels))
    assert found.is_near_chance == near


def test_pairs_have_the_names_of_their_files() -> None:
    first, second = bars(30, 0), bars(20, 1)
    images = second.images.copy()
    images[4] = first.images[7]
    known = LabeledImages(first.images, first.labels, tuple(f"a/{i}.png" for i in range(30)))
    other = LabeledImages(images, second.labels, tuple(f"b/{i}.png" for i in range(20)))
    found = label_issues.find_duplicates("train", known, "test", other)
    assert found.files == (("b/4.png", "a/7.png"),)
