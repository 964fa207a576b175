"""How much a run had to learn from."""

from typing import Any

from ankleboot.studies.measures.trained_run import TrainedRun


def counts(trained: TrainedRun) -> dict[str, Any]:
    """Training images and validation images."""
    return {
        "num_train": len(trained.data.split(trained.recipe).train),
        "num_validation": len(trained.part),
    }
