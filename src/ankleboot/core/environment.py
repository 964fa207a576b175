"""Hardware, versions and commit of a run, which bit-exact reproduction needs."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from ankleboot import __version__

NUMERICS_VERSION = 1
"""Version of the arithmetic of training. Raise it with any change of the weights that a recipe and
a seed give: studies then repeat their stored runs. tests/training/test_numerics.py notices it."""

VERSIONED = ("keras", "numpy", "opencv-python-headless", "tensorflow", "tensorflow-cpu")
CPU_FLAGS = ("fma", "avx", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
"""Instruction sets that decide the kernels of TensorFlow, and so the last bits of weights."""


def versions() -> dict[str, str]:
    """Return the versions of this package, Python and the numerical libraries."""
    versions = {"ankleboot": __version__, "python": platform.python_version()}
    for name in VERSIONED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def hardware() -> dict[str, Any]:
    """Return the processor, the numbers of threads and the switches of TensorFlow's kernels."""
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
    """List those of `CPU_FLAGS` that the processor has; [] where they are unknown."""
    flags = _cpu()[1]
    return [flag for flag in CPU_FLAGS if flag in flags]


def _usable_cores() -> int | None:
    """Return the number of cores of this process, for which TensorFlow starts threads."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _cpu() -> tuple[str, set[str]]:
    """Return the name and flags of the processor; the flags are known on Linux only."""
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
    """Return the commit of this checkout, with "-dirty" if it has changes; None without one."""
    folder = Path(__file__).parent
    command = [
        "git",
        "-C",
        str(folder),
        "describe",
        "--always",
        "--abbrev=40",
        "--dirty",
        "--exclude=*",
    ]
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return process.stdout.strip() or None if process.returncode == 0 else None
