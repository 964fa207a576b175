"""The promises in the order of their lines."""

from soak.faults import check as faults
from soak.promise import Promise

PROMISES: tuple[Promise, ...] = (
    Promise(
        "faults",
        "calls of files that failed once, under light commands",
        faults.check_light,
        weight=12,
        goal=300,
        short_goal=10,
    ),
    Promise(
        "training-faults",
        "calls of files that failed once, under commands with TensorFlow",
        faults.check_heavy,
        weight=12,
        goal=20,
    ),
)
