"""Diagnosis of hand-made learning curves."""

from dataclasses import replace

import numpy as np
import pytest

from ankleboot.core.errors import DataError
from ankleboot.evaluation.evidence import weigh_evidence
from ankleboot.evaluation.overfitting import diagnose_fit
from ankleboot.models.history import EpochRecord
from ankleboot.recipes.catalog import TRANSFER


def history(*rows: tuple[float, float, float, float]) -> tuple[EpochRecord, ...]:
    """Rows of training loss, training accuracy, validation loss, validation accuracy."""
    return tuple(
        EpochRecord(i + 1, tl, ta, vl, va, 1e-3, 1.0) for i, (tl, ta, vl, va) in enumerate(rows)
    )


OVERFITTED = history(
    (0.6, 0.80, 0.40, 0.85),
    (0.3, 0.89, 0.28, 0.90),
    (0.2, 0.93, 0.24, 0.915),
    (0.1, 0.96, 0.30, 0.915),
    (0.03, 0.99, 0.46, 0.916),
)


def test_curves_with_a_growing_gap_are_diagnosed_as_overfitting() -> None:
    diagnosis = diagnose_fit(OVERFITTED)
    assert diagnosis.verdict == "overfitting"
    assert diagnosis.best_epoch == 3 and diagnosis.gap_opened == 4
    assert diagnosis.gap == pytest.approx(0.074)
    assert diagnosis.loss_rise == pytest.approx(0.46 / 0.24 - 1)
    assert "lowest after epoch 3 (0.2400) and 92 % higher at the end" in diagnosis.sentences[1]
    assert "above 2 since epoch 4" in diagnosis.sentences[2]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (OVERFITTED[:1], "too short"),
        (OVERFITTED[:3], "still improving"),
        (history((2.0, 0.3, 1.9, 0.31), (1.99, 0.3, 1.9, 0.31)), "underfitting"),
        (history((0.2, 0.95, 0.2, 0.93), (0.02, 0.99, 0.21, 0.93)), "overfitting"),
        (
            history((0.3, 0.9, 0.25, 0.9), (0.3, 0.9, 0.27, 0.9), (0.3, 0.9, 0.26, 0.9)),
            "about right",
        ),
        (history((0.25, 0.91, 0.26, 0.905), (0.24, 0.915, 0.258, 0.906)), "about right"),
    ],
)
def test_other_curves_have_other_diagnoses(rows: tuple[EpochRecord, ...], expected: str) -> None:
    diagnosis = diagnose_fit(rows)
    assert diagnosis.verdict == expected
    assert all(sentence.endswith(".") for sentence in diagnosis.sentences)


def test_an_empty_history_is_refused() -> None:
    with pytest.raises(DataError):
        diagnose_fit(())


UNSTABLE = history(
    (1.2, 0.60, 0.80, 0.75),
    (0.6, 0.82, 0.30, 0.94),
    (1.1, 0.70, 0.90, 0.70),
    (0.9, 0.76, 0.60, 0.81),
)


def test_losses_that_rise_together_are_unstable() -> None:
    """The verdict was "underfitting", which asks for a larger network."""
    recipe = replace(TRANSFER, head_epochs=1, epochs=4)
    diagnosis = diagnose_fit(UNSTABLE, recipe, model_epoch=2)
    assert diagnosis.verdict == "unstable" and diagnosis.best_epoch == 2
    assert diagnosis.sentences[0].endswith(
        "a lower learning_rate would help. The result is epoch 2, the best one."
    )
    assert "The result" not in diagnose_fit(UNSTABLE, recipe, model_epoch=4).sentences[0]


def test_the_end_of_the_frozen_epochs_is_no_instability() -> None:
    """With all layers, augmentation begins: the training loss is that of harder images."""
    thawing = history((0.3, 0.9, 0.3, 0.9), (0.9, 0.7, 0.34, 0.88), (0.8, 0.74, 0.32, 0.89))
    recipe = replace(TRANSFER, head_epochs=1, epochs=3)
    assert diagnose_fit(thawing, recipe).verdict == "underfitting"


def test_the_diagnosis_says_what_it_rests_on() -> None:
    labels = np.arange(12) % 2
    evidence = weigh_evidence(labels, labels, ("cat", "dog"))
    assert "rests on 12 validation images" in diagnose_fit(OVERFITTED, None, evidence).sentences[-1]
