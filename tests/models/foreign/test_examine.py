"""Decision for a convention by labeled images, and what is asked for where they leave it open."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.models.foreign.candidates import Signature, candidates
from ankleboot.models.foreign.convention import Convention
from ankleboot.models.foreign.decision import find_convention
from ankleboot.models.foreign.examine import Trial, output_kind
from ankleboot.models.foreign.scalings import Pixels

SIGNATURE = Signature((28, 28, 1), 4)
PIXELS = Pixels((73.0,), (90.0,))
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


def chosen(
    predict: Predict,
    labeled: tuple[np.ndarray, np.ndarray],
    order: tuple[int, ...] | None = None,
    *,
    conventions: Sequence[Convention] | None = None,
    num_first: int = 600,
    is_named: bool = False,
) -> Trial:
    tried = conventions or candidates(SIGNATURE, 28, "auto", PIXELS)
    signature = replace(SIGNATURE, num_outputs=int(labeled[1].max()) + 1)
    found, _ = find_convention(
        predict, signature, tried, *labeled, order, num_first=num_first, is_named=is_named
    )
    return found


@pytest.mark.parametrize(
    ("low", "high", "name"),
    [(0, 1, "unit"), (0, 255, "byte"), (-1, 1, "signed"), (-73 / 90, 182 / 90, "standard")],
)
def test_the_right_scale_is_found(
    low: float, high: float, name: str, labeled: tuple[np.ndarray, np.ndarray]
) -> None:
    best = chosen(judge(low, high), labeled)
    assert best.convention.scaling == name
    assert best.best == pytest.approx(0.9, abs=0.04)
    assert best.convention.order == (0, 1, 2, 3)


def test_another_class_order_is_found(labeled: tuple[np.ndarray, np.ndarray]) -> None:
    shuffled = judge(0, 1, columns=(2, 0, 3, 1))
    best = chosen(shuffled, labeled)
    assert best.convention.order == (1, 3, 0, 2)
    assert best.best > 0.85 > 0.3 > best.accuracy


def test_the_order_of_the_user_is_kept(labeled: tuple[np.ndarray, np.ndarray]) -> None:
    shuffled = judge(0, 1, columns=(2, 0, 3, 1))
    best = chosen(shuffled, labeled, (1, 3, 0, 2))
    assert best.convention.order == (1, 3, 0, 2)
    wrong = (1, 0, 3, 2)
    with pytest.raises(UsageError, match="no convention fits"):
        chosen(judge(0, 1), labeled, wrong)
    assert chosen(judge(0, 1), labeled, wrong, is_named=True).convention.order == wrong


def test_a_model_of_noise_is_refused(labeled: tuple[np.ndarray, np.ndarray]) -> None:
    generator = np.random.default_rng(0)
    with pytest.raises(UsageError, match=r"no convention fits .* name the data .* --data"):
        chosen(lambda x: generator.dirichlet(np.ones(4), len(x)), labeled)


def test_scales_that_give_the_same_labels_are_asked_for() -> None:
    """A network without biases has the same labels for pixels to 1 and to 255."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (400, 28, 28), dtype=np.uint8)
    kernel = generator.normal(0, 1, (784, 2))
    labels = (images.reshape(400, -1) @ kernel).argmax(axis=1)
    conventions = [
        c for c in candidates(SIGNATURE, 28, "auto", None) if c.scaling in ("unit", "byte")
    ]

    def predict(inputs: np.ndarray) -> np.ndarray:
        return inputs.reshape(len(inputs), -1) @ kernel

    with pytest.raises(UsageError, match=r"cannot be distinguished on 400 images.* --input"):
        chosen(predict, (images, labels), conventions=conventions)


def test_a_wrong_scale_that_is_sure_of_its_errors_does_not_win() -> None:
    """Nearly equal accuracy, but every error of the larger scale is a certain one."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (400, 28, 28), dtype=np.uint8)
    kernel = generator.normal(0, 0.1, (784, 2))
    scores = images.reshape(400, -1) / 255 @ kernel
    labels = (scores + generator.gumbel(0, 1, scores.shape)).argmax(axis=1)
    conventions = [
        c for c in candidates(SIGNATURE, 28, "auto", None) if c.scaling in ("unit", "byte")
    ]

    def predict(inputs: np.ndarray) -> np.ndarray:
        return inputs.reshape(len(inputs), -1) @ kernel

    found = chosen(predict, (images, labels), conventions=conventions)
    assert found.convention.scaling == "unit"


@pytest.mark.parametrize(
    ("change", "word"),
    [(lambda x: 255 - x, "inverted"), (lambda x: x.swapaxes(1, 2), "transposed")],
)
def test_what_the_author_did_to_the_images_is_named(
    change: Callable[[np.ndarray], np.ndarray], word: str
) -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (600, 28, 28), dtype=np.uint8)
    kernel = generator.normal(0, 1, (784, 4))
    theirs = change(images) / 255.0 - 0.5
    labels = (theirs.reshape(600, -1) @ kernel).argmax(axis=1)

    def predict(inputs: np.ndarray) -> np.ndarray:
        return (inputs.reshape(len(inputs), -1) - 0.5) @ kernel

    with pytest.raises(UsageError, match=f"no convention fits .* on images that are {word}"):
        chosen(predict, (images, labels))


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
