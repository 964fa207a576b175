"""Parity: differences are measured, and those beyond the limits are refused."""

import numpy as np
import pytest

from ankleboot.core.errors import ModelError
from ankleboot.data.dataset import LabeledImages
from ankleboot.export import parity
from ankleboot.export.parity import check_parity, measure_latency
from ankleboot.inference.parity_limits import FLOAT16, FLOAT32, INT8, ParityLimits
from helpers.predictors import FakePredictor


def correct_probs(number: int) -> tuple[np.ndarray, LabeledImages]:
    """Return confident probabilities whose labels are all correct, and their images."""
    labels = np.arange(number, dtype=np.uint8) % 10
    probs = np.full((number, 10), 0.02, np.float32)
    probs[np.arange(number), labels] = 0.82
    return probs, LabeledImages(np.zeros((number, 28, 28), np.uint8), labels)


def test_differences_are_counted_and_compared_with_the_limits() -> None:
    probs, images = correct_probs(1000)
    changed = probs.copy()
    changed[3] = np.roll(changed[3], 1)
    changed[4, 0] += 0.001
    predictors = FakePredictor(probs), FakePredictor(changed)
    result = check_parity(*predictors, images, INT8, name="x", split="validation")
    assert result.top1_agreement == pytest.approx(0.999)
    assert result.max_abs_diff == pytest.approx(0.8)
    assert result.accuracy_change == pytest.approx(-0.001)
    assert result.num_examples == 1000 and result.split == "validation"
    with pytest.raises(ModelError, match=r"up to 0\.8 \(limit 0\.0001\); 1 of 1,000 labels"):
        check_parity(*predictors, images, FLOAT32, name="x")
    changed[:4] = np.roll(probs[:4], 1, axis=1)
    with pytest.raises(ModelError, match=r"the accuracy falls by 0\.40 points \(limit 0\.3\)"):
        check_parity(*predictors, images, INT8, name="x")


def test_labels_matter_only_where_predictions_may_change() -> None:
    probs, images = correct_probs(100)
    wrong = LabeledImages(images.images, (images.labels + 1) % 10)
    for limits in (FLOAT32, FLOAT16):
        predictors = FakePredictor(probs), FakePredictor(probs)
        result = check_parity(*predictors, wrong, limits, name="x")
        assert result.accuracy_change is None and result.top1_agreement == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("limits", [FLOAT32, FLOAT16, INT8])
def test_a_probability_that_is_not_finite_is_refused(value: float, limits: ParityLimits) -> None:
    probs, images = correct_probs(20)
    changed = probs.copy()
    changed[7, 7] = value
    with pytest.raises(ModelError, match="x differs from the Keras model: .* up to inf"):
        check_parity(FakePredictor(probs), FakePredictor(changed), images, limits, name="x")


def test_the_latency_is_that_of_one_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity, "NUM_TIMED_CALLS", 500)
    sizes = []

    class Counter(FakePredictor):
        def predict(self, images: np.ndarray) -> np.ndarray:
            sizes.append(len(images))
            return super().predict(images)

    probs, images = correct_probs(20)
    latency = measure_latency(Counter(probs), images.images)
    assert set(sizes) == {1} and len(sizes) == 550
    assert 0 <= latency.p50 <= latency.p99
