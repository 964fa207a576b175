"""Isolated processes for measurements, and memory of this process."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ankleboot.core import environment
from ankleboot.core.errors import EnvironmentFailure, Interrupted, ProcessKilledError
from ankleboot.core.extras import needed_extra
from ankleboot.core.git import git_commit
from ankleboot.core.signals import StopFlag, stop_on_signal

MIB = 2**20
POLL_PERIOD_S = 0.2  # delay until a signal stops the child
STOP_TIMEOUT_S = 30.0  # from SIGTERM, at which a training saves its epoch, to SIGKILL
MISSING_MODULE = re.compile(
    r"ModuleNotFoundError: (?:No module named '([\w.]+)'|([\w.]+) is not installed)"
)

FORBIDDEN_EVENTS = (
    *("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"),
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.spawn"),
)
"""Audit events that `Limits.restrict_this_process` refuses: network and further processes."""


@dataclass(frozen=True)
class Limits:
    """Limits of a process that opens files from strangers.

    Attributes:
        memory_bytes: Largest address space; TensorFlow alone reserves about 3 GiB.
        cpu_s: Seconds of processor time, over all threads.
        wall_s: Seconds until the parent kills the process.
    """

    memory_bytes: int
    cpu_s: int
    wall_s: float

    def restrict_this_process(self) -> None:
        """Apply the limits of memory and processor time; refuse network and further processes.

        Call it in the child before it opens a file. Windows has no such limits; there the wall
        clock alone limits the child.
        """
        with suppress(ImportError):
            import resource

            set_limit(resource.RLIMIT_AS, self.memory_bytes)
            set_limit(resource.RLIMIT_CPU, self.cpu_s)
            set_limit(resource.RLIMIT_CORE, 0)
        sys.addaudithook(_refuse_forbidden)


refused_events: list[str] = []
"""Audit events that were refused in this process."""


def set_limit(kind: int, number: int) -> None:
    """Limit a resource of this process as far as the system allows (not on Windows)."""
    import resource

    highest = resource.getrlimit(kind)[1]
    allowed = number if highest == resource.RLIM_INFINITY else min(number, highest)
    resource.setrlimit(kind, (allowed, highest))


def limit_more_memory(num_bytes: int) -> None:
    """Limit the address space of this process to what it has, and `num_bytes` more (Linux)."""
    size = _status("VmSize")
    if size is not None:
        import resource

        set_limit(resource.RLIMIT_AS, int(size * MIB) + num_bytes)


def _refuse_forbidden(event: str, _: tuple[Any, ...]) -> None:
    if event in FORBIDDEN_EVENTS:
        refused_events.append(event)
        raise PermissionError(f"{event} is not allowed in this process")


def run_isolated(
    module: str,
    *arguments: str,
    wall_s: float | None = None,
    variables: Mapping[str, str] | None = None,
    stop_flag: StopFlag | None = None,
) -> dict[str, Any]:
    """Run `python -m MODULE` and return the JSON object on its last line of stdout.

    The child gets this process's `sys.path`. On Linux it ends with the thread that called this.

    Args:
        module: Module to run.
        *arguments: Its arguments.
        wall_s: Seconds after which the child is killed; None for no limit.
        variables: Variables of the environment that the child gets beside those of this process.
        stop_flag: Flag that stops the child; by default a signal to this process does.

    Raises:
        ProcessKilledError: If a signal ended the child, or it took too long.
        EnvironmentFailure: If the child fails; the message holds its last line of stderr, or names
            the extra with a module that it lacks.
        Interrupted: When the flag is set; the child is terminated.
    """
    command = [sys.executable, "-m", "ankleboot.core.child", module, *arguments]
    deadline = math.inf if wall_s is None else time.monotonic() + wall_s
    is_stopping = False
    with (
        nullcontext(stop_flag) if stop_flag else stop_on_signal() as flag,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **child_environment(),
                "ANKLEBOOT_STARTED": repr(time.time()),
                "ANKLEBOOT_PARENT": str(os.getpid()),
                **(variables or {}),
            },
        ) as child,
    ):
        while True:
            with suppress(subprocess.TimeoutExpired):
                stdout, stderr = child.communicate(timeout=POLL_PERIOD_S)
                break
            if flag.signum is not None and not is_stopping:
                child.terminate()
                is_stopping, deadline = True, min(deadline, time.monotonic() + STOP_TIMEOUT_S)
            if time.monotonic() > deadline:
                child.kill()
    if flag.signum is not None:
        raise Interrupted("stopped", flag.signum)
    if child.returncode < 0:
        is_late = time.monotonic() > deadline
        reason = f"took more than {wall_s:g} s" if is_late else _describe_signal(-child.returncode)
        raise ProcessKilledError(f"{module}: {reason}")
    if child.returncode:
        message = (stderr.strip().splitlines() or ["no message"])[-1]
        extra = _needed_extra(message)
        raise EnvironmentFailure(extra or f"{' '.join([module, *arguments])}: {message}")
    document: dict[str, Any] = json.loads(stdout.splitlines()[-1])
    return document


def _needed_extra(message: str) -> str | None:
    """Return the sentence about an extra if a module of it is what a child lacked."""
    missing = MISSING_MODULE.match(message)
    return needed_extra(missing[1] or missing[2]) if missing else None


def run_to_end(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command; if an exception interrupts that, let the process clean up before its end."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as child:
        try:
            stdout, stderr = child.communicate()
        except BaseException:
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(STOP_TIMEOUT_S)
            child.kill()
            raise
    return subprocess.CompletedProcess(command, child.returncode, stdout, stderr)


def _describe_signal(number: int) -> str:
    """Describe how a signal ended a process."""
    if number == getattr(signal, "SIGXCPU", None):
        return "took more processor time than allowed"
    with suppress(ValueError):
        return f"ended by {signal.Signals(number).name}"
    return f"ended by signal {number}"


def child_environment() -> dict[str, str]:
    """Return the environment for a Python process that finds the modules of this one."""
    path = os.pathsep.join(path for path in sys.path if path)
    return {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}


def peak_mib() -> float | None:
    """Return the peak resident memory of this process in MiB; None if unavailable."""
    # On Linux getrusage starts from the memory of the parent process.
    if (peak := _status("VmHWM")) is not None:
        return peak
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (MIB if sys.platform == "darwin" else 1024), 1)


def anonymous_memory_mib() -> float | None:
    """Return the memory of this process without mapped files in MiB (Linux)."""
    return _status("RssAnon")


def resident_mib() -> float:
    """Return the resident memory of this process in MiB; 0 if unavailable."""
    return _status("VmRSS") or 0.0


def _status(key: str) -> float | None:
    """Read a size of /proc/self/status in MiB."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    sizes = [int(line.split()[1]) for line in lines if line.startswith(f"{key}:")]
    return round(sizes[0] / 1024, 1) if sizes else None


def machine_info() -> dict[str, Any]:
    """Return hardware, versions, commit and date for a result file."""
    return {
        "hardware": environment.hardware(),
        "versions": environment.versions(),
        "git_commit": git_commit(),
        "date": time.strftime("%Y-%m-%d"),
    }
