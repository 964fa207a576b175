"""Dispatch of requests to workers: admission, order, choice of the worker, retries.

If a worker dies, its requests are tried once more, each alone with a worker. A request that kills a
second worker gets an error, and no other request is harmed.
"""

import asyncio
import time
from collections.abc import Callable

from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import ApiError, queue_full_error
from ankleboot.server.workers.process import WorkerProcess
from ankleboot.server.workers.queue import Job, RequestQueue


class Dispatcher:
    """Queues of requests, and the workers that take from them."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._queue, self._exclusive_queue = RequestQueue(), RequestQueue()
        self._is_turn_of_queue = False  # after an exclusive job, so that those do not take all time
        self.workers: list[WorkerProcess] = []  # the supervisor changes the list

    @property
    def num_waiting(self) -> int:
        """Number of requests that no worker has yet."""
        return len(self._queue) + len(self._exclusive_queue)

    @property
    def is_full(self) -> bool:
        """True if a prediction would be rejected.

        The estimated delay counts, because a photo takes a hundred times as long as a small image.
        """
        config = self._config
        num_bytes = self._queue.num_bytes + self._exclusive_queue.num_bytes
        return (
            len(self._queue) >= config.queue_size
            or self._queue.delay_s > config.max_queue_delay_s
            or num_bytes >= config.max_queue_bytes
        )

    async def submit(
        self, head: dict[str, str], body: bytes | bytearray, is_abandoned: Callable[[], bool]
    ) -> tuple[int, bytes, str]:
        """Queue a request; return its status, its document, and a traceback if the worker failed.

        No worker gets the job once `is_abandoned` says that the client has disconnected.

        Raises:
            ApiError: If the queue is full, the result takes too long, or the request kills workers.
        """
        loop = asyncio.get_running_loop()
        is_exclusive = head["kind"] == "explain"
        queue = self._exclusive_queue if is_exclusive else self._queue
        is_full = len(queue) >= self._config.max_exclusive_jobs if is_exclusive else self.is_full
        if is_full:
            raise queue_full_error()
        job = Job(head, body, loop.create_future(), is_abandoned, is_exclusive)
        queue.append(job)
        self.dispatch()
        timeout = loop.call_later(self._config.request_timeout_s, _time_out, job)
        try:
            return await job.result
        finally:
            timeout.cancel()
            del job  # an exception keeps this frame, and so the body, until garbage collection

    def retry(self, job: Job) -> None:
        """Queue a job of a worker that died once more, alone; fail it the second time."""
        if job.was_retried:
            message = "The request ended the process that worked on it."
            job.fail(ApiError(503, "worker_lost", message))
        if not job.result.done():
            job.was_retried = job.is_exclusive = True
            self._exclusive_queue.append(job)

    def on_result(self, worker: WorkerProcess, job: Job) -> None:
        """Use the room that a finished job leaves."""
        if not job.is_exclusive:
            self._queue.on_result(job)
        if worker.is_reserved and not worker.jobs:
            worker.is_reserved = False
        self.dispatch()

    def dispatch(self) -> None:
        """Send waiting jobs to workers that have room."""
        ready = [worker for worker in self.workers if worker.takes_jobs]
        if not ready:
            return
        is_turn_of_queue = self._is_turn_of_queue and self._queue.drop_abandoned()
        if self._exclusive_queue.drop_abandoned() and not is_turn_of_queue:
            self._dispatch_exclusive(ready)
        while self._queue.drop_abandoned():
            candidates = self._candidates(ready)
            if not candidates:
                return
            self._is_turn_of_queue = False
            job = self._queue.pop()
            if not job.is_small:
                candidates.sort(key=lambda worker: len(worker.jobs))
            candidates[0].send(job)  # small ones all go to the first worker, which batches them

    def _dispatch_exclusive(self, ready: list[WorkerProcess]) -> None:
        """Send an exclusive job to the reserved worker once that has no other job."""
        reserved = next((worker for worker in ready if worker.is_reserved), None)
        if reserved is None:
            reserved = min(ready, key=lambda worker: len(worker.jobs))
            reserved.is_reserved = True
        if not reserved.jobs:
            reserved.send(self._exclusive_queue.pop())
            self._is_turn_of_queue = True

    def _candidates(self, ready: list[WorkerProcess]) -> list[WorkerProcess]:
        """Return workers that have room, without the busy ones if there are others."""
        config = self._config
        with_room = [
            worker
            for worker in ready
            if worker.takes_jobs
            and len(worker.jobs) < config.max_jobs_per_worker
            and worker.num_bytes < config.max_bytes_per_worker
            and not worker.is_reserved
        ]
        since = time.monotonic() - config.busy_after_s
        responsive = [w for w in with_room if not w.jobs or since < w.last_activity]
        return responsive or with_room


def _time_out(job: Job) -> None:
    job.fail(ApiError(503, "timed_out", "The request took too long; try again.", retry_after=1))
