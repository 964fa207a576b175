"""Jobs, and their FIFO queue with an estimate of its delay, used to reject under overload."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ankleboot.server.error_responses import ApiError

SMALL_BODY_BYTES = 4 * 2**10
INITIAL_SERVICE_TIME_S = {True: 0.0005, False: 0.02}  # of small and other bodies, until measured
AVERAGING_WINDOW = 32  # number of jobs over which the service time is averaged


@dataclass(eq=False)
class Job:
    """Request on its way to a worker and back."""

    head: dict[str, str]  # of the frame that the worker receives: "kind", "model" and "type"
    body: bytes | bytearray
    result: asyncio.Future[tuple[int, bytes, str]]  # status, document, traceback if there was one
    is_abandoned: Callable[[], bool]  # returns whether the client has disconnected
    is_exclusive: bool  # needs a worker to itself
    was_retried: bool = False  # a worker has died while it had this job

    @property
    def is_small(self) -> bool:
        """True if a worker handles the job in a fraction of a millisecond."""
        return len(self.body) <= SMALL_BODY_BYTES

    def fail(self, error: ApiError) -> None:
        """Set an error as the result, unless there is a result already."""
        if not self.result.done():
            self.result.set_exception(error)


class RequestQueue:
    """FIFO queue of jobs."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._num_jobs = {True: 0, False: 0}  # by whether they are small
        self._service_time_s = dict(INITIAL_SERVICE_TIME_S)
        self._last_result: float | None = None
        self.num_bytes = 0  # of the bodies

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def delay_s(self) -> float:
        """Estimated time until the queue is empty, from the pace of the last results."""
        return sum(self._num_jobs[small] * self._service_time_s[small] for small in self._num_jobs)

    def append(self, job: Job) -> None:
        self._jobs.append(job)
        self._count(job, 1)

    def drop_abandoned(self) -> bool:
        """Drop jobs at the front that have a result or no client; return whether a job is left."""
        while self._jobs:
            job = self._jobs[0]
            if not job.result.done() and not job.is_abandoned():
                return True
            self.pop()
            job.fail(client_disconnected_error())
        return False

    def pop(self) -> Job:
        """Remove and return the oldest job."""
        job = self._jobs.popleft()
        self._count(job, -1)
        return job

    def on_result(self, job: Job) -> None:
        """Update the service time: the time since the last result, if other jobs waited."""
        now = time.monotonic()
        if self._last_result is not None:
            mean_s = self._service_time_s[job.is_small]
            elapsed_s = now - self._last_result
            self._service_time_s[job.is_small] += (elapsed_s - mean_s) / AVERAGING_WINDOW
        self._last_result = now if self._jobs else None

    def _count(self, job: Job, step: int) -> None:
        self._num_jobs[job.is_small] += step
        self.num_bytes += step * len(job.body)


def client_disconnected_error() -> ApiError:
    """Return the error for the log; its status is nginx's, and no client receives it."""
    return ApiError(499, "client_left", "The client has disconnected.")
