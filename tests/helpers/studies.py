"""A toy study and synthetic rows."""

import numpy as np

from ankleboot.core.types import pack_array
from ankleboot.studies.sentences import describe_differences
from ankleboot.studies.study import Comparison, Row, Study, Variant
from helpers.images import TINY

ACCURACY = "accuracy:measure_accuracy"


TOY = Study(
    name="toy",
    question="Is one better?",
    hypothesis="Yes.",
    variants=(Variant(name="one", recipe=TINY), Variant(name="two", recipe=TINY)),
    quick=(Variant(name="one", recipe=TINY), Variant(name="two", recipe=TINY)),
    measures=(ACCURACY,),
    comparisons=(Comparison("accuracy", "one", "two"), Comparison("ece", "one", "two")),
    columns=("accuracy", "ece"),
    answer=lambda found: (
        describe_differences(found.comparisons_in("accuracy")),
        describe_differences(found.comparisons_in("ece")),
        "That is all.",
    ),
    charts=lambda found: (),
    next_steps=("ankleboot train plain",),
    minutes=1.0,
)


def row(variant: str, seed: int, accuracy: float, ece: float = 0.02) -> Row:
    right = np.random.default_rng(seed).random(400) < accuracy
    return {
        "study": "toy",
        "variant": variant,
        "seed": seed,
        "seconds": 1.0,
        "diverged": False,
        "measures": {"accuracy": accuracy, "ece": ece},
        "correct": pack_array(right),
    }


def pooling_rows(seeds: int) -> list[Row]:
    """Return synthetic runs: average is worse by a point, strided equal."""
    gains = {"max": 0.0, "average": -0.01, "strided": 0.0001, "none": -0.02}
    return [
        {
            **row(pooling, seed, 0.9 + gain + seed / 1_000),
            "measures": {
                "accuracy": 0.9 + gain + seed / 1_000,
                "shifted_accuracy": 0.8 + gain + seed / 1_000,
                "unchanged": 0.93,
                "train_seconds": 5.0,
                "activation_kib": 194.0,
                "parameters": 89_546,
                "receptive_field": 22,
                "shift_distances": [0, 1, 2],
                "shift_accuracies": [0.9, 0.85, 0.8],
            },
        }
        for seed in range(seeds)
        for pooling, gain in gains.items()
    ]
