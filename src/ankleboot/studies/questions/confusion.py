"""What the confusion matrix tells: from a table to decisions."""

from ankleboot.evaluation.error_analysis import UPPER_BODY
from ankleboot.evaluation.statistics import mean_interval
from ankleboot.recipes.catalog import POCKET, SPRINT
from ankleboot.studies.charts import Dots, Matrix, Tiles
from ankleboot.studies.packing import unpacked
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import join_and, join_clauses
from ankleboot.studies.study import Chart, Study, Variant

SHIPPED, OTHERS = "shipped", "other networks"
HUMAN = 0.835
"""Three people who are no experts, majority of three, 1,000 images; published by the data set's
authors: https://github.com/zalandoresearch/fashion-mnist"""


def answer(found: StudyResults) -> tuple[str, str, str]:
    """Pairs and images; merged classes; whose fault it is."""
    errors = found.mean(SHIPPED, "num_errors")
    images = round(found.mean(SHIPPED, "num_validation"))
    pair = found.mean(SHIPPED, "pair_errors") / max(errors, 1)
    upper = found.mean(SHIPPED, "upper_body_errors") / max(errors, 1)
    recalls: dict[str, float] = found.first(SHIPPED, "recalls")
    worst, second = sorted(recalls, key=lambda name: recalls[name])[:2]
    first = (
        f"Of {errors:,.0f} errors on {images:,} validation images {100 * pair:.0f} % are between "
        f"T-shirt/top and Shirt and {100 * upper:.0f} % among {join_and(UPPER_BODY)}; of the images "
        f"of {worst} only {100 * recalls[worst]:.1f} % are found, of every other class at least "
        f"{100 * recalls[second]:.1f} %."
    )
    accuracy, merged = found.mean(SHIPPED, "accuracy"), found.mean(SHIPPED, "merged_accuracy")
    four = found.mean(SHIPPED, "merged_upper_accuracy")
    decision = (
        f"Sold as one class, T-shirt/top and Shirt would bring the accuracy from "
        f"{100 * accuracy:.2f} to {100 * merged:.2f} % ({100 * (merged - accuracy):+.2f} points), "
        f"all four of the upper body as one to {100 * four:.2f} %: what the four are worth apart "
        "is a question of the shop, not of the network."
    )
    return first, decision, join_clauses([*_others(found), *_labels(found), _humans(accuracy)])


def _others(found: StudyResults) -> list[str]:
    """What other networks say of the same images."""
    shares = found.values(OTHERS, "same_error_pair")
    if not shares:
        return ["whether other networks err likewise was not asked"]
    middle, bounds = found.mean(OTHERS, "same_error_pair"), mean_interval(shares)
    clause = (
        f"networks of another recipe give the same wrong answer to {100 * middle:.0f} % of the "
        f"images that this one confuses between the two"
    )
    if bounds is None or found.is_quick:
        return [clause]
    clause += (
        f" ({len(shares)} seeds, 95 % interval {100 * bounds[0]:.0f} to {100 * bounds[1]:.0f})"
    )
    if bounds[0] > 0.5:
        return [f"{clause}, so most of this confusion is not this network's own"]
    if bounds[1] < 0.5:
        return [f"{clause}, so most of this confusion is this network's own"]
    return [f"{clause}: whose it is cannot be said"]


def _labels(found: StudyResults) -> list[str]:
    shares = found.values(SHIPPED, "doubted_pair")
    if not shares:
        return ["labels were not doubted: cleanlab is not installed"]
    return [
        f"cleanlab doubts the label of {100 * shares[0]:.0f} % of them, of "
        f"{found.show(SHIPPED, 'doubted_errors')} of all errors and of "
        f"{found.show(SHIPPED, 'doubted')} of all validation images"
    ]


def _humans(accuracy: float) -> str:
    return (
        f"people who are no experts were right in {100 * HUMAN:.1f} % of the cases (published by "
        f"the data set's authors), the network is in {100 * accuracy:.1f} %"
    )


def charts(found: StudyResults) -> tuple[Chart, ...]:
    """The matrix, the images of the pair, the other networks."""
    shown = unpacked(found.first(SHIPPED, "shown"))
    words: list[str] = found.first(SHIPPED, "shown_words")
    rows = {
        f"{start + 1} to {start + len(shown[start : start + 6])}": start
        for start in range(0, len(shown), 6)
    }
    drawn: list[Chart] = [
        Matrix(
            "What is taken for what, in per cent of the true class",
            found.first(SHIPPED, "matrix"),
            found.first(SHIPPED, "class_names"),
        ),
    ]
    if rows:
        drawn.append(
            Tiles(
                "T-shirt/top and Shirt taken for each other, the surest errors first",
                {name: list(shown[start : start + 6]) for name, start in rows.items()},
                {
                    name: [_broken(one) for one in words[start : start + 6]]
                    for name, start in rows.items()
                },
            )
        )
    if found.has(OTHERS, "same_error_pair"):
        drawn.append(
            Dots(
                "Other networks on the images that this one confuses between the two",
                {
                    "the same error": [100 * v for v in found.values(OTHERS, "same_error_pair")],
                    "right": [100 * v for v in found.values(OTHERS, "right_there")],
                },
                "% of these images",
            )
        )
    return tuple(drawn)


def _broken(words: str) -> str:
    return words.replace(", ", ",\n")


STUDY = Study(
    name="confusion",
    question="What does the confusion matrix tell?",
    hypothesis=(
        "Most errors are among a few pairs of classes that people would confuse as well; part of "
        "them are the labels', so no network can remove them."
    ),
    variants=(
        Variant(
            name=SHIPPED,
            recipe=POCKET,
            shipped=True,
            once=True,
            measures=("confusions", "doubts"),
        ),
        Variant(name=OTHERS, recipe=SPRINT, measures=("opinion",)),
    ),
    quick=(
        Variant(
            name=SHIPPED,
            recipe=POCKET,
            shipped=True,
            once=True,
            measures=("confusions", "doubts"),
        ),
    ),
    measures=("answers", "counts"),
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
