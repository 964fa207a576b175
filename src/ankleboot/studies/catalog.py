"""The concept questions as experiments: one file each, in the order of a first lesson.

    document = runner.run_study(STUDIES["pooling"], load(), Path("runs/studies"), ...)

A study holds its variants (recipes), what is measured, which differences are tested, and functions
from the numbers to sentences and charts. To add one, add a file and a line here. Nothing here loads
TensorFlow or matplotlib: the runs are made in processes of their own (`run`), the figures drawn
when a page is written.
"""

from collections.abc import Mapping
from types import MappingProxyType

from ankleboot.core.errors import UsageError
from ankleboot.studies.questions import (
    ablation_ladder,
    confusion,
    convolutions,
    filters,
    normalization,
    overfitting,
    pooling,
    softmax,
)
from ankleboot.studies.study import Study

_ALL = (
    convolutions,
    filters,
    pooling,
    normalization,
    softmax,
    overfitting,
    confusion,
    ablation_ladder,
)

STUDIES: Mapping[str, Study] = MappingProxyType({one.STUDY.name: one.STUDY for one in _ALL})


def get_study(name: str) -> Study:
    """The study called `name`.

    Raises:
        UsageError: If there is none; the message lists the known ones.
    """
    if name not in STUDIES:
        raise UsageError(f"unknown study {name!r}; valid: {', '.join(STUDIES)} (or all)")
    return STUDIES[name]
