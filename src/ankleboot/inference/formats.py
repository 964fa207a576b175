"""Export formats: writer, loader and accepted differences of one file type in one object.

Each module of the package export defines its formats as constants; `core/plugins.py` finds them by
name, so that `export` and `load_predictor` need no table of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ankleboot.inference.predictor import Predictor


@dataclass(frozen=True)
class ParityLimits:
    """Accepted differences between an exported file and its Keras model.

    Attributes:
        max_abs_diff: Largest difference of one probability.
        top1_agreement: Minimal fraction of images with the same label.
        max_accuracy_loss: Largest loss of accuracy, as a fraction of the images. None where the
            labels of the images are not needed: equal predictions have equal accuracy.
    """

    max_abs_diff: float = 1.0
    top1_agreement: float = 0.0
    max_accuracy_loss: float | None = None


FLOAT32 = ParityLimits(max_abs_diff=1e-4, top1_agreement=1.0)
FLOAT16 = ParityLimits(max_abs_diff=1e-2, top1_agreement=0.999)
"""Half precision rounds every weight by up to 1 in 2,048: 1e-4 is beyond any such file."""
INT8 = ParityLimits(top1_agreement=0.97, max_accuracy_loss=0.003)


@dataclass(frozen=True)
class ExportFormat:
    """A file type that `export` writes and `load_predictor` reads.

    Attributes:
        file_name: Default name of the file; a name without suffix means a folder.
        write: Writes a `DeployableModel` to a path that does not exist yet, with its checksum. A
            folder gets its checksums from `add_folder_checksums`, and is recognized by them.
        load: Verifies the checksum and returns the predictor of a path with a number of threads.
        limits: Accepted differences from the Keras model.
    """

    file_name: str
    write: Callable[[Any, Path], None]
    load: Callable[[Path, int], Predictor]
    limits: ParityLimits

    @property
    def suffix(self) -> str:
        """Suffix of the file; empty for a folder."""
        return Path(self.file_name).suffix
