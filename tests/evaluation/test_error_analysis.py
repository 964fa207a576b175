"""Errors sorted by hand."""

import numpy as np

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.evaluation.error_analysis import analyze_errors

SHIRT, TOP, COAT, BAG = (CLASS_NAMES.index(n) for n in ("Shirt", "T-shirt/top", "Coat", "Bag"))


def case() -> tuple[np.ndarray, np.ndarray]:
    labels = np.array([SHIRT, SHIRT, TOP, COAT, BAG, BAG])
    said = np.array([TOP, TOP, SHIRT, COAT, BAG, COAT])
    probs = np.full((6, 10), 0.01)
    probs[np.arange(6), said] = (0.9, 0.5, 0.6, 0.8, 0.7, 0.55)
    return probs, labels


def test_pairs_count_both_directions() -> None:
    found = analyze_errors(*case(), CLASS_NAMES)
    first, second = found.pairs
    assert (first.first, first.second) == ("T-shirt/top", "Shirt")
    assert (first.first_as_second, first.second_as_first, first.share) == (1, 2, 0.75)
    assert (second.first, second.second, second.share) == ("Coat", "Bag", 0.25)


def test_the_upper_body_is_one_group() -> None:
    found = analyze_errors(*case(), CLASS_NAMES)
    assert found.num_errors == 4 and found.upper_body_share == 0.75
    assert found.merged_accuracy == 5 / 6
    assert found.sentences[0].startswith("75 % of the 4 errors are between T-shirt/top and Shirt")


def test_images_are_sorted_by_what_they_cost() -> None:
    found = analyze_errors(*case(), CLASS_NAMES)
    assert set(found.top_losses[:4]) == {0, 1, 2, 5}
    assert found.most_certain == (3, 4)
    assert found.least_certain[:2] == (1, 5)


def test_without_errors_there_is_nothing_to_say() -> None:
    found = analyze_errors(np.eye(10), np.arange(10), CLASS_NAMES)
    assert found.sentences == ("No image is answered wrongly.",) and found.pairs == ()
