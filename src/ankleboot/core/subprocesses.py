"""Isolated processes for measurements, and memory of this process."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ankleboot.core import environment
from ankleboot.core.errors import EnvironmentFailure, Interrupted
from ankleboot.core.git import git_commit
from ankleboot.core.signals import stop_on_signal

MIB = 2**20
POLL_PERIOD_S = 0.2  # delay until a signal stops the child


def run_isolated(module: str, *arguments: str) -> dict[str, Any]:
    """Run `python -m MODULE` and return the JSON object on its last line of stdout.

    The child gets this process's `sys.path`.

    Raises:
        EnvironmentFailure: If the child fails; the message holds its last line of stderr.
        Interrupted: On SIGINT or SIGTERM; the child is terminated.
    """
    command = [sys.executable, "-m", module, *arguments]
    with (
        stop_on_signal() as flag,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=child_environment() | {"ANKLEBOOT_STARTED": repr(time.time())},
        ) as child,
    ):
        while True:
            with suppress(subprocess.TimeoutExpired):
                stdout, stderr = child.communicate(timeout=POLL_PERIOD_S)
                break
            if flag.signum is not None:
                child.terminate()
    if flag.signum is not None:
        raise Interrupted("stopped", flag.signum)
    if child.returncode:
        message = (stderr.strip().splitlines() or ["no message"])[-1]
        raise EnvironmentFailure(f"{' '.join([module, *arguments])}: {message}")
    document: dict[str, Any] = json.loads(stdout.splitlines()[-1])
    return document


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
