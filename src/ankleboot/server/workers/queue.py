"""Requests that wait for a worker: how many, how large, and how long it will take."""

import time
from collections import deque

from ankleboot.server.error_responses import RequestProblem
from ankleboot.server.workers.process import Job

SMALL_BODY_BYTES = 4 * 2**10  # a body that a worker handles in a fraction of a millisecond
INITIAL_SERVICE_TIME_S = {True: 0.0005, False: 0.02}  # of small and other bodies, until measured
AVERAGING_WINDOW = 32  # number of requests over which the service time is averaged


def is_tiny(job: Job) -> bool:
    """Whether a request is answered within a fraction of a millisecond."""
    return len(job.body) <= SMALL_BODY_BYTES


class Waiting:
    """A queue.

    Attributes:
        num_bytes: Of the bodies in it.
        seconds: That it will take, at the pace of the last answers.
    """

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._num = {True: 0, False: 0}  # by whether they are tiny
        self._pace = dict(INITIAL_SERVICE_TIME_S)  # seconds from one answer to the next
        self._last: float | None = None
        self.num_bytes = 0

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def seconds(self) -> float:
        return sum(self._num[tiny] * self._pace[tiny] for tiny in self._num)

    def append(self, job: Job) -> None:
        """Let a request wait."""
        self._jobs.append(job)
        self._count(job, 1)

    def any(self) -> bool:
        """Whether one waits; what nobody waits for any more is dropped."""
        while self._jobs:
            job = self._jobs[0]
            if not job.answer.done() and not job.is_gone():
                return True
            self.take()
            if not job.answer.done():
                job.answer.set_exception(RequestProblem(499, "client_left", "The client left."))
        return False

    def take(self) -> Job:
        """The one that has waited longest."""
        job = self._jobs.popleft()
        self._count(job, -1)
        return job

    def answered(self, job: Job) -> None:
        """Learn the pace from an answer; the time until it counts if others waited meanwhile."""
        now = time.monotonic()
        if self._last is not None:
            tiny = is_tiny(job)
            self._pace[tiny] += (now - self._last - self._pace[tiny]) / AVERAGING_WINDOW
        self._last = now if self._jobs else None

    def _count(self, job: Job, step: int) -> None:
        self._num[is_tiny(job)] += step
        self.num_bytes += step * len(job.body)
