"""Export formats: writer, loader and accepted differences of one file type in one object.

Each module of the package export defines its formats as constants; `core/plugins.py` finds them by
name, so that `export` and `load_predictor` need no table of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ankleboot.inference.parity_limits import ParityLimits
from ankleboot.inference.predictor import Predictor


@dataclass(frozen=True)
class ExportFormat:
    """A file type that `export` writes and `load_predictor` reads.

    Attributes:
        file_name: Default name of the file; a name without suffix means a folder.
        write: Writes a `DeployableModel` to a path that does not exist yet, with its checksum. A
            folder gets its checksums from `add_folder_checksums`, and is recognized by them.
        load: Verifies the checksum and returns the predictor of a path with a number of threads.
        limits: Accepted differences from the Keras model.
        holds_ensembles: False for a format that holds one network alone.
        weights: Type of the weights in the file.
        fallback: Format that is written in its place where a model exceeds the limits.
    """

    file_name: str
    write: Callable[[Any, Path], None]
    load: Callable[[Path, int], Predictor]
    limits: ParityLimits
    holds_ensembles: bool = True
    weights: str = "float32"
    fallback: ExportFormat | None = None

    @property
    def suffix(self) -> str:
        """Suffix of the file; empty for a folder."""
        return Path(self.file_name).suffix
