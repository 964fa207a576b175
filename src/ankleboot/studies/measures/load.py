"""Measures of a trained run, loaded by name.

A measure takes a `TrainedRun` and returns numbers and lists for "measures" of a run's row. It uses
validation images only. To add one, write a function in this package and name it in a study.
"""

import pkgutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the parent process loads no TensorFlow
    from ankleboot.studies.measures.trained_run import TrainedRun

MEASURES_VERSION = 1
"""Raise it when a change alters what a measure returns for the same run: stored runs of studies are
then repeated."""


def load_measure(name: str) -> "Callable[[TrainedRun], dict[str, Any]]":
    """Import a measure: "cost:measure_cost" is the function `measure_cost` of cost.py."""
    function: Callable[[TrainedRun], dict[str, Any]] = pkgutil.resolve_name(f"{__package__}.{name}")
    return function
