"""Swaps of the served models: new ones on SIGHUP, and the way back to the previous on SIGUSR1.

No signal is lost: one that arrives during a swap, or before the first models are loaded, waits.
"""

import asyncio
import signal
import sys
import traceback
from collections import deque
from enum import StrEnum

from ankleboot.core.errors import AnklebootError, ModelError
from ankleboot.server.config import ServerConfig
from ankleboot.server.http.access_log import AccessLog
from ankleboot.server.http.prometheus import ServerMetrics
from ankleboot.server.workers.model_store import ModelStore
from ankleboot.server.workers.supervisor import WorkerSupervisor


class Swap(StrEnum):
    """Kind of a swap; the value labels the metric of those that succeed."""

    RELOAD = "done"
    RETURN = "returned"


SWAPS: dict[int, Swap] = (
    {} if sys.platform == "win32" else {signal.SIGHUP: Swap.RELOAD, signal.SIGUSR1: Swap.RETURN}
)
"""Swaps by signal."""


def collect_early_signals() -> list[int]:
    """Return a list that collects the signals for swaps until an event loop handles them."""
    early: list[int] = []
    for signum in SWAPS:
        signal.signal(signum, lambda number, _: early.append(number))
    return early


class ModelFiles:
    """Copies of the files of the served models, and of the previous ones if those are kept.

    Raises:
        ModelError: If a model is missing.
        EnvironmentFailure: If a file cannot be copied or exported.
    """

    def __init__(self, config: ServerConfig, log: AccessLog) -> None:
        self._config, self._log = config, log
        self._stores: list[ModelStore] = []
        self.current = self.load()
        self.previous: ModelStore | None = None

    def load(self) -> ModelStore:
        """Copy the files as they are now."""
        store = ModelStore(
            self._config.models,
            lambda message: self._log("models", note=message),
            trust=self._config.trust,
        )
        self._stores.append(store)
        return store

    def use(self, store: ModelStore) -> None:
        """Note that a store is served, and remove those that are neither that nor the previous."""
        is_kept = self._config.keep_previous > 0
        self.current, self.previous = store, self.current if is_kept else None
        self.remove_others(self.current, self.previous)

    def remove_others(self, *kept: ModelStore | None) -> None:
        """Remove the files of all other stores."""
        for store in [store for store in self._stores if store not in kept]:
            self._stores.remove(store)
            store.remove()


class ModelSwapper:
    """Swaps of the models of running workers, one after the other."""

    def __init__(
        self,
        files: ModelFiles,
        supervisor: WorkerSupervisor,
        metrics: ServerMetrics,
        log: AccessLog,
    ) -> None:
        self._files, self._supervisor = files, supervisor
        self._metrics, self._log = metrics, log
        self._waiting: deque[Swap] = deque()
        self._is_started = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with swaps, once the first models are loaded."""
        self._is_started = True
        self._proceed()

    def request(self, swap: Swap) -> None:
        """Do a swap after those that wait.

        The files are read when a reload begins, so one right after another that waits would change
        nothing.
        """
        if swap == Swap.RETURN or not self._waiting or self._waiting[-1] != swap:
            self._waiting.append(swap)
        self._proceed()

    def _proceed(self) -> None:
        if self._is_started and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._swap_all())

    async def _swap_all(self) -> None:
        while self._waiting:
            await self._swap(self._waiting.popleft())

    async def _swap(self, swap: Swap) -> None:
        """Change the models; keep the present ones if one of the others fails."""
        files = self._files
        try:
            if swap == Swap.RELOAD:
                store = await asyncio.to_thread(files.load)
                await self._supervisor.reload(store.paths)
            else:
                store = self._previous()
                await self._supervisor.return_to_previous(store.paths)
        except Exception as error:
            if not isinstance(error, AnklebootError):  # a fault of the server
                self._log("fault", trace=traceback.format_exc())
            files.remove_others(files.current, files.previous)
            self._metrics.model_reloads.labels("refused").inc()
            self._log("models_kept", reason=str(error))
            return
        files.use(store)
        self._metrics.model_reloads.labels(swap.value).inc()
        event = "models_replaced" if swap == Swap.RELOAD else "models_returned"
        self._log(event, models=",".join(store.paths))

    def _previous(self) -> ModelStore:
        if self._files.previous is None:
            raise ModelError("there are no previous models; see --keep-previous")
        return self._files.previous
