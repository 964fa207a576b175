"""Callbacks of training: subclass `TrainingCallback` and override the events of interest."""

from dataclasses import dataclass
from typing import Any

from ankleboot.data.splits import Split
from ankleboot.models.history import EpochRecord
from ankleboot.models.run import Run


@dataclass(frozen=True)
class LayerSummary:
    """One layer of the model summary; the output shape leaves out the batch axis."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int


def layer_summary(model: Any) -> list[LayerSummary]:
    """Summarize the layers of a Keras model in order, without the input."""
    return [
        LayerSummary(layer.name, kind, layer.output.shape[1:], layer.count_params())
        for layer in model.layers
        if (kind := type(layer).__name__) != "InputLayer"
    ]


class TrainingCallback:
    """Base class of callbacks; its methods do nothing."""

    def on_start(self, run: Run, layers: list[LayerSummary], split: Split) -> None:
        """Receive the start, or the continuation, of a run."""

    def on_message(self, message: str) -> None:
        """Receive a warning of one line."""

    def on_step_end(
        self, epoch: int, step: int, num_steps: int, loss: float, accuracy: float
    ) -> None:
        """Receive the epoch's mean loss and accuracy after some more steps."""

    def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:
        """Receive the metrics of an epoch; its files are being written meanwhile."""

    def on_complete(self, run: Run) -> None:
        """Receive the run when its folder is complete, with calibration and diagnosis."""

    def on_stop(self, error: BaseException) -> None:
        """Receive what ended a training before its end."""
