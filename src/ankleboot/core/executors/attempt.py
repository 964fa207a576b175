"""One try of a task in a child process, the same here and on a cluster's machine."""

from typing import Any

from ankleboot.core.executors.executor import Task
from ankleboot.core.signals import StopFlag
from ankleboot.core.subprocesses import run_isolated


def attempt(
    task: Task, cores: int | None, *, output: str = "", stop_flag: StopFlag | None = None
) -> dict[str, Any]:
    """Run a task with as many threads as it has cores; return what it printed.

    The number of threads decides the last bits of a training, so it is the same everywhere.

    Args:
        task: Task to run.
        cores: Number of threads; None to leave it to TensorFlow.
        output: Folder in place of the task's own, on another machine.
        stop_flag: Flag that stops the child.

    Raises:
        Others: The errors of `run_isolated`.
    """
    command = task.command(output or task.output)
    return run_isolated(*command, variables=thread_variables(cores), stop_flag=stop_flag)


def thread_variables(cores: int | None) -> dict[str, str]:
    """Return the environment variables that give TensorFlow a number of threads."""
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    return {} if cores is None else dict.fromkeys(names, str(cores))
