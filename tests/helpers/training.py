"""Callbacks and readings of training runs."""

import os
import signal

from ankleboot.models.run import Run
from ankleboot.training.callbacks import TrainingCallback


def weights(run: Run) -> str:
    return str(run.result()["weights_sha256"])


class StopAt(TrainingCallback):
    """Sends this process a signal after a step, as a user would."""

    def __init__(self, epoch: int, step: int, signum: int = signal.SIGINT) -> None:
        self.epoch, self.step, self.signum = epoch, step, signum

    def on_step_end(
        self, epoch: int, step: int, num_steps: int, loss: float, accuracy: float
    ) -> None:
        if (epoch, step) >= (self.epoch, self.step) and self.signum:
            os.kill(os.getpid(), self.signum)
            self.signum = 0
