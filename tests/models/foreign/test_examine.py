"""Choice of a convention by its accuracy on labeled images."""

from collections.abc import Callable

import numpy as np
import pytest

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.models.foreign.candidates import Signature, candidates
from ankleboot.models.foreign.examine import Trial, choose, output_kind, try_candidates

SIGNATURE = Signature((28, 28, 1), 4)
Predict = Callable[[np.ndarray], np.ndarray]


@pytest.fixture
def labeled() -> tuple[np.ndarray, np.ndarray]:
    """Images whose brightness is their class, with some errors of the labels."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 600)
    images = np.full((600, 28, 28), 0, np.uint8) + (32 + 64 * labels)[:, None, None]
    wrong = generator.random(600) < 0.1
    return images.astype(np.uint8), np.where(wrong, (labels + 1) % 4, labels)


def judge(low: float, high: float, *, columns: tuple[int, ...] = (0, 1, 2, 3)) -> Predict:
    """A model that knows the classes if black is `low` and white is `high`."""

    def predict(inputs: np.ndarray) -> np.ndarray:
        pixels = (inputs.mean(axis=(1, 2, 3)) - low) / (high - low) * 255
        distance = np.abs(pixels[:, None] - (32 + 64 * np.arange(4))) / 32
        outside = distance.min(axis=1) > 0.2  # no brightness that it has seen
        logits = np.where(outside[:, None], [5.0, 0, 0, 0], -3 * distance)
        powers = np.exp(logits)
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))[:, list(columns)]

    return predict


def trials(
    predict: Predict,
    labeled: tuple[np.ndarray, np.ndarray],
    order: tuple[int, ...] | None = None,
) -> list[Trial]:
    conventions = candidates(SIGNATURE, 28, "auto", ((73.0,), (90.0,)))
    return try_candidates(predict, SIGNATURE, conventions, *labeled, order)


@pytest.mark.parametrize(
    ("low", "high", "name"),
    [(0, 1, "unit"), (0, 255, "byte"), (-1, 1, "signed"), (-73 / 90, 182 / 90, "standard")],
)
def test_the_right_scale_is_found(
    low: float, high: float, name: str, labeled: tuple[np.ndarray, np.ndarray]
) -> None:
    best = choose(trials(judge(low, high), labeled), labeled[1], is_named=False)
    assert best.convention.scaling == name
    assert best.best == pytest.approx(0.9, abs=0.04)
    assert best.convention.order == (0, 1, 2, 3)


def test_another_class_order_is_found(labeled: tuple[np.ndarray, np.ndarray]) -> None:
    shuffled = judge(0, 1, columns=(2, 0, 3, 1))
    best = choose(trials(shuffled, labeled), labeled[1], is_named=False)
    assert best.convention.order == (1, 3, 0, 2)
    assert best.best > 0.85 > 0.3 > best.accuracy


def test_the_order_of_the_user_is_kept(labeled: tuple[np.ndarray, np.ndarray]) -> None:
    shuffled = judge(0, 1, columns=(2, 0, 3, 1))
    best = choose(trials(shuffled, labeled, (1, 3, 0, 2)), labeled[1], is_named=False)
    assert best.convention.order == (1, 3, 0, 2)
    wrong = trials(judge(0, 1), labeled, (1, 0, 3, 2))
    with pytest.raises(UsageError, match="no convention fits"):
        choose(wrong, labeled[1], is_named=False)
    assert choose(wrong, labeled[1], is_named=True).convention.order == (1, 0, 3, 2)


def test_a_model_of_noise_is_refused(labeled: tuple[np.ndarray, np.ndarray]) -> None:
    generator = np.random.default_rng(0)
    noise = trials(lambda x: generator.dirichlet(np.ones(4), len(x)), labeled)
    with pytest.raises(UsageError, match=r"no convention fits .* name the data .* --data"):
        choose(noise, labeled[1], is_named=False)


def test_scales_that_give_the_same_labels_are_asked_for() -> None:
    """A network without biases has the same labels for pixels to 1 and to 255."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (400, 28, 28), dtype=np.uint8)
    signature = Signature((28, 28, 1), 2)
    kernel = generator.normal(0, 1, (784, 2))
    labels = (images.reshape(400, -1) @ kernel).argmax(axis=1)
    conventions = [c for c in candidates(signature, 28, "auto", None) if c.scaling != "signed"]

    def predict(inputs: np.ndarray) -> np.ndarray:
        return inputs.reshape(len(inputs), -1) @ kernel

    found = try_candidates(predict, signature, conventions, images, labels, None)
    with pytest.raises(UsageError, match=r"cannot be told apart on 400 images.* --input"):
        choose(sorted(found, key=lambda t: t.convention.scaling == "byte"), labels, is_named=False)


def test_a_wrong_scale_that_is_sure_of_its_errors_does_not_win() -> None:
    """Nearly equal accuracy, but every error of the larger scale is a certain one."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (400, 28, 28), dtype=np.uint8)
    signature = Signature((28, 28, 1), 2)
    kernel = generator.normal(0, 0.1, (784, 2))
    scores = images.reshape(400, -1) / 255 @ kernel
    labels = (scores + generator.gumbel(0, 1, scores.shape)).argmax(axis=1)
    conventions = [c for c in candidates(signature, 28, "auto", None) if c.scaling != "signed"]

    def predict(inputs: np.ndarray) -> np.ndarray:
        return inputs.reshape(len(inputs), -1) @ kernel

    found = try_candidates(predict, signature, conventions, images, labels, None)
    assert choose(found, labels, is_named=False).convention.scaling == "unit"


def test_outputs_are_recognized() -> None:
    rows = np.array([[0.2, 0.8], [0.5, 0.5]])
    assert output_kind(rows) == "softmax"
    assert output_kind(rows * [1, 0.5]) == "sigmoid"
    assert output_kind(rows - 1) == "logits"
    assert output_kind(rows[:, :1]) == "binary-sigmoid"
    assert output_kind(rows[:, :1] * 9) == "binary-logit"
    assert output_kind(rows, "logits") == "logits"
    with pytest.raises(ModelError, match="not finite"):
        output_kind(rows * np.nan)
