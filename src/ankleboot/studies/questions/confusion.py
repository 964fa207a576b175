"""Confusion matrix: errors by pair, merged classes, label issues, other networks."""

from dataclasses import replace
from functools import partial

import numpy as np

from ankleboot.core.types import unpack_array
from ankleboot.evaluation.error_analysis import UPPER_BODY
from ankleboot.evaluation.statistics import mean_interval
from ankleboot.recipes.catalog import SPRINT
from ankleboot.studies.claims import mean_between, trained_with
from ankleboot.studies.questions.base import SHIPPED
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import join_and
from ankleboot.studies.study import Chart, Claim, PlainAnswer, Study, Variant

OTHERS = "other networks"
HUMAN = 0.835
"""Majority of three non-experts on 1,000 images, published by the authors of the data set: https://github.com/zalandoresearch/fashion-mnist"""


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State errors by pair, merged classes, and shared errors and label issues."""
    mean = partial(results.mean, SHIPPED.name)
    errors, images = mean("num_errors"), round(mean("num_validation"))
    pair, upper = (mean(key) / max(errors, 1) for key in ("pair_errors", "upper_body_errors"))
    recalls: dict[str, float] = results.first_value(SHIPPED.name, "recalls")
    worst, second = sorted(recalls, key=lambda name: recalls[name])[:2]
    first = (
        f"The network errs on {errors:,.0f} of {images:,} validation images. Of these errors "
        f"{100 * pair:.0f} % are between T-shirt/top and Shirt, and {100 * upper:.0f} % are among "
        f"{join_and(UPPER_BODY)}. It finds {100 * recalls[worst]:.1f} % of the images of {worst}, "
        f"and at least {100 * recalls[second]:.1f} % of every other class."
    )
    merges = ("accuracy", "merged_accuracy", "merged_upper_accuracy")
    accuracy, merged, four = (mean(key) for key in merges)
    decision = (
        f"With T-shirt/top and Shirt as one class, the accuracy would rise from "
        f"{100 * accuracy:.2f} to {100 * merged:.2f} % ({100 * (merged - accuracy):+.2f} points). "
        f"With all four classes of the upper body as one it would be {100 * four:.2f} %. Whether a "
        "shop needs the four apart is a question for the shop."
    )
    humans = (
        f"Three people without training, by majority, were right on {100 * HUMAN:.1f} % of 1,000 "
        f"images (published by the authors of the data set). The network is right on "
        f"{100 * accuracy:.1f} %."
    )
    return first, decision, f"{_others(results)} {_labels(results)} {humans}"


def _others(results: StudyResults) -> str:
    """State the share of errors that other networks share."""
    shares = results.values(OTHERS, "same_error_pair")
    if not shares:
        return "Other networks were not asked."
    mean, bounds = results.mean(OTHERS, "same_error_pair"), mean_interval(shares)
    sentence = (
        f"Networks of another recipe give the same wrong answer to {100 * mean:.0f} % of the "
        "images that this one confuses between the two"
    )
    if bounds is None or results.is_quick:
        return f"{sentence}."
    interval = f"95 % interval {100 * bounds[0]:.0f} to {100 * bounds[1]:.0f} %"
    if bounds[0] > 0.5:
        conclusion = "So most of this confusion is not this network's own."
    elif bounds[1] < 0.5:
        conclusion = "So most of this confusion is this network's own."
    else:
        conclusion = "This leaves open whether most of it is this network's own."
    return f"{sentence} ({len(shares)} seeds, {interval}). {conclusion}"


def _labels(results: StudyResults) -> str:
    if not results.has(SHIPPED.name, "doubted_pair"):
        return "The labels were not checked, because cleanlab is not installed."
    return (
        f"cleanlab doubts the label of {100 * results.mean(SHIPPED.name, 'doubted_pair'):.0f} % of "
        f"these images, of {results.show(SHIPPED.name, 'doubted_errors')} of all errors and of "
        f"{results.show(SHIPPED.name, 'doubted')} of all validation images."
    )


def _finds_shirts_least(results: StudyResults) -> bool:
    recalls: dict[str, float] = results.first_value(SHIPPED.name, "recalls")
    return min(recalls, key=lambda name: recalls[name]) == "Shirt"


def _two_thirds_are_upper_body(results: StudyResults) -> bool:
    upper, errors = (results.mean(SHIPPED.name, key) for key in ("upper_body_errors", "num_errors"))
    return 0.64 < upper / errors < 0.70


def _others_repeat_most(results: StudyResults) -> bool:
    """Check that the interval of the share of repeated errors is above a half."""
    bounds = mean_interval(results.values(OTHERS, "same_error_pair"))
    return bounds is not None and bounds[0] > 0.5


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot the matrix, images of the pair, and the agreement of other networks."""
    from ankleboot.evaluation import plots
    from ankleboot.studies.charts import image_rows

    first = partial(results.first_value, SHIPPED.name)
    matrix = partial(plots.confusion_heatmap, np.array(first("matrix")), first("class_names"))
    title = "Predicted classes in percent of the true class"
    figures = [Chart(title, matrix, has_pixels=True)]
    shown = unpack_array(first("shown"))
    captions = [caption.replace(", said ", "\nas ") for caption in first("shown_words")]
    rows = [slice(start, min(start + 4, len(shown))) for start in range(0, len(shown), 4)]
    if rows:
        figures.append(
            image_rows(
                "T-shirt/top and Shirt confused, the most confident errors first",
                {f"{row.start + 1} to {row.stop}": list(shown[row]) for row in rows},
                {f"{row.start + 1} to {row.stop}": captions[row] for row in rows},
            )
        )
    if results.has(OTHERS, "same_error_pair"):
        keys = {"the same error": "same_error_pair", "right": "right_there"}
        shares = {name: results.scaled(OTHERS, key) for name, key in keys.items()}
        title = "Other networks on the images that this one confuses between the two"
        figures.append(Chart(title, partial(plots.strip_plot, shares, "% of these images")))
    return tuple(figures)


