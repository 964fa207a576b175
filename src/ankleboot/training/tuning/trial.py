"""One trial of a search, in a process of its own.

    python -m ankleboot.training.tuning.trial REQUEST RUN_DIR

REQUEST is the JSON document of a `TrialRequest`. It prints the figures of the run as JSON.
"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ankleboot.core.errors import DivergedError
from ankleboot.core.tensorflow_settings import use_backend
from ankleboot.models.history import EpochRecord
from ankleboot.models.run import Run
from ankleboot.training.callbacks import TrainingCallback
from ankleboot.training.train_once import TrainingRequest


@dataclass(frozen=True)
class TrialRequest:
    """Training of a trial, and the accuracies below which it is given up.

    Attributes:
        prune_below: Validation accuracy by epoch, the first one first; None where nothing is
            pruned.
    """

    training: TrainingRequest
    prune_below: tuple[float | None, ...]

    def to_json(self) -> str:
        """Return the request as one line of JSON."""
        return json.dumps([self.training.to_json(), self.prune_below])

    @classmethod
    def from_json(cls, text: str) -> "TrialRequest":
        """Read a request."""
        training, prune_below = json.loads(text)
        return cls(TrainingRequest.from_json(training), tuple(prune_below))


class PrunedError(Exception):
    """End of a trial whose learning curve is worse than that of others."""


class Pruner(TrainingCallback):
    """Ends a training whose accuracy after an epoch is below that of other trials."""

    def __init__(self, prune_below: tuple[float | None, ...]) -> None:
        self._prune_below = prune_below

    def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:  # noqa: ARG002
        if record.epoch > len(self._prune_below):
            return
        bound = self._prune_below[record.epoch - 1]
        if bound is not None and record.validation_accuracy < bound:
            raise PrunedError


def main(arguments: list[str]) -> None:
    """Make a trial, or continue it, and print its figures."""
    use_backend(os.environ.get("ANKLEBOOT_BACKEND", "tensorflow"))
    request, folder = TrialRequest.from_json(arguments[0]), Path(arguments[1])
    state = "complete"
    try:
        request.training.run(folder, callbacks=[Pruner(request.prune_below)])
    except PrunedError:
        state = "pruned"
    except DivergedError:
        state = "diverged"
    print(json.dumps(read_figures(Run(folder), state)))


def read_figures(run: Run, state: str) -> dict[str, Any]:
    """Return state, learning curve and objectives of a trial."""
    history = run.history() if (run.folder / "history.csv").is_file() else ()
    document = {"state": state, "curve": [record.validation_accuracy for record in history]}
    if state != "complete":
        return document
    result = run.result()
    return document | {
        "objectives": {
            "validation_accuracy": result["validation"]["accuracy"],
            "validation_loss": result["validation"]["loss"],
            "train_seconds": result["train_seconds"],
            "parameters": result["parameters"],
            "model_bytes": run.model_path.stat().st_size,
        }
    }


if __name__ == "__main__":
    main(sys.argv[1:])
