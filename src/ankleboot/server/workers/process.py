"""One worker, seen from the server: jobs in, answers out, and what happens when it dies."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from ankleboot.server.config import ServerConfig
from ankleboot.server.workers.wire import Splitter, pack_head


@dataclass(eq=False)
class Job:
    """A request on its way to a worker and back.

    Attributes:
        head: "kind", "model" and "type", as a worker wants them.
        body: The request's.
        answer: Set to the status and the document, or to a RequestProblem.
        is_gone: Whether the client has left.
        is_alone: Nothing else is given to its worker: it takes long, or has killed one.
    """

    head: dict[str, str]
    body: bytes | bytearray
    answer: asyncio.Future[tuple[int, bytes, str]]
    is_gone: Callable[[], bool]
    is_alone: bool = False
    has_killed: bool = False


@runtime_checkable
class Owner(Protocol):
    """Who is told what happens to a worker."""

    def ready(self, worker: "WorkerProcess", /) -> None: ...

    def answered(self, worker: "WorkerProcess", job: Job, /) -> None: ...

    def ended(self, worker: "WorkerProcess", /) -> None: ...


class WorkerProcess(asyncio.SubprocessProtocol):
    """A process and the jobs that it has.

    Args:
        owner: Is told what happens.

    Attributes:
        is_ready: It has loaded its models.
        is_reserved: It gets nothing more until a job that wants to be alone is through.
        is_retired: It gets nothing any more.
        has_ended: It is gone.
        description: What it says of its models, JSON.
        trouble: Why it could not begin, with the exit code to end with; None if it could.
        jobs: Handed over and not answered, by their number.
        num_bytes: Of them.
        last_sign: When something came from it last, or the first of its jobs was handed over.
    """

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._splitter = Splitter()
        self._transport: asyncio.SubprocessTransport | None = None
        self._requests: Any = None
        self._number = 0
        self.is_ready = self.is_reserved = self.is_retired = self.has_ended = False
        self.description = b""
        self.trouble: tuple[str, int] | None = None
        self.jobs: dict[int, Job] = {}
        self.num_bytes = 0
        self.last_sign = time.monotonic()

    async def start(self, paths: dict[str, str], config: ServerConfig) -> None:
        """Start the process; the owner hears when it is ready, or that it cannot be had."""
        arguments = (json.dumps(paths), config.to_worker_json())
        command = [sys.executable, "-m", "ankleboot.server.workers.worker", *arguments]
        pipe = asyncio.subprocess.PIPE
        try:
            await asyncio.get_running_loop().subprocess_exec(
                lambda: self, *command, stdin=pipe, stdout=pipe, stderr=None
            )
        except OSError as error:  # no file or process to be had at the moment
            self.trouble = (f"no process can be started: {error.strerror}", 5)
            self.has_ended = True
            self._owner.ended(self)

    @property
    def pid(self) -> int | None:
        """Of the process."""
        return self._transport.get_pid() if self._transport else None

    @property
    def exit_code(self) -> int | None:
        """Of the process, once it has ended; negative for a signal."""
        return self._transport.get_returncode() if self._transport else None

    def give(self, job: Job) -> None:
        """Hand a job over."""
        if not self.jobs:
            self.last_sign = time.monotonic()
        self._number += 1
        self.jobs[self._number] = job
        self.num_bytes += len(job.body)
        head = pack_head({"id": self._number} | job.head, len(job.body))
        self._requests.writelines((head, job.body))

    def retire(self) -> None:
        """Let it end once it has answered what it has."""
        self.is_retired = True
        if not self.jobs and self._requests:
            self._requests.close()

    def kill(self) -> None:
        """End it now."""
        with suppress(ProcessLookupError):
            if self._transport:
                self._transport.kill()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The process runs."""
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._requests = self._transport.get_pipe_transport(0)

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002
        """Something was answered."""
        self.last_sign = time.monotonic()
        for head, body in self._splitter.feed(data):
            if "error" in head:
                self.trouble = (head["error"], head["exit_code"])
            elif "ready" in head:
                self.is_ready, self.description = True, body
                self._owner.ready(self)
            else:
                job = self.jobs.pop(head["id"])
                self.num_bytes -= len(job.body)
                if not job.answer.done():
                    job.answer.set_result((head["status"], body, head["trace"]))
                self._owner.answered(self, job)
        if self.is_retired and not self.jobs:
            self._requests.close()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        """It ended, as it was told to or not, and all that it said was heard."""
        self.is_ready, self.has_ended = False, True
        self._owner.ended(self)
