"""Worker process, seen from the server: jobs in, results out, and its exit."""

import asyncio
import json
import sys
import time
from contextlib import suppress
from typing import Any, Protocol, cast, runtime_checkable

from ankleboot.core.errors import AnklebootError
from ankleboot.server.config import ServerConfig
from ankleboot.server.workers.queue import Job
from ankleboot.server.workers.wire import FrameDecoder, pack_head


class WorkerStartError(AnklebootError):
    """Failure of a worker to load the models."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@runtime_checkable  # for the tests, which check types
class WorkerListener(Protocol):
    """Receiver of a worker's events."""

    def on_ready(self, worker: "WorkerProcess", /) -> None: ...
    def on_result(self, worker: "WorkerProcess", job: Job, /) -> None: ...
    def on_exit(self, worker: "WorkerProcess", /) -> None: ...


class WorkerProcess(asyncio.SubprocessProtocol):
    """Worker process and its pending jobs."""

    def __init__(self, listener: WorkerListener) -> None:
        self._listener = listener
        self._decoder = FrameDecoder()
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: Any = None
        self._last_id = 0
        self.is_ready = self.has_exited = False
        self.is_reserved = False  # gets no more jobs before the next exclusive one
        self.is_draining = False  # gets no more jobs at all
        self.models_json = b""  # description of its models; empty until it is ready
        self.start_error: WorkerStartError | None = None
        self.jobs: dict[int, Job] = {}  # pending ones by their id
        self.num_bytes = 0  # of their bodies
        self.last_activity = time.monotonic()  # of its output, or of a first job that came later

    async def start(self, paths: dict[str, str], config: ServerConfig) -> None:
        """Start the process; the listener learns when it is ready or has failed."""
        command = [sys.executable, "-m", "ankleboot.server.workers.worker"]
        command += [json.dumps(paths), config.to_worker_json()]
        pipe = asyncio.subprocess.PIPE
        try:
            await asyncio.get_running_loop().subprocess_exec(
                lambda: self,
                *command,
                stdin=pipe,
                stdout=pipe,
                stderr=None,
                start_new_session=True,  # Ctrl-C in a terminal is for the server alone
            )
        except OSError as error:  # no free file descriptor or process at the moment
            message = f"no process can be started: {error.strerror}"
            self.start_error = WorkerStartError(message, 5)
            self.has_exited = True
            self._listener.on_exit(self)

    @property
    def pid(self) -> int | None:
        return self._transport.get_pid() if self._transport else None

    @property
    def takes_jobs(self) -> bool:
        """True if a job can be sent; the pipe of a dead worker closes before its exit is reported.

        Uvloop raises RuntimeError for a write to such a pipe.
        """
        return self.is_ready and not self.is_draining and not self._stdin.is_closing()

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
        if not self._stdin.is_closing():  # else the exit, reported next, retries the job
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
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._stdin = self._transport.get_pipe_transport(0)

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002
        self.last_activity = time.monotonic()
        for head, body in self._decoder.feed(data):
            if "error" in head:
                self.start_error = WorkerStartError(head["error"], head["exit_code"])
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
