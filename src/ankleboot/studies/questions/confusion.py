"""Confusion matrix: errors by pair, merged classes, label issues, other networks."""

from dataclasses import replace
from functools import partial

import numpy as np

from ankleboot.core.types import unpack_array
from ankleboot.evaluation.error_analysis import UPPER_BODY
from ankleboot.evaluation.statistics import mean_interval
from ankleboot.recipes.catalog import SPRINT
from ankleboot.studies.questions.base import SHIPPED
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import join_and, join_clauses
from ankleboot.studies.study import Chart, Study, Variant

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
        f"Of {errors:,.0f} errors on {images:,} validation images {100 * pair:.0f} % are between "
        f"T-shirt/top and Shirt and {100 * upper:.0f} % among {join_and(UPPER_BODY)}; of the "
        f"images of {worst} only {100 * recalls[worst]:.1f} % are found, of every other class "
        f"at least {100 * recalls[second]:.1f} %."
    )
    merges = ("accuracy", "merged_accuracy", "merged_upper_accuracy")
    accuracy, merged, four = (mean(key) for key in merges)
    decision = (
        f"Sold as one class, T-shirt/top and Shirt would bring the accuracy from "
        f"{100 * accuracy:.2f} to {100 * merged:.2f} % ({100 * (merged - accuracy):+.2f} points), "
        f"all four of the upper body as one to {100 * four:.2f} %: what the four are worth apart "
        "is a question of the shop, not of the network."
    )
    humans = (
        f"people who are no experts were right in {100 * HUMAN:.1f} % of the cases (published by "
        f"the data set's authors), the network is in {100 * accuracy:.1f} %"
    )
    return first, decision, join_clauses(_others(results), _labels(results), humans)


def _others(results: StudyResults) -> str:
    """State the share of errors that other networks share."""
    shares = results.values(OTHERS, "same_error_pair")
    if not shares:
        return "whether other networks err likewise was not asked"
    mean, bounds = results.mean(OTHERS, "same_error_pair"), mean_interval(shares)
    clause = (
        f"networks of another recipe give the same wrong answer to {100 * mean:.0f} % of the "
        f"images that this one confuses between the two"
    )
    if bounds is None or results.is_quick:
        return clause
    interval = f"95 % interval {100 * bounds[0]:.0f} to {100 * bounds[1]:.0f}"
    if bounds[0] > 0.5:
        conclusion = ", so most of this confusion is not this network's own"
    elif bounds[1] < 0.5:
        conclusion = ", so most of this confusion is this network's own"
    else:
        conclusion = ": whose it is cannot be said"
    return f"{clause} ({len(shares)} seeds, {interval}){conclusion}"


def _labels(results: StudyResults) -> str:
    if not results.has(SHIPPED.name, "doubted_pair"):
        return "labels were not doubted: cleanlab is not installed"
    return (
        f"cleanlab doubts the label of {100 * results.mean(SHIPPED.name, 'doubted_pair'):.0f} % of "
        f"them, of {results.show(SHIPPED.name, 'doubted_errors')} of all errors and of "
        f"{results.show(SHIPPED.name, 'doubted')} of all validation images"
    )


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot the matrix, images of the pair, and the agreement of other networks."""
    from ankleboot.evaluation import plots
    from ankleboot.studies.charts import image_rows

    first = partial(results.first_value, SHIPPED.name)
    matrix = partial(plots.confusion_heatmap, np.array(first("matrix")), first("class_names"))
    title = "What is taken for what, in per cent of the true class"
    figures = [Chart(title, matrix, has_pixels=True)]
    shown = unpack_array(first("shown"))
    captions = [caption.replace(", ", ",\n") for caption in first("shown_words")]
    rows = [slice(start, min(start + 6, len(shown))) for start in range(0, len(shown), 6)]
    if rows:
        figures.append(
            image_rows(
                "T-shirt/top and Shirt taken for each other, the surest errors first",
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

STUDY = Study(
    name="confusion",
    question="What does the confusion matrix tell?",
    hypothesis=(
        "Most errors are among a few pairs of classes that people would confuse as well; part of "
        "them are the labels', so no network can remove them."
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
        "ankleboot evaluate pretrained",
        "ankleboot data audit",
        "ankleboot explain pretrained test:0",
    ),
    minutes=2.0,
)
