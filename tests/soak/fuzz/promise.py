"""Promise of the fuzzing: no input makes a reader fail in a way of its own."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from soak.fuzz.child import read
from soak.fuzz.readers import BY_NAME, CORPUS
from soak.promise import Cases, Outcome, Promise

BLOCK = 200  # cases that a child gets at a time
STUCK_S = 60.0  # without a next case, after which a child is killed
NUM_CHILDREN = min(4, os.cpu_count() or 1)
TESTS = Path(__file__).parents[2]


class Child:
    """Child process that reads cases, and is replaced when one kills it."""

    def __init__(self, cases: Cases, number: int) -> None:
        self._arguments = str(cases.seed), cases.name
        self._folder = cases.folder / f"child{number}"
        self._folder.mkdir()
        self._progress = self._folder / "progress"
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[str]":
        self._progress.write_bytes(bytes(8))
        environment = os.environ | {
            "PYTHONPATH": str(TESTS),
            "ANKLEBOOT_CACHE": str(self._folder / "cache"),
            "XDG_STATE_HOME": str(self._folder / "state"),
        }
        command = [sys.executable, "-W", "ignore", "-m", "soak.fuzz.child", str(self._folder)]
        return subprocess.Popen(
            [*command, *self._arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=environment,
        )  # fmt: skip

    def run(self, numbers: list[int]) -> Iterator[dict[str, Any]]:
        """Read cases; yield counts and failures."""
        while numbers:
            if self._process.stdin is None or self._process.stdout is None:
                return
            self._process.stdin.write(" ".join(map(str, numbers)) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline() if self._answers(self._process.stdout) else ""
            if line:
                yield json.loads(line)
                return
            last = self._last()
            self.stop()
            how = f"ended with {self._process.returncode}, or hung for {STUCK_S:g} s"
            yield {"counts": {}, "failures": [(last, "the process", how)]}
            numbers = numbers[numbers.index(last) + 1 :] if last in numbers else []
            self._process = self._start()

    def _answers(self, output: IO[str]) -> bool:
        """Wait for a line or the end; return False if the child is stuck."""
        last, since = -1, time.monotonic()
        while time.monotonic() - since < STUCK_S:
            if select.select([output], [], [], 0.5)[0]:
                return True
            if (number := self._last()) != last:
                last, since = number, time.monotonic()
        return False

    def _last(self) -> int:
        return int.from_bytes(self._progress.read_bytes(), "little")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def check(cases: Cases) -> Outcome:
    outcome, lock = Outcome(), threading.Lock()
    if cases.only is None:
        _read_corpus(cases, outcome)
    numbers = (number for number, _ in cases)

    def work(child: Child) -> None:
        while True:
            with lock:
                block = list(islice(numbers, BLOCK))
            if not block:
                return
            for answer in child.run(block):
                with lock:
                    _add(outcome, answer)

    children = [Child(cases, number) for number in range(NUM_CHILDREN)]
    try:
        threads = [threading.Thread(target=work, args=(child,)) for child in children]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for child in children:
            child.stop()
    return outcome


def _add(outcome: Outcome, answer: dict[str, Any]) -> None:
    outcome.kept += sum(answer["counts"].values())
    for number, reader, reason in answer["failures"]:
        outcome.kept -= reader in BY_NAME
        outcome.failures.append(f"case {number} ({reader}): {reason}")
    outcome.counts.update(answer["counts"])


def _read_corpus(cases: Cases, outcome: Outcome) -> None:
    for path in sorted(CORPUS.glob("*/*")):
        with outcome.case(0, f"corpus {path.parent.name}/{path.name}"):
            if failure := read(BY_NAME[path.parent.name], cases.folder / "x", path.read_bytes()):
                raise AssertionError(failure)
        outcome.counts["corpus"] += 1


FUZZ = Promise(
    "fuzz", "mutated inputs read, or refused in one line", check, 8, 160_000, short_goal=2_000
)
