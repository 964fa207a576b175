"""Analysis of hand-made errors."""

import numpy as np

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.evaluation.error_analysis import analyze_errors

SHIRT, TOP, COAT, BAG = (CLASS_NAMES.index(n) for n in ("Shirt", "T-shirt/top", "Coat", "Bag"))


def case() -> tuple[np.ndarray, np.ndarray]:
    labels = np.array([SHIRT, SHIRT, TOP, COAT, BAG, BAG])
    predicted = np.array([TOP, TOP, SHIRT, COAT, BAG, COAT])
    probs = np.full((6, 10), 0.01)
    probs[np.arange(6), predicted] = (0.9, 0.5, 0.6, 0.8, 0.7, 0.55)
    return probs, labels


def test_pairs_count_both_directions() -> None:
    analysis = analyze_errors(*case(), CLASS_NAMES)
    first, second = analysis.pairs
    assert (first.first, first.second) == ("T-shirt/top", "Shirt")
    assert (first.first_as_second, first.second_as_first, first.share) == (1, 2, 0.75)
    assert (second.first, second.second, second.share) == ("Coat", "Bag", 0.25)


def test_the_upper_body_is_one_group() -> None:
    analysis = analyze_errors(*case(), CLASS_NAMES)
    assert analysis.num_errors == 4 and analysis.upper_body_share == 0.75
    assert analysis.merged_accuracy == 5 / 6
    assert analysis.sentences[0].startswith(
        "75 % of the 4 errors are between T-shirt/top and Shirt"
    )


def test_images_are_sorted_by_loss_and_confidence() -> None:
    analysis = analyze_errors(*case(), CLASS_NAMES)
    assert set(analysis.top_losses[:4]) == {0, 1, 2, 5}
    assert analysis.most_confident == (3, 4)
    assert analysis.least_confident[:2] == (1, 5)


def test_perfect_predictions_have_no_confused_classes() -> None:
    analysis = analyze_errors(np.eye(10), np.arange(10), CLASS_NAMES)
    assert analysis.sentences == ("Every image is predicted correctly.",) and analysis.pairs == ()
