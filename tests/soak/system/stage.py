"""A process that has imported what commands need, and forks a child for each command.

A command starts in milliseconds, with TensorFlow too: importing it starts no thread.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soak.system import shim
from soak.system.shim import Orders

TESTS = Path(__file__).parents[2]
TIMEOUT_S = 600.0  # also on a machine that does much else


@dataclass(frozen=True)
class Job:
    """What a child runs: a command line, or a function "module:name" with arguments of JSON.

    Attributes:
        folder: Working directory; its sub-folders "cache" and "state" are those of the child.
        report: Path stem for the child's output and counts, outside of `folder`.
    """

    folder: Path
    report: Path
    command: tuple[str, ...] = ()
    function: str = ""
    arguments: tuple[Any, ...] = ()
    orders: Orders = field(default_factory=Orders)
    environment: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        folder = self.folder
        places = {"ANKLEBOOT_CACHE": folder / "cache", "ANKLEBOOT_STATE": folder / "state"}
        return {
            "folder": str(folder),
            "report": str(self.report),
            "command": self.command,
            "function": self.function,
            "arguments": self.arguments,
            "orders": self.orders.to_json(),
            "environment": {k: str(v) for k, v in places.items()} | dict(self.environment),
        }


@dataclass(frozen=True)
class Ended:
    """How a child ended; `code` is negative if a signal ended it."""

    code: int
    stdout: str
    stderr: str
    counts: dict[str, int]
    modules: tuple[str, ...] = ()


class Stage:
    """Parent's side of the process."""

    def __init__(self, *modules: str) -> None:
        paths = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = os.environ | {"PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"}
        if library := shim.library():
            environment["LD_PRELOAD"] = str(library)
        command = [sys.executable, "-m", "soak.system.stage", *modules]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )

    def start(self, job: Job) -> int:
        """Start a child; return its process id."""
        for suffix in (".out", ".err", ".told"):
            job.report.with_suffix(suffix).unlink(missing_ok=True)
        return int(self._ask({"start": job.to_json()}))

    def wait(self, pid: int, job: Job, timeout_s: float = TIMEOUT_S) -> Ended:
        """Wait for a child; one that exceeds the time is killed, with the code -9."""
        code = int(self._ask({"wait": pid, "timeout_s": timeout_s}))
        told_path = job.report.with_suffix(".told")
        told = json.loads(told_path.read_text()) if told_path.exists() else {"counts": {}}
        stdout, stderr = (
            path.read_text(errors="replace") if path.exists() else ""
            for path in (job.report.with_suffix(".out"), job.report.with_suffix(".err"))
        )
        return Ended(code, stdout, stderr, **told)

    def run(self, job: Job) -> Ended:
        return self.wait(self.start(job), job)

    def warm(self, ended: Ended) -> None:
        """Import what a child imported, so that the next ones start faster."""
        self._ask({"import": ended.modules})

    def close(self) -> None:
        self._process.communicate()

    def _ask(self, question: dict[str, Any]) -> str:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the stage has no pipes")
        stdin.write((json.dumps(question) + "\n").encode())
        stdin.flush()
        answer = stdout.readline()
        if not answer:
            raise RuntimeError("the stage has ended")
        return answer.decode()


def _serve() -> None:
    for module in sys.argv[1:]:
        importlib.import_module(module)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        question = json.loads(line)
        if "wait" in question:
            print(_wait(question["wait"], question["timeout_s"]), file=answers)
            continue
        if "import" in question:
            for module in question["import"]:
                with suppress(Exception):
                    importlib.import_module(module)
            print(0, file=answers)
            continue
        pid = os.fork()
        if not pid:
            answers.close()
            _child(question["start"])
        print(pid, file=answers)


def _wait(pid: int, timeout_s: float) -> int:
    end, pause = time.monotonic() + timeout_s, 0.001
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def _child(job: dict[str, Any]) -> None:
    code = 70  # of a traceback
    try:
        report = Path(job["report"])
        os.environ.update(job["environment"])
        os.chdir(job["folder"])
        for number, target in enumerate(("/dev/null", f"{report}.out", f"{report}.err")):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND
            os.dup2(os.open(target, flags, 0o600), number)
        shim.obey(job["orders"])
        try:
            code = _run(job)
        finally:
            told = {"counts": shim.counts(), "modules": tuple(sys.modules)}
            Path(f"{report}.told").write_text(json.dumps(told))
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(job: dict[str, Any]) -> int:
    if job["function"]:
        module, _, name = job["function"].partition(":")
        return getattr(importlib.import_module(module), name)(*job["arguments"]) or 0
    from ankleboot.cli import main

    return main.run(list(job["command"]))


if __name__ == "__main__":
    _serve()
