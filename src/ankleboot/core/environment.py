"""Hardware and versions of a run, which bit-exact reproduction needs."""

import os
import platform
from contextlib import suppress
from importlib import metadata, util
from pathlib import Path
from typing import Any

from ankleboot import __version__

NUMERICS_VERSION = 1
"""Version of the arithmetic of training. Raise it with any change of the weights that a recipe and
a seed give: studies then repeat their stored runs. tests/training/test_numerics.py notices it."""

VERSIONED = ("keras", "numpy", "opencv-python-headless", "tensorflow", "tensorflow-cpu")
CPU_FLAGS = ("fma", "avx", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
"""Instruction sets that decide the kernels of TensorFlow, and so the last bits of weights."""


def require_modules(*names: str) -> None:
    """Fail if a module is not installed, before work that would be in vain; import none.

    Raises:
        ModuleNotFoundError: With the module's name, from which the command line tells the extra.
    """
    for name in names:
        if util.find_spec(name) is None:
            raise ModuleNotFoundError(f"{name} is not installed", name=name)


def versions() -> dict[str, str]:
    """Return the versions of this package, Python and the numerical libraries."""
    versions = {"ankleboot": __version__, "python": platform.python_version()}
    for name in VERSIONED:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def hardware() -> dict[str, Any]:
    """Return the processor, the numbers of threads and the switches of TensorFlow's kernels."""
    has_affinity = hasattr(os, "sched_getaffinity")
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "cpu": _cpuinfo().get("model name", platform.processor()),
        "cpu_flags": cpu_flags(),
        "cores": os.cpu_count(),
        # of this process; TensorFlow starts threads for them
        "usable_cores": len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count(),
        "intra_op_threads": os.environ.get("TF_NUM_INTRAOP_THREADS", "default"),
        "inter_op_threads": os.environ.get("TF_NUM_INTEROP_THREADS", "default"),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
    }


def cpu_flags() -> list[str]:
    """List those of `CPU_FLAGS` that the processor has; [] where they are unknown."""
    flags = _cpuinfo().get("flags", "").split()
    return [flag for flag in CPU_FLAGS if flag in flags]


def _cpuinfo() -> dict[str, str]:
    """Read what Linux says about the first processor; {} on other systems."""
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return {}
    entries = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in entries}
