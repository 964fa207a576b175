"""Executor in processes of this machine."""

import os
import signal
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ankleboot.core.errors import AnklebootError, Interrupted, ProcessKilledError
from ankleboot.core.executors.attempt import attempt
from ankleboot.core.executors.executor import MAX_FAILURES, Executor, Outcome, Outcomes, Task
from ankleboot.core.signals import StopFlag, stop_on_signal

GIB = 2**30
TASK_BYTES = 3 * GIB // 2  # of memory: a training on Fashion-MNIST takes 1.0 to 1.3 GiB
POLL_PERIOD_S = 0.2  # delay until a signal is noticed


@dataclass(frozen=True)
class LocalExecutor(Executor):
    """Tasks in child processes, `num_parallel` at once with `cores` threads each."""

    cores: int | None = None
    num_parallel: int = 1

    @classmethod
    def that_fits(cls, cores: int | None = None, limit: int | None = None) -> "LocalExecutor":
        """Return an executor with as many processes as fit the cores and the free memory."""
        if limit == 1 and cores is None:
            return cls()
        cores = cores or 1
        fitting = usable_cores() // cores
        if (free := free_bytes()) is not None:
            fitting = min(fitting, free // TASK_BYTES)
        return cls(cores, max(1, min(fitting, limit or fitting)))

    @property
    def description(self) -> str:
        at_once = "one at a time" if self.num_parallel == 1 else f"{self.num_parallel} at once"
        if self.cores is None:
            return f"on this machine, {at_once}"
        threads = "thread" if self.cores == 1 else "threads"
        return f"on this machine, {at_once}, {self.cores} {threads} each"

    def run(self, tasks: Iterable[Task]) -> Outcomes:
        """Run the tasks; see `Executor.run`."""
        waiting, pending = iter(tasks), set[Future[Outcome]]()
        with stop_on_signal() as signal_flag, ThreadPoolExecutor(self.num_parallel) as pool:
            flag = StopFlag()  # of the children; a closed iterator sets it, too
            try:
                while True:
                    for task in islice(waiting, self.num_parallel - len(pending)):
                        pending.add(pool.submit(self._run_one, task, flag))
                    if not pending:
                        return
                    done, pending = wait(pending, POLL_PERIOD_S, FIRST_COMPLETED)
                    if signal_flag.signum is not None:
                        raise Interrupted("stopped; the same command continues", signal_flag.signum)
                    for future in done:
                        yield future.result()
            finally:
                flag.signum = signal_flag.signum or signal.SIGTERM
                pool.shutdown(wait=True, cancel_futures=True)

    def _run_one(self, task: Task, flag: StopFlag) -> Outcome:
        failures: list[str] = []
        started = time.perf_counter()
        while True:
            document, error = None, ""
            try:
                document = attempt(task, self.cores, stop_flag=flag)
            except ProcessKilledError as killed:
                failures.append(str(killed))
                if len(failures) < MAX_FAILURES:
                    continue
                error = f"its process died {len(failures)} times: {killed}"
            except AnklebootError as failure:
                error = str(failure)
            seconds = time.perf_counter() - started
            return Outcome(task, document, error, seconds, tuple(failures))


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_bytes() -> int | None:
    """Return the memory that new processes can have without swapping; None if unknown."""
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(line.split()[1]) * 1024
    return None
