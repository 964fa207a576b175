"""Worker process, seen from the server: jobs in, results out, and its exit."""

import asyncio
import json
import sys
import time
from contextlib import suppress
from typing import Any, Protocol, cast, runtime_checkable

from ankleboot.server.config import ServerConfig
from ankleboot.server.workers.queue import Job
from ankleboot.server.workers.wire import FrameDecoder, pack_head


@runtime_checkable
class WorkerListener(Protocol):
    """Receiver of a worker's events."""

    def on_ready(self, worker: "WorkerProcess", /) -> None: ...

    def on_result(self, worker: "WorkerProcess", job: Job, /) -> None: ...

    def on_exit(self, worker: "WorkerProcess", /) -> None: ...


class WorkerProcess(asyncio.SubprocessProtocol):
    """Worker process and its pending jobs.

    Args:
        listener: Receives the events.

    Attributes:
        is_ready: Whether it has loaded its models.
        is_reserved: Whether it gets no more jobs before the next exclusive one.
        is_draining: Whether it gets no more jobs at all.
        has_exited: Whether the process has ended.
        models_json: Description of its models, JSON; empty until it is ready.
        start_error: Reason why it failed to start, and the exit code for the command.
        jobs: Pending jobs by their id.
        num_bytes: Sum of their bodies.
        last_activity: Time of its last output, or of the first pending job if that is later.
    """

    def __init__(self, listener: WorkerListener) -> None:
        self._listener = listener
        self._decoder = FrameDecoder()
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: Any = None
        self._last_id = 0
        self.is_ready = self.is_reserved = self.is_draining = self.has_exited = False
        self.models_json = b""
        self.start_error: tuple[str, int] | None = None
        self.jobs: dict[int, Job] = {}
        self.num_bytes = 0
        self.last_activity = time.monotonic()

    async def start(self, paths: dict[str, str], config: ServerConfig) -> None:
        """Start the process; the listener learns when it is ready or has failed."""
        arguments = (json.dumps(paths), config.to_worker_json())
        command = [sys.executable, "-m", "ankleboot.server.workers.worker", *arguments]
        pipe = asyncio.subprocess.PIPE
        try:
            await asyncio.get_running_loop().subprocess_exec(
                lambda: self, *command, stdin=pipe, stdout=pipe, stderr=None
            )
        except OSError as error:  # no free file descriptor or process at the moment
            self.start_error = (f"no process can be started: {error.strerror}", 5)
            self.has_exited = True
            self._listener.on_exit(self)

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._transport.get_pid() if self._transport else None

    @property
    def exit_code(self) -> int | None:
        """Exit code once the process has ended; negative for a signal."""
        return self._transport.get_returncode() if self._transport else None

    def send(self, job: Job) -> None:
        """Send a job to the worker."""
        if not self.jobs:
            self.last_activity = time.monotonic()
        self._last_id += 1
        self.jobs[self._last_id] = job
        self.num_bytes += len(job.body)
        head = pack_head({"id": self._last_id} | job.head, len(job.body))
        self._stdin.writelines((head, job.body))

    def drain(self) -> None:
        """Stop the worker after its pending jobs."""
        self.is_draining = True
        if not self.jobs and self._stdin:
            self._stdin.close()

    def kill(self) -> None:
        """Stop the worker now."""
        with suppress(ProcessLookupError):
            if self._transport:
                self._transport.kill()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the pipes of the new process."""
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._stdin = self._transport.get_pipe_transport(0)

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002
        """Decode output and report it to the listener."""
        self.last_activity = time.monotonic()
        for head, body in self._decoder.feed(data):
            if "error" in head:
                self.start_error = (head["error"], head["exit_code"])
            elif "ready" in head:
                self.is_ready, self.models_json = True, body
                self._listener.on_ready(self)
            else:
                self._finish_job(head, body)
        if self.is_draining and not self.jobs:
            self._stdin.close()

    def _finish_job(self, head: dict[str, Any], body: bytes) -> None:
        job = self.jobs.pop(head["id"])
        self.num_bytes -= len(job.body)
        if not job.result.done():
            job.result.set_result((head["status"], body, head["trace"]))
        self._listener.on_result(self, job)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        """Report the exit; asyncio has delivered all output before."""
        self.is_ready, self.has_exited = False, True
        self._listener.on_exit(self)
