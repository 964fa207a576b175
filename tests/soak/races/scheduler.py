"""Scheduler of processes: each waits before every call of a file until it is its turn.

The seed decides whose turn it is, so that an order of calls can be repeated; only what sleeps
without calls (SQLite, when it is locked out) goes on by time.
"""

import os
import select
import time
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from soak.promise import Broken
from soak.system.stage import Ended, Job, Stage

PATIENCE_S = 0.5  # for a process to come to its next call
DEADLOCK_S = 60.0
POLLING = 0.02  # weight of a process that waits for a lock, by opening its file again and again


@dataclass
class Actor:
    """Process under the scheduler, and its pipes."""

    pid: int
    job: Job
    arrivals: int
    turns: int
    waiting: int = 0
    has_ended: bool = False
    last: deque[str] = field(default_factory=lambda: deque(maxlen=6))

    def listen(self) -> None:
        """Take note of the calls at which the process waits, and of its end."""
        try:
            kinds = os.read(self.arrivals, 1_000).decode()
        except BlockingIOError:
            return
        self.waiting += len(kinds)
        self.last.extend(kinds)
        self.has_ended = not kinds

    @property
    def is_polling(self) -> bool:
        """Whether its last calls were opening and closing one file."""
        return len(self.last) == 6 and len(set(self.last)) == 2


def run_together(stage: Stage, jobs: list[Job], chance: Random) -> tuple[list[Ended], int]:
    """Run jobs in an order that `chance` decides; return how they ended, and the number of turns.

    Raises:
        Broken: If none of them comes to another call or its end.
    """
    actors = [_start(stage, job) for job in jobs]
    steadiness, current, turns = chance.random(), actors[0], 0
    try:
        while alive := [actor for actor in actors if not actor.has_ended]:
            ready = [actor for actor in alive if actor.waiting]
            if not ready:
                _listen(alive, DEADLOCK_S)
                continue
            if current not in ready or current.is_polling or chance.random() > steadiness:
                weights = [POLLING if actor.is_polling else 1.0 for actor in ready]
                (current,) = chance.choices(ready, weights)
            current.waiting -= 1
            turns += 1
            os.write(current.turns, b"x")
            end = time.monotonic() + PATIENCE_S
            while not (current.waiting or current.has_ended) and time.monotonic() < end:
                select.select([current.arrivals], [], [], PATIENCE_S)
                current.listen()
    finally:
        for actor in actors:
            os.close(actor.turns)
        ended = [stage.wait(actor.pid, actor.job) for actor in actors]
        for actor in actors:
            os.close(actor.arrivals)
    return ended, turns


def _listen(actors: list[Actor], seconds: float) -> None:
    """Wait until any process comes to a call or its end."""
    ready, _, _ = select.select([actor.arrivals for actor in actors], [], [], seconds)
    if not ready:
        raise Broken(f"{len(actors)} processes wait for each other")
    for actor in actors:
        if actor.arrivals in ready:
            actor.listen()


def _start(stage: Stage, job: Job) -> Actor:
    to, back = (str(job.report.with_suffix(suffix)) for suffix in (".to", ".back"))
    for name in (to, back):
        Path(name).unlink(missing_ok=True)
        os.mkfifo(name)
    arrivals = os.open(to, os.O_RDONLY | os.O_NONBLOCK)
    turns = os.open(back, os.O_RDWR)
    pid = stage.start(replace(job, orders=replace(job.orders, gate=(to, back))))
    actor = Actor(pid, job, arrivals, turns)
    select.select([arrivals], [], [], DEADLOCK_S)  # its first call, or its end
    actor.listen()
    return actor
