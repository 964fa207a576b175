"""What training tells whoever watches; the command line draws progress with it."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ankleboot.data.splits import Split
from ankleboot.models.run import EpochRecord, Run


@dataclass(frozen=True)
class LayerSummary:
    """One line of the model summary; the batch axis is left out of the shape."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int


@runtime_checkable
class TrainingCallback(Protocol):
    """Receives the events of a training run in order."""

    def started(self, run: Run, layers: list[LayerSummary], split: Split) -> None:
        """Training begins, or continues."""

    def noted(self, message: str) -> None:
        """Something worth a line of warning."""

    def stepped(self, epoch: int, step: int, num_steps: int, loss: float, accuracy: float) -> None:
        """Some more batches are done; the figures are means over the epoch so far."""

    def epoch_ended(self, record: EpochRecord, is_best: bool) -> None:
        """An epoch is done and validated, and is being saved."""


class Silent:
    """An observer that says nothing."""

    def started(self, run: Run, layers: list[LayerSummary], split: Split) -> None:
        pass

    def noted(self, message: str) -> None:
        pass

    def stepped(self, epoch: int, step: int, num_steps: int, loss: float, accuracy: float) -> None:
        pass

    def epoch_ended(self, record: EpochRecord, is_best: bool) -> None:
        pass
