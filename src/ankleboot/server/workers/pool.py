"""The workers: who gets what, how many may wait, and what happens when one dies.

A request that was with a worker when it died is tried once more, alone with another one. If that
dies too, it is the request's fault; it is answered with an error, and all others were not harmed.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from ankleboot.core.errors import AnklebootError
from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import RequestProblem, overloaded
from ankleboot.server.workers.process import Job, WorkerProcess
from ankleboot.server.workers.queue import Waiting, is_tiny

Log = Callable[..., None]


class StartError(AnklebootError):
    """The first worker could not begin."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Pool:
    """Processes that answer requests.

    Args:
        config: Number of workers, and limits of the queue.
        log: Called with a word for what happened, and facts about it.

    Attributes:
        trouble: Why no request can be answered now, or None.
        description: What is served, JSON.
        num_lost: Workers that died.
    """

    def __init__(self, config: ServerConfig, log: Log) -> None:
        self._config, self._log = config, log
        self._paths: dict[str, str] = {}
        self._workers: list[WorkerProcess] = []
        self._others: list[WorkerProcess] = []  # that are to serve other models, or did so
        self._queue, self._alone = Waiting(), Waiting()
        self._is_turn_of_queue = False  # after one that was alone, so that those do not take it all
        self._failures = 0  # workers in a row that could not begin
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._reason = "the models are being loaded"
        self.description = b""
        self.num_lost = 0

    @property
    def trouble(self) -> str | None:
        return None if any(worker.is_ready for worker in self._workers) else self._reason

    @property
    def num_ready(self) -> int:
        """Workers that can be asked."""
        return sum(worker.is_ready for worker in self._workers)

    @property
    def is_full(self) -> bool:
        """Whether a prediction would be turned away.

        A queue of photographs is long when one of tiny pictures is not: what counts is the wait.
        """
        config = self._config
        return (
            len(self._queue) >= config.queue_size
            or self._queue.seconds > config.max_queue_delay_s
            or self._num_bytes >= config.max_queue_bytes
        )

    def _is_full_for(self, job: Job) -> bool:
        if job.is_alone:
            return len(self._alone) >= self._config.max_exclusive_jobs
        return self.is_full

    @property
    def _num_bytes(self) -> int:
        return self._queue.num_bytes + self._alone.num_bytes

    @property
    def num_waiting(self) -> int:
        """Requests that no worker has yet."""
        return len(self._queue) + len(self._alone)

    async def start(self, paths: dict[str, str]) -> None:
        """Load the models; returns when the first worker can be asked.

        Raises:
            StartError: If it cannot load them.
        """
        self._paths = paths
        self._soon(self._watch())
        await self._up(await self._launch(self._workers, paths))

    async def replace(self, paths: dict[str, str]) -> None:
        """Serve other models, once new workers have shown that they can; until then the old ones.

        Raises:
            StartError: If they cannot; nothing has changed then.
        """
        coming: list[WorkerProcess] = []
        try:
            for _ in range(self._config.workers):
                coming.append(await self._launch(self._others, paths))
                await self._up(coming[-1])
        except StartError:
            for worker in coming:
                worker.retire()
            raise
        self._paths, self.description = paths, coming[0].description
        retired, self._workers = self._workers, [one for one in coming if not one.has_ended]
        self._others = [one for one in self._others if one not in coming] + retired
        for worker in retired:
            worker.retire()
        self._fill()
        self._dispatch()

    async def submit(
        self, head: dict[str, str], body: bytes | bytearray, is_gone: Callable[[], bool]
    ) -> tuple[int, bytes, str]:
        """Have a request answered.

        Args:
            head: "kind", "model" and "type".
            body: Of the request.
            is_gone: Whether the client has left; then nothing is done for it any more.

        Returns:
            Status, document, and what to log of a fault.

        Raises:
            RequestProblem: If nobody can answer now, too many wait, or it takes too long.
        """
        if (trouble := self.trouble) is not None and not self._workers_are_coming():
            raise RequestProblem(503, "not_ready", f"Not ready: {trouble}.", retry_after=1)
        loop = asyncio.get_running_loop()
        job = Job(head, body, loop.create_future(), is_gone, is_alone=head["kind"] == "explain")
        if self._is_full_for(job):
            raise overloaded()
        (self._alone if job.is_alone else self._queue).append(job)
        self._dispatch()
        expiry = loop.call_later(self._config.request_timeout_s, _expire, job)
        try:
            return await job.answer
        finally:
            expiry.cancel()
            del job  # an error keeps this frame, and with it the body until garbage is searched for

    async def close(self) -> None:
        """End the workers; nobody waits for them any more."""
        self._is_closed = True
        for worker in (*self._workers, *self._others):
            worker.retire()
        until = time.monotonic() + self._config.worker_exit_timeout_s
        while (self._workers or self._others) and time.monotonic() < until:
            await self._news()
        for worker in (*self._workers, *self._others):
            worker.kill()
        for task in self._tasks:
            task.cancel()

    def ready(self, worker: WorkerProcess) -> None:
        """A worker has loaded its models."""
        self._log("worker_ready", pid=worker.pid)
        if worker in self._workers:
            self._failures = 0
            self.description = worker.description
            self._fill()
            self._dispatch()
        self._changed.set()

    def answered(self, worker: WorkerProcess, job: Job) -> None:
        """A worker has room again."""
        if not job.is_alone:
            self._queue.answered(job)
        if worker.is_reserved and not worker.jobs:
            worker.is_reserved = False
        self._dispatch()

    def ended(self, worker: WorkerProcess) -> None:
        """A worker is no more."""
        for job in worker.jobs.values():
            self._again(job)
        was_ours = worker in self._workers
        (self._workers if was_ours else self._others).remove(worker)
        if was_ours and not self._is_closed and not worker.is_retired:
            self._mourn(worker)
        self._changed.set()
        self._dispatch()

    def _mourn(self, worker: WorkerProcess) -> None:
        """Note what happened, and start another one."""
        pause = 0.0
        if worker.description:  # it had been ready
            self.num_lost += 1
            self._reason = "a worker died and is being started again"
            self._log("worker_died", code=worker.exit_code)
        else:
            self._failures += 1
            self._reason = worker.trouble[0] if worker.trouble else "a worker cannot begin"
            self._log("worker_cannot_begin", reason=self._reason)
            pause = min(self._config.max_restart_backoff_s, 0.1 * 2**self._failures)
        if self.description:  # the first one of all is waited for elsewhere
            self._soon(self._launch_more(pause))

    def _fill(self) -> None:
        """Start what is missing."""
        for _ in range(self._config.workers - len(self._workers)):
            self._soon(self._launch_more())

    async def _launch_more(self, pause: float = 0.0) -> None:
        await asyncio.sleep(pause)
        if not self._is_closed and len(self._workers) < self._config.workers:
            await self._launch(self._workers, self._paths)

    async def _launch(self, among: list[WorkerProcess], paths: dict[str, str]) -> WorkerProcess:
        worker = WorkerProcess(self)
        among.append(worker)
        await worker.start(paths, self._config)
        return worker

    async def _up(self, worker: WorkerProcess) -> None:
        """Wait until it is ready.

        Raises:
            StartError: If it ends before.
        """
        while not (worker.is_ready or worker.has_ended):
            await self._news()
        if not worker.is_ready:
            raise StartError(*(worker.trouble or ("a worker ended while loading", 5)))

    async def _news(self) -> None:
        """Wait until something happens to a worker, or a moment."""
        self._changed.clear()
        try:
            async with asyncio.timeout(self._config.watchdog_period_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    def _workers_are_coming(self) -> bool:
        """Whether it is worth waiting: there were workers, and others are being started."""
        return bool(self.description) and not self._failures and not self._is_closed

    def _again(self, job: Job) -> None:
        if job.has_killed and not job.answer.done():
            job.answer.set_exception(
                RequestProblem(
                    503, "worker_lost", "The request ended the process that worked on it."
                )
            )
        if job.answer.done():
            return
        job.has_killed = job.is_alone = True
        self._alone.append(job)

    def _dispatch(self) -> None:
        ready = [worker for worker in self._workers if worker.is_ready and not worker.is_retired]
        if not ready:
            return
        is_turn_of_queue = self._is_turn_of_queue and self._queue.any()
        if self._alone.any() and not is_turn_of_queue:
            reserved = next((worker for worker in ready if worker.is_reserved), None)
            if reserved is None:
                reserved = min(ready, key=lambda worker: len(worker.jobs))
                reserved.is_reserved = True
            if not reserved.jobs:
                reserved.give(self._alone.take())
                self._is_turn_of_queue = True
        while self._queue.any():
            open_ = [worker for worker in ready if self._has_room(worker)]
            if not open_:
                return
            since = time.monotonic() - self._config.busy_after_s
            open_ = [one for one in open_ if not one.jobs or since < one.last_sign] or open_
            self._is_turn_of_queue = False
            job = self._queue.take()
            if not is_tiny(job):
                open_.sort(key=lambda worker: len(worker.jobs))
            open_[0].give(job)  # of tiny pictures the first one makes a batch

    async def _watch(self) -> None:
        """End workers that hang; not when this process was late itself, as on a paused machine."""
        config, then = self._config, time.monotonic()
        while True:
            await asyncio.sleep(config.watchdog_period_s)
            now = time.monotonic()
            paused, then = max(0.0, now - then - config.watchdog_period_s), now
            for worker in (*self._workers, *self._others):
                worker.last_sign += paused
                limit = config.request_timeout_s if worker.is_ready else config.model_load_timeout_s
                if (worker.jobs or not worker.is_ready) and now - worker.last_sign > limit:
                    self._log("worker_hangs", pid=worker.pid)
                    worker.kill()

    def _soon(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _has_room(self, worker: WorkerProcess) -> bool:
        return (
            len(worker.jobs) < self._config.max_jobs_per_worker
            and worker.num_bytes < self._config.max_bytes_per_worker
            and not worker.is_reserved
        )


def _expire(job: Job) -> None:
    if not job.answer.done():
        job.answer.set_exception(
            RequestProblem(503, "timed_out", "It took too long; try again.", retry_after=1)
        )
