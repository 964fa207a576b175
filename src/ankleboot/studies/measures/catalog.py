"""What is measured of a run beyond its accuracy: functions of a trained network, one kind a file.

Each takes a `TrainedRun` and returns numbers and lists for the row's "measures". They judge validation
images alone. To add a measure, add a function and a line here.
"""

import importlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the parent process knows the names, and loads no TensorFlow
    from ankleboot.studies.measures.trained_run import TrainedRun

MEASURES_VERSION = 1
"""Raise it when a change alters what a measure returns for the same run: stored runs of studies are
then repeated."""

MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "ablation": "filters",
        "answers": "answers",
        "confusions": "confusions",
        "cost": "cost",
        "counts": "counts",
        "doubts": "confusions",
        "edges": "filters",
        "epochs_to_target": "gradients",
        "fit": "fit",
        "gradients": "gradients",
        "opinion": "confusions",
        "pictures": "filters",
        "probes": "filters",
        "receptive_field": "cost",
        "shifts": "shifts",
        "softmax": "softmax",
        "stable_rate": "gradients",
    }
)
"""By the function's name, the module here that has it."""


def measure(name: str) -> "Callable[[TrainedRun], dict[str, Any]]":
    """The function of that name."""
    module = importlib.import_module(f"{__name__}.{MEASURES[name]}")
    found: Callable[[TrainedRun], dict[str, Any]] = getattr(module, name)
    return found
