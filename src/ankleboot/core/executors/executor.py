"""Interface of the executors, and the choice of one."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any

from ankleboot.core.errors import UsageError

OUTPUT = "{output}"
MAX_FAILURES = 3
"""Deaths of the processes or machines of one task after which it is given up."""


@dataclass(frozen=True)
class Task:
    """Work in a process of its own: `python -m MODULE ARGUMENTS`, which prints a JSON object.

    Attributes:
        name: Name among the tasks of a call.
        output: Folder that the task makes or continues, "" for none; OUTPUT among the arguments
            stands for its path, which is another one on another machine.
    """

    name: str
    module: str
    arguments: tuple[str, ...]
    output: str = ""

    def command(self, output: str) -> tuple[str, ...]:
        """Return the module and its arguments, for a folder."""
        return (self.module, *(output if a == OUTPUT else a for a in self.arguments))


@dataclass(frozen=True)
class Outcome:
    """End of a task.

    Attributes:
        document: What it printed; None if it failed.
        error: Why it failed; empty if it did not.
        failures: Deaths of its process or machine before, each of which was followed by a new try.
    """

    task: Task
    document: dict[str, Any] | None
    error: str
    seconds: float
    failures: tuple[str, ...] = ()


Outcomes = Generator[Outcome, None, None]


class Executor(ABC):
    """Runner of tasks; `cores` is the number of threads of each, None for TensorFlow's own."""

    cores: int | None

    @property
    @abstractmethod
    def description(self) -> str:
        """Describe for the user where tasks run, and how many at once."""

    @abstractmethod
    def run(self, tasks: Iterable[Task]) -> Outcomes:
        """Run the tasks and yield each outcome when it is there; close the iterator to stop.

        Every task gives one outcome. A task whose process or machine dies is tried again. Tasks are
        taken when there is room for them, so they may depend on outcomes that were yielded.

        Raises:
            Interrupted: On SIGINT or SIGTERM; running tasks are stopped.
            EnvironmentFailure: If the place where the tasks run is gone.
        """


def make_executor(
    on: str = "local", *, cores: int | None = None, limit: int | None = None
) -> Executor:
    """Return the executor of a name.

    Args:
        on: "local"; "ray" for a Ray cluster that runs or is started here; "ray://HOST:PORT" or
            "HOST:PORT" for one elsewhere.
        cores: Cores of a task, at least 1; None for 1, or for all if `limit` is 1.
        limit: Largest number of tasks at once; None for as many as fit.

    Raises:
        UsageError: If there is no such executor.
        ModuleNotFoundError: If Ray is needed and not installed.
    """
    address = ray_address(on)
    if address is None:
        from ankleboot.core.executors.local import LocalExecutor

        return LocalExecutor.that_fits(cores, limit)
    from ankleboot.core.executors.ray_cluster import RayExecutor

    return RayExecutor.connect(address, cores or 1, limit)


def ray_address(on: str) -> str | None:
    """Return the address of the Ray cluster that a place names, "" for one here.

    Returns:
        None for "local".

    Raises:
        UsageError: If it names no place.
    """
    if on == "local":
        return None
    if on == "ray" or on.startswith("ray://") or ":" in on:
        return "" if on == "ray" else on
    raise UsageError(f"--on {on}: expected local, ray, or the address of a Ray cluster (HOST:PORT)")
