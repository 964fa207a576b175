"""Servers in processes of their own: how long they take to start, their memory, how they end."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ankleboot.core.errors import EnvironmentFailure
from lib.load import HOST

PATH = "/v1/predict"  # of our server
LONGEST_START = 120.0  # seconds
LONGEST_STOP = 30.0


class Server:
    """A server on this machine; use it in a `with` statement, which stops it."""

    def __init__(self, command: Sequence[str], port: int | None = None) -> None:
        """Start it and wait until it is ready.

        Args:
            command: What starts it.
            port: Where it will listen, if it was told; then it is ready when it takes a connection.
                None: it says so itself, in a JSON document with its "url".

        Raises:
            EnvironmentFailure: If it ends or is not ready in time; its last words are in it.
        """
        self._log = tempfile.TemporaryFile("w+")
        self._said = ""
        self._command = command
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"}
        started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE if port is None else subprocess.DEVNULL,
            stderr=self._log,
            text=True,
            env=os.environ | quiet,
        )
        try:
            self.announced = self._announcement() if port is None else {}
            self.port = port or int(self.announced["url"].rpartition(":")[2].rstrip("/"))
            while port is not None and not self._listens(started):
                time.sleep(0.01)
        except BaseException:
            self.stop()
            raise
        self.ready_seconds = round(time.perf_counter() - started, 3)

    def _announcement(self) -> dict[str, Any]:
        text = ""
        for line in self.process.stdout or []:
            text += line
            try:
                document: dict[str, Any] = json.loads(text)
            except ValueError:  # there is more to come
                continue
            return document
        self.process.wait()
        raise self._failure("ended before it was ready")

    def _listens(self, started: float) -> bool:
        if self.process.poll() is not None:
            raise self._failure("ended before it was ready")
        if time.perf_counter() - started > LONGEST_START:
            raise self._failure(f"was not ready after {LONGEST_START:.0f} s")
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0

    def _failure(self, what: str) -> EnvironmentFailure:
        words = (self.log().strip().splitlines() or ["no message"])[-1]
        return EnvironmentFailure(f"{' '.join(self._command)} {what}: {words}")

    def log(self) -> str:
        """What it said on stderr so far."""
        if not self._log.closed:
            self._log.seek(0)
            self._said = self._log.read()
        return self._said

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def memory(self) -> dict[str, int | float] | None:
        """Of all its processes, in MiB; None where the system does not tell.

        "pss_mib" counts a page that several processes share once, "rss_mib" in each of them.
        """
        found = [sizes for pid in tree(self.process.pid) if (sizes := _sizes(pid)) is not None]
        if not found:
            return None
        return {
            "processes": len(found),
            "pss_mib": round(sum(sizes["Pss"] for sizes in found) / 1024, 1),
            "rss_mib": round(sum(sizes["Rss"] for sizes in found) / 1024, 1),
        }

    def memory_of_each(self) -> list[float]:
        """MiB of each of its processes, the first one first, shared pages divided among them."""
        found = [_sizes(pid) for pid in tree(self.process.pid)]
        return [round(sizes["Pss"] / 1024, 1) for sizes in found if sizes is not None]

    def stop(self) -> int:
        """Ask it to end, wait, and return its exit code; one that does not end is killed."""
        if self.is_alive:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(LONGEST_STOP)
        except subprocess.TimeoutExpired:
            for pid in reversed(tree(self.process.pid)):
                os.kill(pid, signal.SIGKILL)
            return self.process.wait()
        finally:
            self.log()
            self._log.close()
            if self.process.stdout is not None:
                self.process.stdout.close()

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def ours(options: Sequence[str] = ()) -> Server:
    """Start `ankleboot serve`."""
    return Server([sys.executable, "-m", "ankleboot", "serve", "--port", "0", "--json", *options])


def peer(name: str) -> Server:
    """Start one of `PEERS`."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    return Server([sys.executable, "-m", "lib.peers", name, str(port)], port)


def tree(root: int) -> list[int]:
    """A process and all that it started, directly or not (Linux)."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        parents[int(folder.name)] = int(fields[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _sizes(pid: int) -> dict[str, int] | None:
    """KiB by name, from the system's account of a process."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return None
    return {line.partition(":")[0]: int(line.split()[1]) for line in lines}
