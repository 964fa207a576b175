"""Writing an epoch's files beside the training of the next one."""

import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ankleboot.core.files import atomic_write
from ankleboot.models import architectures
from ankleboot.recipes.recipe import Recipe


class SerialExecutor:
    """A thread that does one piece of work at a time, in the order in which they are given."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saving")
        self._pending: Future[None] | None = None

    def submit(self, work: Callable[[], None]) -> None:
        """Wait for the work given before, raise its error if it had one, and begin this one."""
        self.wait()
        self._pending = self._thread.submit(work)

    def wait(self) -> None:
        """Wait for the work given last, and raise its error if it had one."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def close(self) -> None:
        """Let the work given last finish; its error, if any, is lost (see `wait`)."""
        self._thread.shutdown()


class ModelWriter:
    """The network in float32 and in Keras' own layers: what files hold, whatever trained it."""

    def __init__(self, recipe: Recipe, num_classes: int) -> None:
        self.model = architectures.build_model(recipe, num_classes=num_classes)

    def save(self, weights: list[np.ndarray], path: Path) -> None:
        """Write a `.keras` file in one step (Keras writes in place: a kill would lose both).

        Args:
            weights: What `get_weights` of the network in training returned.
            path: The file to replace.
        """
        self.model.set_weights(weights)
        atomic_write(path, lambda temp: self.model.save(temp), suffix=".keras")


def weights_sha256(weights: list[np.ndarray]) -> str:
    """Hash of all weights bit by bit; the .keras file itself holds a date."""
    digest = hashlib.sha256()
    for weight in weights:
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()
