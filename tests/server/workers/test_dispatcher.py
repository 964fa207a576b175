"""Dispatch to workers whose pipe has closed before their exit is reported."""

import asyncio
from typing import Any

import pytest

from ankleboot.server.config import ServerConfig
from ankleboot.server.workers.dispatcher import Dispatcher
from ankleboot.server.workers.process import WorkerProcess
from ankleboot.server.workers.queue import Job


class Listener:
    """Listener that nothing is reported to."""

    def on_ready(self, worker: WorkerProcess, /) -> None: ...
    def on_result(self, worker: WorkerProcess, job: Job, /) -> None: ...
    def on_exit(self, worker: WorkerProcess, /) -> None: ...


class Pipe:
    """Pipe that refuses a write when it is closed, as that of uvloop does."""

    def __init__(self, *, is_closed: bool, closes_at_write: bool = False) -> None:
        self.is_closed, self.closes_at_write = is_closed, closes_at_write
        self.num_written = 0

    def is_closing(self) -> bool:
        return self.is_closed

    def writelines(self, lines: Any) -> None:  # noqa: ARG002
        if self.is_closed:
            raise RuntimeError("the handler is closed")
        self.num_written += 1
        self.is_closed = self.closes_at_write


def worker_with(pipe: Pipe) -> WorkerProcess:
    worker = WorkerProcess(Listener())
    worker.is_ready, worker._stdin = True, pipe
    return worker


@pytest.mark.parametrize("kind", ["predict", "explain"])
def test_a_dead_worker_gets_no_request_though_it_counts_as_ready(kind: str) -> None:
    async def submit() -> tuple[int, bytes, str]:
        dispatcher = Dispatcher(ServerConfig())
        dead, alive = worker_with(Pipe(is_closed=True)), worker_with(Pipe(is_closed=False))
        dispatcher.workers += [dead, alive]
        result = asyncio.create_task(dispatcher.submit({"kind": kind}, b"body", lambda: False))
        await asyncio.sleep(0)
        assert not dead.jobs
        (job,) = alive.jobs.values()
        job.result.set_result((200, b"", ""))
        return await result

    assert asyncio.run(submit())[0] == 200


def test_requests_wait_while_the_only_worker_is_dying() -> None:
    async def submit() -> int:
        dispatcher = Dispatcher(ServerConfig())
        worker = worker_with(Pipe(is_closed=False, closes_at_write=True))
        dispatcher.workers.append(worker)
        results = [
            asyncio.create_task(dispatcher.submit({"kind": "predict"}, b"body", lambda: False))
            for _ in range(3)
        ]
        await asyncio.sleep(0)
        assert len(worker.jobs) == 1  # which the exit of the worker retries
        for result in results:
            result.cancel()
        return dispatcher.num_waiting

    assert asyncio.run(submit()) == 2
