"""Sentences of the report's summary."""

import numpy as np

from ankleboot.core.types import Labels, Probs
from ankleboot.evaluation.robustness.measure_robustness import Robustness
from ankleboot.models.files.calibration import Calibration

NEGLIGIBLE_TEMPERATURE_CHANGE = 0.03


def describe_calibration(calibration: Calibration) -> str:
    """Describe the confidence of the model before calibration."""
    temperature = calibration.temperature
    if abs(temperature - 1) < NEGLIGIBLE_TEMPERATURE_CHANGE:
        return f"The model was calibrated as trained (temperature {temperature:.2f})."
    direction = "underconfident" if temperature < 1 else "overconfident"
    before, after = (f"{100 * value:.1f}" for value in calibration.ece)
    return (
        f"As trained the model was {direction}; a temperature of {temperature:.2f} corrects this "
        f"(calibration error {before} points before and {after} after, on validation images)."
    )


def describe_abstention(
    calibration: Calibration, probs: Probs, labels: Labels, *, is_test: bool
) -> str:
    """Describe coverage and accuracy with the abstention threshold."""
    threshold = calibration.abstain_below
    is_given = probs.max(axis=1) >= threshold
    if not is_given.any():
        return "No threshold reaches the wanted precision: the model always abstains."
    is_correct = (probs.argmax(axis=1) == labels)[is_given]
    source = "" if is_test else ", on the images that the threshold was fitted to"
    return (
        f"With abstention below a confidence of {threshold:.2f} it predicts "
        f"{100 * float(is_given.mean()):.0f} % of the images, "
        f"{100 * float(is_correct.mean()):.1f} % of them correctly{source}."
    )


def describe_robustness(robustness: Robustness) -> str:
    """Describe the loss of accuracy by corruptions."""
    worst = min(robustness.accuracy, key=lambda name: np.mean(robustness.accuracy[name]))
    accuracy = 100 * float(np.mean(robustness.accuracy[worst]))
    return (
        f"Corruptions reduce the accuracy by {100 * (robustness.clean - robustness.mean):.0f} "
        f"points on average, {worst} the most (to {accuracy:.0f} %)."
    )
