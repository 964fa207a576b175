"""What a run ran on: the facts without which its last bits cannot be repeated."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from ankleboot import __version__

NUMERICS_VERSION = 1
"""Raise it when a change of this package alters the weights that a recipe and a seed give; stored
runs of studies are then repeated. tests/test_numerics.py notices such a change."""

VERSIONED = ("keras", "numpy", "opencv-python-headless", "tensorflow", "tensorflow-cpu")
CPU_FLAGS = ("fma", "avx", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
"""The instruction sets that change which kernels TensorFlow picks, and so the last bits."""


def versions() -> dict[str, str]:
    """Versions of ourselves, Python, and what computes the weights."""
    found = {"ankleboot": __version__, "python": platform.python_version()}
    for name in VERSIONED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, Any]:
    """Processor, threads and the switches that change which kernels run."""
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "cpu": _cpu()[0],
        "cpu_flags": cpu_flags(),
        "cores": os.cpu_count(),
        "usable_cores": _usable_cores(),
        "intra_op_threads": os.environ.get("TF_NUM_INTRAOP_THREADS", "default"),
        "inter_op_threads": os.environ.get("TF_NUM_INTEROP_THREADS", "default"),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
    }


def cpu_flags() -> list[str]:
    """Those of `CPU_FLAGS` that the processor has; none where the system does not tell."""
    flags = _cpu()[1]
    return [flag for flag in CPU_FLAGS if flag in flags]


def _usable_cores() -> int | None:
    """Cores that this process may run on: what TensorFlow makes its threads for."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _cpu() -> tuple[str, set[str]]:
    """Processor name and flags; Linux tells both, elsewhere only a name is known."""
    model, flags = platform.processor(), set[str]()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return model, flags
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            model = value.strip()
        elif key.strip() == "flags":
            flags = set(value.split())
            break
    return model, flags


def git_commit() -> str | None:
    """The commit of the checkout that this code runs from, "-dirty" if changed; else None."""
    here = Path(__file__).parent
    command = [
        "git",
        "-C",
        str(here),
        "describe",
        "--always",
        "--abbrev=40",
        "--dirty",
        "--exclude=*",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
