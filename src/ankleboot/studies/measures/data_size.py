"""Sizes of the splits of a run."""

from typing import Any

from ankleboot.studies.measures.trained_run import TrainedRun


def measure_data_size(trained: TrainedRun) -> dict[str, Any]:
    """Count training and validation images."""
    return {
        "num_train": len(trained.data.split(trained.recipe.split_rule).train),
        "num_validation": len(trained.validation),
    }
