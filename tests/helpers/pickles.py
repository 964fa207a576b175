"""Pickles that do something when they are read."""

import os
from pathlib import Path
from typing import Any


class Harmful:
    """Object whose unpickling makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)
