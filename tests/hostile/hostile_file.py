"""An entry of the corpus."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HostileFile:
    """A model file that must be refused.

    Attributes:
        name: File or folder name, with the suffix of its kind.
        attempt: What it tries.
        expected: Pattern of the message.
        build: Function that writes it at a path.
        by: Public function that must refuse it: "load" or "adopt".
        reaches_runtime: Whether it passes the scan, so that a process of its own loads it.
        needs_tensorflow: Whether that process imports TensorFlow, which takes seconds.
    """

    name: str
    attempt: str
    expected: str
    build: Callable[[Path], object]
    by: str = "load"
    reaches_runtime: bool = False
    needs_tensorflow: bool = False
