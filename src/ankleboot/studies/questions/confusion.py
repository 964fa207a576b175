"""Confusion matrix: errors by pair, merged classes, label issues, other networks."""

from functools import partial

import numpy as np

from ankleboot.core.types import unpack_array
from ankleboot.evaluation.error_analysis import UPPER_BODY
from ankleboot.evaluation.statistics import mean_interval
from ankleboot.recipes.catalog import POCKET, SPRINT
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import join_and, join_clauses
from ankleboot.studies.study import Chart, Study, Variant

SHIPPED, OTHERS = "shipped", "other networks"
HUMAN = 0.835
"""Majority of three non-experts on 1,000 images, published by the authors of the data set: https://github.com/zalandoresearch/fashion-mnist"""


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State errors by pair, merged classes, and shared errors and label issues."""
    errors = results.mean(SHIPPED, "num_errors")
    images = round(results.mean(SHIPPED, "num_validation"))
    pair = results.mean(SHIPPED, "pair_errors") / max(errors, 1)
    upper = results.mean(SHIPPED, "upper_body_errors") / max(errors, 1)
    recalls: dict[str, float] = results.first_value(SHIPPED, "recalls")
    worst, second = sorted(recalls, key=lambda name: recalls[name])[:2]
    first = (
        f"Of {errors:,.0f} errors on {images:,} validation images {100 * pair:.0f} % are between "
        f"T-shirt/top and Shirt and {100 * upper:.0f} % among {join_and(UPPER_BODY)}; of the "
        f"images of {worst} only {100 * recalls[worst]:.1f} % are found, of every other class "
        f"at least {100 * recalls[second]:.1f} %."
    )
    accuracy, merged = results.mean(SHIPPED, "accuracy"), results.mean(SHIPPED, "merged_accuracy")
    four = results.mean(SHIPPED, "merged_upper_accuracy")
    decision = (
        f"Sold as one class, T-shirt/top and Shirt would bring the accuracy from "
        f"{100 * accuracy:.2f} to {100 * merged:.2f} % ({100 * (merged - accuracy):+.2f} points), "
        f"all four of the upper body as one to {100 * four:.2f} %: what the four are worth apart "
        "is a question of the shop, not of the network."
    )
    return first, decision, join_clauses([*_others(results), *_labels(results), _humans(accuracy)])


def _others(results: StudyResults) -> list[str]:
    """State the share of errors that other networks share."""
    shares = results.values(OTHERS, "same_error_pair")
    if not shares:
        return ["whether other networks err likewise was not asked"]
    mean, bounds = results.mean(OTHERS, "same_error_pair"), mean_interval(shares)
    clause = (
        f"networks of another recipe give the same wrong answer to {100 * mean:.0f} % of the "
        f"images that this one confuses between the two"
    )
    if bounds is None or results.is_quick:
        return [clause]
    clause += (
        f" ({len(shares)} seeds, 95 % interval {100 * bounds[0]:.0f} to {100 * bounds[1]:.0f})"
    )
    if bounds[0] > 0.5:
        return [f"{clause}, so most of this confusion is not this network's own"]
    if bounds[1] < 0.5:
        return [f"{clause}, so most of this confusion is this network's own"]
    return [f"{clause}: whose it is cannot be said"]


def _labels(results: StudyResults) -> list[str]:
    shares = results.values(SHIPPED, "doubted_pair")
    if not shares:
        return ["labels were not doubted: cleanlab is not installed"]
    return [
        f"cleanlab doubts the label of {100 * shares[0]:.0f} % of them, of "
        f"{results.show(SHIPPED, 'doubted_errors')} of all errors and of "
        f"{results.show(SHIPPED, 'doubted')} of all validation images"
    ]


def _humans(accuracy: float) -> str:
    return (
        f"people who are no experts were right in {100 * HUMAN:.1f} % of the cases (published by "
        f"the data set's authors), the network is in {100 * accuracy:.1f} %"
    )


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot the matrix, images of the pair, and the agreement of other networks."""
    from ankleboot.evaluation import plots

    shown = unpack_array(results.first_value(SHIPPED, "shown"))
    captions: list[str] = results.first_value(SHIPPED, "shown_words")
    rows = {
        f"{start + 1} to {start + len(shown[start : start + 6])}": start
        for start in range(0, len(shown), 6)
    }
    figures: list[Chart] = [
        Chart(
            "What is taken for what, in per cent of the true class",
            partial(
                plots.confusion_heatmap,
                np.array(results.first_value(SHIPPED, "matrix")),
                results.first_value(SHIPPED, "class_names"),
            ),
            has_pixels=True,
        ),
    ]
    if rows:
        figures.append(
            Chart(
                "T-shirt/top and Shirt taken for each other, the surest errors first",
                partial(
                    plots.image_rows,
                    {name: list(shown[start : start + 6]) for name, start in rows.items()},
                    {
                        name: [
                            caption.replace(", ", ",\n") for caption in captions[start : start + 6]
                        ]
                        for name, start in rows.items()
                    },
                ),
                has_pixels=True,
            )
        )
    if results.has(OTHERS, "same_error_pair"):
        figures.append(
            Chart(
                "Other networks on the images that this one confuses between the two",
                partial(
                    plots.strip_plot,
                    {
                        "the same error": results.percent(OTHERS, "same_error_pair"),
                        "right": results.percent(OTHERS, "right_there"),
                    },
                    "% of these images",
                ),
            )
        )
    return tuple(figures)


_SHIPPED_VARIANT = Variant(
    name=SHIPPED,
    recipe=POCKET,
    shipped=True,
    once=True,
    measures=("confusion:measure_confusions", "confusion:measure_label_issues"),
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
    comparisons=(),
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
