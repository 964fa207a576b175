"""Decision on synthetic trials of known truth: weak, badly calibrated and reordered models."""

import numpy as np
import pytest

from ankleboot.core.errors import UsageError
from ankleboot.models.foreign.candidates import Signature, candidates
from ankleboot.models.foreign.decision import find_convention, winner
from ankleboot.models.foreign.examine import Trial, fitted_temperature, try_candidates, z_of

NUM = 2_000
UNIT, BYTE = candidates(Signature((28, 28, 1), 10), 28, "auto", None)[:2]


class Network:
    """Logits whose softmax are the true probabilities of the labels, seen through conventions.

    In a convention the logits get noise, are multiplied by `sureness`, and those of the true
    label get `hint`. The images are black.
    """

    def __init__(self, spread: float = 3.0, num: int = NUM) -> None:
        generator = np.random.default_rng(0)
        self.logits = generator.normal(0, spread, (num, 10))
        self.labels = (self.logits + generator.gumbel(0, 1, (num, 10))).argmax(axis=1)
        self.noise = generator.normal(0, 1, (num, 10))
        self.images = np.zeros((num, 28, 28), np.uint8)

    def seen(self, *, noise: float = 0.0, sureness: float = 1.0, hint: float = 0.0) -> np.ndarray:
        label = np.eye(10)[self.labels]
        return np.asarray(sureness * (self.logits + noise * self.noise + hint * label))

    def trials(self, unit: np.ndarray, byte: np.ndarray, stated: str = "logits") -> list[Trial]:
        values = iter((unit, byte))
        return try_candidates(
            lambda inputs: next(values),
            Signature((28, 28, 1), 10, stated),
            [UNIT, BYTE],
            self.images,
            self.labels,
            None,
        )


def name(trial: Trial | None) -> str:
    return trial.convention.scaling if trial else "asked"


@pytest.mark.parametrize(
    ("unit", "byte", "expected"),
    [
        ({}, {"noise": 0.3, "sureness": 100}, "unit"),  # the usual model
        ({"noise": 0.3, "sureness": 0.1}, {"sureness": 20}, "asked"),  # learned on raw pixels
        ({"noise": 0.3, "sureness": 1.0}, {"sureness": 20}, "asked"),  # the worse one fits by luck
        ({}, {"noise": 0.3, "sureness": 25, "hint": 0.4}, "asked"),  # as with NEAREST to 40 x 40
        ({"sureness": 0.1, "hint": 0.3}, {"noise": 0.5, "sureness": 0.1}, "unit"),  # far ahead
        ({"sureness": 0.1, "hint": 0.1}, {"noise": 0.1, "sureness": 0.1}, "asked"),  # squared error
        ({"noise": 0.01}, {}, "asked"),  # the same
    ],
)
def test_accuracy_and_cross_entropy_decide_together(
    unit: dict[str, float], byte: dict[str, float], expected: str
) -> None:
    network = Network()
    trials = network.trials(network.seen(**unit), network.seen(**byte))
    assert name(winner(trials)) == expected, [(t.best, t.loss, t.fitted.mean()) for t in trials]


def test_the_temperature_is_found_far_outside_the_range_of_calibration() -> None:
    network = Network()
    for sureness in (0.03, 1.0, 200.0):
        temperature = fitted_temperature(network.seen(sureness=sureness), network.labels)
        assert temperature == pytest.approx(sureness, rel=0.1)
    assert z_of(np.zeros(5)) == 0


def test_what_few_images_leave_open_more_images_decide() -> None:
    network = Network(num=10_000)
    values = {"unit": network.seen(), "byte": network.seen(noise=0.3)}
    asked: list[tuple[str, int]] = []

    class Convention(type(UNIT)):  # type: ignore[misc]
        def inputs(self, images: np.ndarray) -> np.ndarray:
            asked.append((self.scaling, len(images)))
            return values[self.scaling][: len(images)]

    def find(num: int) -> Trial:
        found, _ = find_convention(
            lambda inputs: inputs,
            Signature((28, 28, 1), 10, "logits"),
            [Convention(**vars(UNIT)), Convention(**vars(BYTE))],
            network.images[:num],
            network.labels[:num],
            None,
            num_first=100,
            is_named=False,
        )
        return found

    with pytest.raises(UsageError, match=r"byte \(.* %\).* distinguished on 100 images"):
        find(100)
    asked.clear()
    found = find(10_000)
    assert name(found) == "unit" and len(found.losses) == 10_000
    assert [num for _, num in asked] == [100, 100, 10_000, 10_000]


@pytest.mark.parametrize("spread", [0.3, 0.7])
def test_a_weak_model_fits_nothing(spread: float) -> None:
    """It is right on a third of the images, which other conventions reach too."""
    network = Network(spread)
    with pytest.raises(UsageError, match="no convention fits"):
        find_one(network, network.seen())


def find_one(network: Network, values: np.ndarray) -> Trial:
    found, _ = find_convention(
        lambda inputs: values[: len(inputs)],
        Signature((28, 28, 1), 10, "logits"),
        [UNIT],
        network.images,
        network.labels,
        None,
        num_first=NUM,
        is_named=False,
    )
    return found


def test_two_exchanged_classes_are_found() -> None:
    network = Network()
    order = (0, 3, 2, 1, *range(4, 10))
    found = find_one(network, network.seen()[:, list(order)])
    assert found.convention.order == order
    assert found.best > found.accuracy + 0.1
    assert find_one(network, network.seen()).convention.order == tuple(range(10))


def test_an_exchange_that_leaves_a_class_wrong_is_asked_for() -> None:
    """The model takes nearly all of class 1 for class 3, and half of class 3 for class 1."""
    network = Network()
    values = network.seen()
    exchanged = values[:, [0, 3, 2, 1, *range(4, 10)]]
    is_swapped = (network.labels == 1) | ((network.labels == 3) & (np.arange(NUM) % 5 < 2))
    values = np.where(is_swapped[:, None], exchanged, values)
    with pytest.raises(UsageError, match=r"class order is unclear.* --labels"):
        find_one(network, values)


def test_a_trial_keeps_what_the_table_needs() -> None:
    network = Network()
    row = network.trials(network.seen(), network.seen(noise=3))[0].to_json()
    assert row["num_images"] == NUM and row["input"] == "unit"
    assert row["fitted_loss"] == pytest.approx(row["loss"], abs=0.01)
