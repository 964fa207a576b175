"""First screen of the report: one number with its interval, one verdict, and advice."""

import shlex
from dataclasses import dataclass
from typing import Any

from ankleboot.core.text import share_text, truncate_middle
from ankleboot.evaluation.evidence import FEW_IMAGES, TOO_FEW_IMAGES, too_few_to_judge
from ankleboot.evaluation.overfitting import FitDiagnosis, diagnose_fit
from ankleboot.evaluation.report.inputs import ReportInputs
from ankleboot.recipes.catalog import command_of
from ankleboot.recipes.parse import override

DIGITS = ((100, 0), (2_000, 1))  # after the point, below a number of images
MANY_CONFUSED = 5  # images of two classes that are worth a look
SHOWN_NAMES = {"fashion-mnist": "Fashion-MNIST"}


@dataclass(frozen=True)
class Headline:
    """Text and numbers of the first screen.

    Attributes:
        data: Name of the data.
        accuracy: In percent, with as many digits as the number of images supports.
        number: Accuracy as the page shows it; counts where the images are too few to judge.
        low: Lower end of the 95 % interval in percent, and `high` the upper one.
        baseline: Fraction that the most frequent class has of the images.
    """

    data: str
    accuracy: str
    number: str
    low: str
    high: str
    baseline: float
    verdict: str
    advice: tuple[tuple[str, str], ...]


def build_headline(inputs: ReportInputs) -> Headline:
    """Return the accuracy, the verdict, and advice as pairs of a sentence and a command."""
    evaluation, data = inputs.evaluation, inputs.evaluation.data.rstrip("/")
    digits = next((d for below, d in DIGITS if evaluation.num_examples < below), 2)
    low, high = (share_text(end, digits) for end in evaluation.accuracy_ci95)
    accuracy = share_text(evaluation.accuracy, digits)
    fit = None if inputs.adopted else diagnose_fit(inputs.run.history(), inputs.run.recipe())
    return Headline(
        data=SHOWN_NAMES.get(data, data),
        accuracy=accuracy,
        number=_counts(inputs) if _are_too_few(inputs) else f"{accuracy} %",
        low=low,
        high=high,
        baseline=evaluation.evidence.majority_baseline,
        verdict=_verdict(inputs, fit),
        advice=tuple(_advice(inputs, fit)),
    )


def _are_too_few(inputs: ReportInputs) -> bool:
    return inputs.evaluation.num_examples < TOO_FEW_IMAGES


def _counts(inputs: ReportInputs) -> str:
    num = inputs.evaluation.num_examples
    return f"{round(inputs.evaluation.accuracy * num)} of {num}"


def _verdict(inputs: ReportInputs, fit: FitDiagnosis | None) -> str:
    evaluation, evidence = inputs.evaluation, inputs.evaluation.evidence
    if _are_too_few(inputs):
        return too_few_to_judge(evaluation.num_examples)
    if evidence.majority_baseline >= evaluation.accuracy_ci95[0]:
        return (
            f"Not shown to be better than always predicting {truncate_middle(_majority(inputs))}, "
            f"which is right on {share_text(evidence.majority_baseline)} %."
        )
    if fit is None:
        return f"Adopted from {inputs.adopted}: judged as it is, since its training is unknown."
    return fit.sentences[0]


def _majority(inputs: ReportInputs) -> str:
    return inputs.evaluation.evidence.majority_class


def _advice(inputs: ReportInputs, fit: FitDiagnosis | None) -> list[tuple[str, str]]:
    """Return what to do next, the most important first."""
    advice, evaluation, recipe = [], inputs.evaluation, inputs.run.recipe()
    if evaluation.num_examples < FEW_IMAGES:
        advice.append(
            (
                f"Add images: {evaluation.num_examples:,} {evaluation.split} images leave the "
                "accuracy uncertain.",
                "",
            )
        )
    remedies: dict[str, tuple[str, dict[str, Any]]] = {
        "still improving": ("Train longer.", {"epochs": 2 * recipe.epochs}),
        "too short": ("Train longer.", {"epochs": 5}),
        "unstable": ("Lower the rate.", {"learning_rate": f"{recipe.learning_rate / 3:.1g}"}),
        "overfitting": ("Search for better augmentation and dropout.", {}),
        "underfitting": ("Search for a better network and learning rate.", {}),
    }
    if fit is not None and fit.verdict in remedies and not _are_too_few(inputs):
        sentence, changes = remedies[fit.verdict]
        command = command_of(override(recipe, changes), "train" if changes else "tune")
        data = shlex.quote(inputs.run.manifest()["data"]["name"])
        advice.append((sentence, f"{command} --data {data}"))
    if inputs.errors.pairs:
        pair = inputs.errors.pairs[0]
        if pair.first_as_second + pair.second_as_first >= MANY_CONFUSED:
            names = truncate_middle(pair.first), truncate_middle(pair.second)
            advice.append(("Inspect the images of {} and {} that it confuses.".format(*names), ""))
    is_test_unused = len(inputs.data.test) and not evaluation.num_test_evaluations
    if is_test_unused and evaluation.split == "validation":
        advice.append(
            (
                "When all choices are made, judge it once on the test images.",
                f"ankleboot evaluate {shlex.quote(inputs.model.name)} --split test",
            )
        )
    return advice
