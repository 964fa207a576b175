"""Counts of the photo benchmark, by hand."""

from pathlib import Path

import numpy as np
import pytest

from ankleboot.evaluation.photo_benchmark import (
    Photo,
    list_errors,
    risk_curve,
    summarize_method,
    summarize_rejection,
)
from ankleboot.inference.decide import Prediction


def photo(kind: str, label: str, confidence: float, none_of_these: float = 0.0) -> Photo:
    abstained = confidence < 0.5
    reason, cause = ("not sure", "unsure") if abstained else (None, None)
    prediction = Prediction("", label, 0, confidence, {}, none_of_these, abstained, reason, cause)
    return Photo(Path("a"), kind, np.zeros((2, 2, 3), np.uint8), None, {"photo": prediction})


PHOTOS = [
    photo("t-shirt", "T-shirt/top", 0.9),
    photo("shoes", "Ankle boot", 0.8, 0.1),
    photo("dress", "Coat", 0.7),
    photo("dress", "Dress", 0.4, 0.3),
    photo("hat", "Bag", 0.3, 0.6),
    photo("skirt", "Dress", 0.9, 0.05),
]


def test_accuracy_and_coverage_count_photos_of_the_ten_classes() -> None:
    row = summarize_method("photo", PHOTOS)
    assert row["accuracy"]["share"] == 3 / 4 and row["answered"]["share"] == 3 / 4
    assert row["right_of_answered"]["share"] == 2 / 3
    assert row["by_kind"]["dress"] == row["by_kind"]["dress"] | {"share": 0.5, "num": 2}


def test_rejection_counts_photos_of_other_objects() -> None:
    rejection = summarize_rejection("photo", PHOTOS)
    assert rejection["declined"]["share"] == 1 / 2
    # reject scores of known photos: 0.1, 0.1, 0.3, 0.3 (1 - confidence where it is not estimated)
    assert rejection["auroc"] == pytest.approx((4 + 0) / 8)


def test_the_risk_curve_starts_at_the_highest_confidence() -> None:
    risk = risk_curve("photo", PHOTOS)
    assert [round(error_rate, 3) for *_, error_rate in risk] == [0, 0, 0.333, 0.25]


def test_errors_are_wrong_labels_and_objects_that_were_not_rejected() -> None:
    assert [(kind, label) for _, kind, label in list_errors(PHOTOS)] == [
        ("dress", "Coat"),
        ("skirt", "Dress"),
    ]
