"""Server processes under test: start-up time, memory, exit code."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.subprocesses import child_environment
from lib.load_spec import HOST, LoadRequest

PATH = "/v1/predict"  # route of our server
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 30.0


class ServerProcess:
    """A server on this machine; leaving its `with` block stops it."""

    def __init__(
        self,
        command: Sequence[str],
        port: int | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Start the server and wait until it is ready.

        Args:
            command: Command that starts the server.
            port: Port on which the server will listen; it is ready when it accepts a connection.
                None: the server prints a JSON document with its "url" when it is ready.
            environment: Further variables.
            folder: Working directory.

        Raises:
            EnvironmentFailure: If the server ends or exceeds the timeout; the message holds its
                last line.
        """
        self._log = tempfile.TemporaryFile("w+")
        self._stderr = ""
        self._command = command
        self._started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE if port is None else subprocess.DEVNULL,
            stderr=self._log,
            text=True,
            env=child_environment() | {"PYTHONUNBUFFERED": "1"} | dict(environment or {}),
            cwd=folder,
            start_new_session=True,  # what a server leaves behind can be killed as a group
        )
        try:
            self.announced = self._announcement() if port is None else {}
            self.port = port or int(self.announced["url"].rpartition(":")[2].rstrip("/"))
            while port is not None and not self._listens():
                time.sleep(0.01)
        except BaseException:
            self.stop()
            raise
        self.ready_seconds = self._elapsed()

    def wait_for_response(self, request: LoadRequest) -> bytes:
        """Wait until the server answers a request with 200, which is when it is ready.

        Returns:
            The body of the response.

        Raises:
            EnvironmentFailure: If it ends, or gives other responses until the timeout.
        """
        while True:
            self._check_starting()
            client = http.client.HTTPConnection(HOST, self.port, timeout=START_TIMEOUT_S)
            with closing(client), suppress(OSError, http.client.HTTPException):
                headers = {"Content-Type": request.content_type}
                client.request("POST", request.path, request.body, headers)
                response = client.getresponse()
                body = response.read()
                if response.status == 200:
                    self.ready_seconds = self._elapsed()
                    return body
            time.sleep(0.01)

    def _elapsed(self) -> float:
        return round(time.perf_counter() - self._started, 3)

    def _announcement(self) -> dict[str, Any]:
        text = ""
        for line in self.process.stdout or []:
            text += line
            try:
                document: dict[str, Any] = json.loads(text)
            except ValueError:  # the document is incomplete
                continue
            return document
        self.process.wait()
        raise self._failure("ended before it was ready")

    def _check_starting(self) -> None:
        if self.process.poll() is not None:
            raise self._failure("ended before it was ready")
        if self._elapsed() > START_TIMEOUT_S:
            raise self._failure(f"was not ready after {START_TIMEOUT_S:.0f} s")

    def _listens(self) -> bool:
        self._check_starting()
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0

    def _failure(self, reason: str) -> EnvironmentFailure:
        message = (self.log().strip().splitlines() or ["no message"])[-1]
        return EnvironmentFailure(f"{' '.join(self._command)} {reason}: {message}")

    def log(self) -> str:
        """Return the text on stderr so far."""
        if not self._log.closed:
            self._log.seek(0)
            self._stderr = self._log.read()
        return self._stderr

    @property
    def is_alive(self) -> bool:
        """True if the process still runs."""
        return self.process.poll() is None

    def memory(self) -> dict[str, int | float] | None:
        """Return the memory of all processes in MiB; None where the system has no account.

        "pss_mib" counts a shared page once, "rss_mib" in each process.
        """
        sizes_of_all = [
            sizes for pid in process_tree(self.process.pid) if (sizes := _sizes(pid)) is not None
        ]
        if not sizes_of_all:
            return None
        return {
            "processes": len(sizes_of_all),
            "pss_mib": round(sum(sizes["Pss"] for sizes in sizes_of_all) / 1024, 1),
            "rss_mib": round(sum(sizes["Rss"] for sizes in sizes_of_all) / 1024, 1),
        }

    def memory_of_each(self) -> list[float]:
        """Return MiB of each process, shared pages divided among them."""
        all_sizes = [_sizes(pid) for pid in process_tree(self.process.pid)]
        return [round(sizes["Pss"] / 1024, 1) for sizes in all_sizes if sizes is not None]

    def stop(self) -> int:
        """Stop the server and return its exit code; kill it after the timeout.

        Processes that it leaves behind are killed, as by the end of a container.
        """
        if self.is_alive:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            for pid in reversed(process_tree(self.process.pid)):
                os.kill(pid, signal.SIGKILL)
            return self.process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.log()
            self._log.close()
            if self.process.stdout is not None:
                self.process.stdout.close()

    def __enter__(self) -> "ServerProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_ankleboot(options: Sequence[str] = ()) -> ServerProcess:
    """Start `ankleboot serve`."""
    return ServerProcess(
        [sys.executable, "-m", "ankleboot", "serve", "--port", "0", "--json", *options]
    )


def start_baseline(name: str) -> ServerProcess:
    """Start a server of `SERVER_BASELINES` on a free port."""
    port = free_port()
    return ServerProcess([sys.executable, "-m", "lib.server_baselines", name, str(port)], port)


def free_port() -> int:
    """Return a port that nothing uses at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def process_tree(root: int) -> list[int]:
    """Return a process and its descendants (Linux)."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # the process has ended
            continue
        parents[int(folder.name)] = int(fields[1])
    pids = [root]
    for pid in pids:
        pids += [child for child, parent in parents.items() if parent == pid]
    return pids


def _sizes(pid: int) -> dict[str, int] | None:
    """Return memory sizes of a process in KiB by name (Linux)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return None
    return {line.partition(":")[0]: int(line.split()[1]) for line in lines}
