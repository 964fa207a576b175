"""Sentences of the report's summary."""

import numpy as np

from ankleboot.core.text import share_text
from ankleboot.evaluation.data_size import describe_data_size
from ankleboot.evaluation.evidence import TOO_FEW_IMAGES, too_few_to_judge
from ankleboot.evaluation.overfitting import diagnose_fit
from ankleboot.evaluation.report.inputs import ReportInputs
from ankleboot.evaluation.robustness.measure_robustness import Robustness
from ankleboot.models.files.calibration import Calibration

NEGLIGIBLE_TEMPERATURE_CHANGE = 0.03


def describe_run(inputs: ReportInputs) -> list[str]:
    """Describe fit, errors, evidence, calibration and robustness, one sentence each."""
    if inputs.adopted:
        return [
            f"The model was adopted from {inputs.adopted}: its training is unknown, and its "
            "confidences are its own, without calibration.",
            *inputs.errors.sentences,
            *inputs.evaluation.sentences,
            _describe_robustness(inputs.robustness),
        ]
    fit = diagnose_fit(inputs.run.history(), inputs.run.recipe()).sentences[:2]
    num = inputs.evaluation.num_examples
    return [
        *([too_few_to_judge(num)] if num < TOO_FEW_IMAGES else fit),
        *([describe_data_size(inputs.sizes, len(inputs.images))] if inputs.sizes else []),
        *inputs.errors.sentences,
        *inputs.evaluation.sentences,
        _describe_calibration(inputs.calibration),
        *filter(None, [inputs.calibration.caution]),
        describe_abstention(inputs),
        _describe_robustness(inputs.robustness),
    ]


def _describe_calibration(calibration: Calibration) -> str:
    """Describe the confidence of the model before calibration."""
    temperature = calibration.temperature
    if abs(temperature - 1) < NEGLIGIBLE_TEMPERATURE_CHANGE:
        return f"The model was calibrated as trained (temperature {temperature:.2f})."
    direction = "underconfident" if temperature < 1 else "overconfident"
    start = f"As trained the model was {direction}; a temperature of {temperature:.2f} "
    before, after = (f"{100 * value:.1f}" for value in calibration.ece)
    if calibration.ece[1] < calibration.ece[0]:
        return (
            f"{start}corrects this (calibration error {before} points before and {after} after, on "
            "validation images)."
        )
    loss, loss_after = calibration.loss
    return (
        f"{start}changes the loss from {loss:.3f} to {loss_after:.3f}, but does not lower the "
        f"calibration error ({before} points before and {after} after, on "
        f"{calibration.num_examples:,} validation images)."
    )


def describe_abstention(inputs: ReportInputs) -> str:
    """Describe coverage and accuracy with the abstention threshold."""
    threshold = inputs.calibration.abstain_below
    is_given = inputs.probs.max(axis=1) >= threshold
    if not is_given.any():
        return "No threshold reaches the wanted precision: the model always abstains."
    is_correct = (inputs.probs.argmax(axis=1) == inputs.images.labels)[is_given]
    is_fitted = inputs.evaluation.split == "validation"
    source = ", on the images that the threshold was fitted to" if is_fitted else ""
    return (
        f"With abstention below a confidence of {threshold:.2f} it predicts "
        f"{share_text(is_given.mean())} % of the images, "
        f"{share_text(is_correct.mean(), 1)} % of them correctly{source}."
    )


def _describe_robustness(robustness: Robustness) -> str:
    """Describe the loss of accuracy by corruptions."""
    means = {name: float(np.mean(values)) for name, values in robustness.accuracy.items()}
    worst = min(means, key=means.__getitem__)
    return (
        f"Corruptions reduce the accuracy by {100 * (robustness.clean - robustness.mean):.0f} "
        f"points on average, {worst} the most (to {100 * means[worst]:.0f} %)."
    )
