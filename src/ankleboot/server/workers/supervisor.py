"""Supervision of the worker processes: start, restart, watchdog, and reload of the models."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import ApiError
from ankleboot.server.http.access_log import AccessLog
from ankleboot.server.workers.dispatcher import Dispatcher
from ankleboot.server.workers.process import WorkerProcess, WorkerStartError
from ankleboot.server.workers.queue import Job


class WorkerSupervisor:
    """Keeper of the configured number of workers."""

    def __init__(self, config: ServerConfig, dispatcher: Dispatcher, log: AccessLog) -> None:
        self._config, self._dispatcher, self._log = config, dispatcher, log
        self._paths: dict[str, str] = {}
        self._workers = dispatcher.workers  # those that serve the current models
        self._other_workers: list[WorkerProcess] = []  # that load new models or finish old requests
        self._previous: list[WorkerProcess] = []  # of these, some that keep the previous models
        self._num_failed_starts = 0  # in a row
        self._event = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._reason = "the models are being loaded"
        self.models_json = b""  # description of the served models; empty until a worker is ready
        self.num_lost = 0  # workers that died

    @property
    def num_ready(self) -> int:
        """Number of workers that can take requests."""
        return sum(worker.is_ready for worker in self._workers)

    @property
    def unavailable_reason(self) -> str | None:
        """Reason why no worker can take a request now, or None."""
        return None if any(worker.is_ready for worker in self._workers) else self._reason

    def check_available(self) -> None:
        """Check that a request submitted now will find a worker.

        Raises:
            ApiError: If no worker is ready and none is being restarted.
        """
        is_restarting = self.models_json and not self._num_failed_starts and not self._is_closed
        if self.unavailable_reason is not None and not is_restarting:
            raise self.not_ready_error()

    def not_ready_error(self) -> ApiError:
        """Return the 503 sent while no worker is ready."""
        return ApiError(503, "not_ready", f"Not ready: {self.unavailable_reason}.", retry_after=1)

    async def start(self, paths: dict[str, str]) -> None:
        """Start the workers; return when the first one is ready.

        Raises:
            WorkerStartError: If it fails to load the models.
        """
        self._paths = paths
        self._spawn(self._watch())
        await self._wait_ready(await self._launch(self._workers, paths))

    async def reload(self, paths: dict[str, str]) -> None:
        """Replace the workers by new ones with other models, once all of these are ready.

        Raises:
            WorkerStartError: If one fails to load the models; the old workers stay.
        """
        new: list[WorkerProcess] = []
        try:
            for _ in range(self._config.workers):
                new.append(await self._launch(self._other_workers, paths))
                await self._wait_ready(new[-1])
        except WorkerStartError:
            for worker in new:
                worker.drain()
            raise
        self._switch(paths, new)

    async def return_to_previous(self, paths: dict[str, str]) -> None:
        """Serve the models from before the last swap, at once if a worker has kept them.

        Raises:
            WorkerStartError: If they must be loaded again and that fails; the workers stay.
        """
        if kept := [worker for worker in self._previous if worker.is_ready]:
            self._switch(paths, kept)
        else:
            await self.reload(paths)

    def _switch(self, paths: dict[str, str], new: list[WorkerProcess]) -> None:
        """Let workers with other models serve; keep some of the old ones for the way back."""
        self._paths, self.models_json = paths, new[0].models_json
        old = self._workers.copy()
        self._workers[:] = [worker for worker in new if not worker.has_exited]
        others = [worker for worker in self._other_workers if worker not in new]
        self._other_workers = others + old
        ready = [worker for worker in old if worker.is_ready]
        self._previous = ready[: self._config.keep_previous]
        for worker in self._other_workers:
            if worker not in self._previous:
                worker.drain()
        self._start_missing()
        self._dispatcher.dispatch()

    async def close(self) -> None:
        """Shut down all workers."""
        self._is_closed = True
        for worker in (*self._workers, *self._other_workers):
            worker.drain()
        until = time.monotonic() + self._config.worker_exit_timeout_s
        while (self._workers or self._other_workers) and time.monotonic() < until:
            await self._wait_for_event()
        for worker in (*self._workers, *self._other_workers):
            worker.kill()
        for task in self._tasks:
            task.cancel()

    def on_ready(self, worker: WorkerProcess) -> None:
        """Let a worker that has loaded its models take requests."""
        self._log("worker_ready", pid=worker.pid)
        if worker in self._workers:
            self._num_failed_starts = 0
            self.models_json = worker.models_json
            self._start_missing()
            self._dispatcher.dispatch()
        self._event.set()

    def on_result(self, worker: WorkerProcess, job: Job) -> None:
        self._dispatcher.on_result(worker, job)

    def on_exit(self, worker: WorkerProcess) -> None:
        """Retry the jobs of a worker that has exited, and replace it."""
        for job in worker.jobs.values():
            self._dispatcher.retry(job)
        was_serving = worker in self._workers
        (self._workers if was_serving else self._other_workers).remove(worker)
        if was_serving and not self._is_closed and not worker.is_draining:
            self._replace(worker)
        self._event.set()
        self._dispatcher.dispatch()

    def _replace(self, worker: WorkerProcess) -> None:
        """Log the worker's exit and schedule its replacement."""
        pause_s = 0.0
        if worker.models_json:  # it had been ready
            self.num_lost += 1
            self._reason = "a worker died and is being started again"
            self._log("worker_died", code=worker.exit_code)
        else:
            self._num_failed_starts += 1
            self._reason = str(worker.start_error or "a worker cannot start")
            self._log("worker_cannot_begin", reason=self._reason)
            pause_s = min(self._config.max_restart_backoff_s, 0.1 * 2**self._num_failed_starts)
        if self.models_json:  # `start` handles the failure of the very first worker
            self._spawn(self._launch_missing(pause_s))

    def _start_missing(self) -> None:
        for _ in range(self._config.workers - len(self._workers)):
            self._spawn(self._launch_missing())

    async def _launch_missing(self, pause_s: float = 0.0) -> None:
        await asyncio.sleep(pause_s)
        if not self._is_closed and len(self._workers) < self._config.workers:
            await self._launch(self._workers, self._paths)

    async def _launch(self, workers: list[WorkerProcess], paths: dict[str, str]) -> WorkerProcess:
        worker = WorkerProcess(self)
        workers.append(worker)
        await worker.start(paths, self._config)
        return worker

    async def _wait_ready(self, worker: WorkerProcess) -> None:
        while not (worker.is_ready or worker.has_exited):
            await self._wait_for_event()
        if not worker.is_ready:
            raise worker.start_error or WorkerStartError("a worker ended while loading", 5)

    async def _wait_for_event(self) -> None:
        """Wait until a worker becomes ready or exits, at most for a watchdog period."""
        self._event.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._config.watchdog_period_s):
                await self._event.wait()

    async def _watch(self) -> None:
        """Kill workers that hang, unless this process was paused, as in a suspended container."""
        config, last = self._config, time.monotonic()
        while True:
            await asyncio.sleep(config.watchdog_period_s)
            now = time.monotonic()
            paused_s, last = max(0.0, now - last - config.watchdog_period_s), now
            for worker in (*self._workers, *self._other_workers):
                worker.last_activity += paused_s
                limit = config.request_timeout_s if worker.is_ready else config.model_load_timeout_s
                is_busy = worker.jobs or not worker.is_ready
                if is_busy and now - worker.last_activity > limit:
                    self._log("worker_hangs", pid=worker.pid)
                    worker.kill()

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
