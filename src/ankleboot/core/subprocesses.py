"""Measuring in a process of its own: no leftovers of another contender, memory of its own."""

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
from ankleboot.core.signals import stop_on_signal

MIB = 2**20
POLL_PERIOD_S = 0.2  # how soon a signal is heeded


def run_isolated(module: str, *arguments: str) -> dict[str, Any]:
    """Run `python -m MODULE` and return the JSON object on its last line.

    The child finds the modules that this process finds.

    Raises:
        EnvironmentFailure: If it fails; its last words are in the message.
        StoppedBySignal: On SIGINT or SIGTERM, which the process gets too.
    """
    command = [sys.executable, "-m", module, *arguments]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "ANKLEBOOT_STARTED": repr(time.time())}
    quiet["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    with (
        stop_on_signal() as request,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | quiet,
        ) as child,
    ):
        while True:
            with suppress(subprocess.TimeoutExpired):
                said, complained = child.communicate(timeout=POLL_PERIOD_S)
                break
            if request.signum is not None:
                child.terminate()
    if request.signum is not None:
        raise Interrupted("stopped", request.signum)
    if child.returncode:
        words = (complained.strip().splitlines() or ["no message"])[-1]
        raise EnvironmentFailure(f"{' '.join([module, *arguments])}: {words}")
    document: dict[str, Any] = json.loads(said.splitlines()[-1])
    return document


def peak_mib() -> float | None:
    """Peak resident memory of this process in MiB; None where the system does not tell."""
    # not getrusage on Linux: what it says begins with the memory of the process that started us
    if (peak := _status("VmHWM")) is not None:
        return peak
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (MIB if sys.platform == "darwin" else 1024), 1)


def anonymous_memory_mib() -> float | None:
    """Memory that belongs to this process alone, mapped files left out (Linux), in MiB."""
    return _status("RssAnon")


def _status(key: str) -> float | None:
    """A size in Linux' account of this process, in MiB."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) for line in lines if line.startswith(f"{key}:")]
    return round(found[0] / 1024, 1) if found else None


def machine_info() -> dict[str, Any]:
    """What every result file says of the machine and the day."""
    return {
        "hardware": environment.hardware(),
        "versions": environment.versions(),
        "git_commit": environment.git_commit(),
        "date": time.strftime("%Y-%m-%d"),
    }