_SHIPPED_VARIANT = replace(
    SHIPPED, measures=("confusion:measure_confusions", "confusion:measure_label_issues")
)
_OTHERS_VARIANT = Variant(name=OTHERS, recipe=SPRINT, measures=("confusion:measure_shared_errors",))

PLAIN_ANSWER = PlainAnswer(
    sentences=(
        "It shows which classes a network mixes up, not only how often it errs.",
        "Here two thirds of all errors are among T-shirts, pullovers, coats and shirts, and shirts "
        "are found least often.",
        "Other networks repeat more than half of the mix-ups of T-shirt and shirt, so this network "
        "alone is not to blame.",
    ),
    claims=(
        Claim("two thirds of the errors are among the upper body", _two_thirds_are_upper_body),
        Claim("the class Shirt has the lowest recall", _finds_shirts_least),
        Claim("other networks repeat more than half of the errors", _others_repeat_most),
        trained_with(SHIPPED.name, epochs=40),
        trained_with(OTHERS, epochs=2),
        mean_between(SHIPPED.name, "doubted_pair", 0.2, 0.3),
    ),
    figure=0,
    caption=(
        "Each row is a true class, each column an answer. Everything off the diagonal is an error."
    ),
    caveats=(
        "This is one shipped network, and the others are five runs of the recipe `sprint`, which "
        "train for two epochs.",
        "cleanlab suspects wrong labels from the probabilities alone. A person has to examine "
        "an image before its label counts as wrong.",
    ),
)

STUDY = Study(
    name="confusion",
    question="What does the confusion matrix show?",
    hypothesis=(
        "Most errors are among a few pairs of classes that people would confuse as well. Part of "
        "them are errors of the labels, which no network can remove."
    ),
    variants=(_SHIPPED_VARIANT, _OTHERS_VARIANT),
    quick=(_SHIPPED_VARIANT,),
    measures=("accuracy:measure_accuracy", "data_size:measure_data_size"),
    columns=(
        "accuracy",
        "merged_accuracy",
        "merged_upper_accuracy",
        "doubted",
        "doubted_errors",
        "doubted_pair",
        "same_error",
        "same_error_pair",
        "right_there",
    ),
    answer=answer,
    charts=charts,
    next_steps=(
        "ankleboot evaluate pocket  # the confusion matrix in the terminal",
        "ankleboot data audit  # images whose label seems wrong",
        "ankleboot explain pocket test:0  # what led to one answer",
    ),
    plain=PLAIN_ANSWER,
    minutes=2.0,
)
