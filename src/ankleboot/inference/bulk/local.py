"""Chunks predicted in processes of this machine.

`concurrent.futures` fails all chunks when one of its processes dies and does not tell which one was
to blame, so each process has a pipe of its own here.
"""

import multiprocessing
import os
import signal
import sys
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import ModuleType

from ankleboot.core.child import end_with
from ankleboot.core.errors import AnklebootError, EnvironmentFailure, Interrupted
from ankleboot.core.executors.attempt import thread_variables
from ankleboot.core.executors.executor import MAX_FAILURES
from ankleboot.core.signals import stop_on_signal
from ankleboot.inference.bulk.chunks import Chunk
from ankleboot.inference.bulk.plan import Plan, PlannedChunk
from ankleboot.inference.bulk.worker import PredictionSettings, predict_chunk

POLL_PERIOD_S = 0.2  # delay until a signal is noticed
MAX_PROCESSES = 60  # Windows waits for 63 pipes at most

Parts = Generator[tuple[PlannedChunk, bytes], None, None]
"""Chunks that are done, in any order, with their rows as the content of a Parquet file."""


@dataclass(frozen=True)
class _Child:
    """Process that predicts, and its pipe."""

    process: BaseProcess
    pipe: Connection


@dataclass
class LocalPool:
    """Processes with one thread and one model each."""

    settings: PredictionSettings
    num_processes: int
    _idle: list[_Child] = field(default_factory=list)
    _busy: dict[object, tuple[_Child, PlannedChunk]] = field(default_factory=dict)
    _deaths: Counter[int] = field(default_factory=Counter)

    @property
    def description(self) -> str:
        number = "1 process" if self.num_processes == 1 else f"{self.num_processes} processes"
        return f"on this machine, {number}"

    def run(self, plan: Plan, todo: Iterable[PlannedChunk]) -> Parts:
        """Predict chunks; one whose process dies is tried again, three times in all.

        Raises:
            EnvironmentFailure: If a chunk ends its process each time.
            Interrupted: On SIGINT or SIGTERM.
            Others: What loading the model raises.
        """
        fresh, again = iter(todo), list[PlannedChunk]()
        with stop_on_signal() as flag:
            try:
                self._fill(plan, fresh, again)
                while self._busy:
                    for pipe in wait(self._pipes(), POLL_PERIOD_S):
                        child, planned = self._busy.pop(pipe)
                        content = self._receive(child, planned, plan)
                        if content is None:
                            again.append(planned)
                        self._fill(plan, fresh, again)  # it works while its rows are stored
                        if content is not None:
                            yield planned, content
                    if flag.signum is not None:
                        raise Interrupted("stopped; the same command continues", flag.signum)
            finally:
                for child in [*self._idle, *(child for child, _ in self._busy.values())]:
                    child.process.kill()
                    child.process.join()

    def _fill(self, plan: Plan, fresh: Iterator[PlannedChunk], again: list[PlannedChunk]) -> None:
        """Give chunks to processes until all are busy, or none is left."""
        while len(self._busy) < self.num_processes:
            planned = again.pop() if again else next(fresh, None)
            if planned is None:
                return
            self._send(plan, planned)

    def _pipes(self) -> list[Connection]:
        return [child.pipe for child, _ in self._busy.values()]

    def _send(self, plan: Plan, planned: PlannedChunk) -> None:
        """Give a chunk to an idle process, or to a new one."""
        task = self.settings, plan.chunk(planned)
        child = self._idle.pop() if self._idle else _start()
        self._busy[child.pipe] = child, planned
        with suppress(OSError):  # it died while it was idle; its closed pipe reports that
            child.pipe.send(task)

    def _receive(self, child: _Child, planned: PlannedChunk, plan: Plan) -> bytes | None:
        """Return the answer of a process; None if it died."""
        try:
            answer: bytes | AnklebootError | OSError = child.pipe.recv()
        except (EOFError, OSError):
            child.process.join()
            self._deaths[planned.number] += 1
            if self._deaths[planned.number] == MAX_FAILURES:
                first, code = plan.chunk(planned).first, child.process.exitcode
                raise EnvironmentFailure(
                    f"{planned.num_images:,} images from {first} on: their process died "
                    f"{MAX_FAILURES} times (exit code {code}), for lack of memory or by an image "
                    "that ends it"
                ) from None
            return None
        self._idle.append(child)
        if not isinstance(answer, bytes):
            raise answer
        return answer


def _start() -> _Child:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, os.getpid()), daemon=True)
    with _conditions_of_children():
        process.start()
    theirs.close()  # so that the end of the child closes the pipe
    return _Child(process, ours)


@contextmanager
def _conditions_of_children() -> Iterator[None]:
    """Start children with one thread, deaf to Ctrl+C, and without the caller's script.

    Python's spawn runs the main module again in a child, and a script without
    `if __name__ == "__main__"` would start the whole prediction there. Libraries of linear algebra
    read the number of threads when they are imported, and signals are blocked from the first
    moment. Source: multiprocessing.spawn.get_preparation_data.
    """
    main, variables = sys.modules["__main__"], thread_variables(1)
    replaced = {name: os.environ.get(name) for name in variables}
    sys.modules["__main__"] = ModuleType("__main__")
    os.environ.update(variables)
    can_block = hasattr(signal, "pthread_sigmask")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if can_block else set()
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        for name, value in replaced.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        if can_block:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def work(pipe: Connection, parent: int) -> None:
    """Predict chunks from a pipe until it closes."""
    end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C goes to the parent as well
    with suppress(EOFError, ConnectionError):  # the parent is gone
        while True:
            settings, chunk = pipe.recv()
            pipe.send(_answer(settings, chunk))


def _answer(settings: PredictionSettings, chunk: Chunk) -> bytes | AnklebootError | OSError:
    try:
        return predict_chunk(settings, chunk)
    except (AnklebootError, OSError) as error:
        return error
