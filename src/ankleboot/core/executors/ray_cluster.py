"""Executor on a Ray cluster: a laptop, several machines, or pods of Kubernetes.

Ray chooses the machine and keeps count of the cores. A task runs in a child process of a Ray worker
by the same code as here, so it gives the same result. Source: https://docs.ray.io/en/latest/ray-core
"""

import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ankleboot import __version__
from ankleboot.core.errors import EnvironmentFailure, Interrupted, ProcessKilledError
from ankleboot.core.executors.attempt import attempt
from ankleboot.core.executors.executor import MAX_FAILURES, Executor, Outcome, Outcomes, Task
from ankleboot.core.executors.folders import pack_folder, unpack_folder
from ankleboot.core.signals import stop_on_signal
from ankleboot.core.temporary import temp_folder

CONNECT_S = 5.0  # until an address counts as silent
POLL_PERIOD_S = 0.2  # delay until a signal is noticed


class RemoteResult(NamedTuple):
    """Result of a task on a cluster's machine."""

    document: dict[str, Any]
    seconds: float
    output: bytes  # archive of the output folder; empty if the task has none


def run_remotely(task: Task, cores: int, version: str) -> RemoteResult:
    """Run a task on a cluster's machine.

    Raises:
        EnvironmentFailure: If the machine has another version of this package.
        Others: The errors of `run_isolated`.
    """
    require_same_version(version)
    started = time.perf_counter()
    with temp_folder() as folder:
        output = folder / "output"
        document = attempt(task, cores, output=str(output))
        archive = pack_folder(output) if task.output else b""
    return RemoteResult(document, time.perf_counter() - started, archive)


def connect(address: str) -> None:
    """Connect to a cluster; without an address to the running one, or start one here.

    Raises:
        EnvironmentFailure: If there is no cluster at the address.
        ModuleNotFoundError: If Ray is not installed.
    """
    import ray

    if not ray.is_initialized():
        try:
            _require_answer(address)
            ray.init(address=address or None, log_to_driver=False, logging_level="ERROR")
        except (OSError, ValueError, RuntimeError) as error:
            raise EnvironmentFailure(
                f"--on {address or 'ray'}: no Ray cluster answers ({first_words(error)})"
            ) from error


def describe_cluster() -> str:
    """Return the machines and cores of the cluster as words."""
    import ray

    nodes = [node for node in ray.nodes() if node["Alive"]]
    total = int(sum(node["Resources"].get("CPU", 0) for node in nodes))
    machines = "1 machine" if len(nodes) == 1 else f"{len(nodes)} machines"
    return f"{machines} with {total} cores"


def require_same_version(version: str) -> None:
    """Check that this machine of a cluster has the package of the driver.

    Raises:
        EnvironmentFailure: If it has another version.
    """
    if version != __version__:
        raise EnvironmentFailure(
            f"the driver has ankleboot {version}, this machine {__version__}; install the same"
        )


@dataclass
class _Running:
    task: Task
    started: float
    failures: list[str]


@dataclass(frozen=True)
class RayExecutor(Executor):
    """Tasks on a Ray cluster, each with `cores` cores; Ray runs as many at once as fit."""

    cores: int
    limit: int | None = None

    @classmethod
    def connect(cls, address: str, cores: int = 1, limit: int | None = None) -> "RayExecutor":
        """Connect to a cluster; see `connect`."""
        connect(address)
        return cls(cores, limit)

    @property
    def description(self) -> str:
        return f"on Ray, {describe_cluster()}, {self.cores} for a task"

    def run(self, tasks: Iterable[Task]) -> Outcomes:
        """Run the tasks; see `Executor.run`."""
        import ray

        remote = ray.remote(num_cpus=self.cores, max_retries=0)(run_remotely)
        fresh, again = iter(tasks), deque[_Running]()
        running: dict[Any, _Running] = {}
        with stop_on_signal() as flag:
            try:
                while True:
                    while len(running) < self._room():
                        entry = again.popleft() if again else _next(fresh)
                        if entry is None:
                            break
                        running[remote.remote(entry.task, self.cores, __version__)] = entry
                    if not running:
                        return
                    done, _ = ray.wait(list(running), timeout=POLL_PERIOD_S)
                    if flag.signum is not None:
                        raise Interrupted("stopped; the same command continues", flag.signum)
                    for reference in done:
                        entry = running.pop(reference)
                        outcome = self._outcome(reference, entry)
                        if outcome is None:
                            again.append(entry)
                        else:
                            yield outcome
            finally:
                for reference in running:
                    ray.cancel(reference, force=True)

    def _room(self) -> int:
        """Return the number of tasks that fit the cluster as it is now, at least 1."""
        import ray

        fitting = int(ray.cluster_resources().get("CPU", 0) // self.cores)
        return max(1, min(fitting, self.limit or fitting))

    def _outcome(self, reference: Any, entry: _Running) -> Outcome | None:
        """Return the outcome of a finished try; None if it is to be repeated."""
        import ray

        error, document = "", None
        try:
            document, seconds, archive = ray.get(reference)
            if entry.task.output:
                unpack_folder(archive, Path(entry.task.output))
        except ray.exceptions.RayError as failure:
            seconds = time.perf_counter() - entry.started
            cause = failure.cause if isinstance(failure, ray.exceptions.RayTaskError) else failure
            error = first_words(cause)
            if cause is failure or isinstance(cause, ProcessKilledError):  # a machine or process
                entry.failures.append(f"{type(cause).__name__}: {error}")
                if len(entry.failures) < MAX_FAILURES:
                    return None
                error = f"its process or machine died {len(entry.failures)} times: {error}"
        return Outcome(entry.task, document, error, seconds, tuple(entry.failures))


def _next(tasks: Iterator[Task]) -> _Running | None:
    """Return the next task with the time at which it starts; None if there is none."""
    task = next(tasks, None)
    return None if task is None else _Running(task, time.perf_counter(), [])


def _require_answer(address: str) -> None:
    """Connect to an address once, since Ray itself tries for more than a minute.

    Raises:
        OSError: If nothing answers.
        ValueError: If the address has no port.
    """
    if address:
        host, _, port = address.removeprefix("ray://").rpartition(":")
        socket.create_connection((host, int(port)), CONNECT_S).close()


def first_words(error: BaseException) -> str:
    """Return the first line of another library's error, shortened."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]
