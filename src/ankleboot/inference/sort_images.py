"""Images sorted into a folder for each predicted class, as copies or links.

sorter = ImageSorter(Path("sorted"))
for prediction in predict("photos"):
sorter.add(prediction)
sorter.finish()
"""

import os
import shutil
from itertools import count
from pathlib import Path

from ankleboot.core.csv_text import csv_text
from ankleboot.core.errors import UsageError
from ankleboot.core.files import atomic_write, make_folder, write_failure
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.text import folder_name
from ankleboot.inference.decide import Prediction
from ankleboot.inference.predict import FailedImage

UNSURE = "_unsure"  # folder of the images whose prediction should not be relied on
TABLE = "predictions.csv"
COLUMNS = ("path", "label", "confidence", "abstained", "source")


class ImageSorter:
    """Sorter of images into a new folder, which never moves, changes or replaces a file."""

    def __init__(self, folder: AnyPath, *, link: bool = False) -> None:
        """Create the folder.

        Args:
            folder: New or empty folder.
            link: Whether to make links to the images in place of copies.

        Raises:
            UsageError: If the folder is not empty.
            EnvironmentFailure: If it cannot be created.
        """
        self.folder, self._link = expand(folder), link
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise UsageError(f"--sort-into {self.folder}: not an empty folder; name another one")
        make_folder(self.folder)
        self.counts: dict[str, int] = {}
        self._rows: list[tuple[object, ...]] = []

    def add(self, result: Prediction | FailedImage) -> Path | None:
        """Copy or link an image; return its new path, None for an image that was not read.

        Raises:
            UsageError: If the image is no file.
            EnvironmentFailure: If the disk is full or cannot be written.
        """
        if isinstance(result, FailedImage):
            return None
        source = expand(result.path)
        if not source.is_file():
            raise UsageError(f"{result.path}: only files can be sorted into folders")
        name = UNSURE if result.abstained else folder_name(result.label)
        target = self._unused(self.folder / name / source.name)
        make_folder(target.parent)
        if self._link:
            try:
                target.symlink_to(os.path.abspath(source))
            except OSError as error:
                raise write_failure(target, error, None) from error
        else:
            atomic_write(target, lambda temp: _copy(source, temp))
        self.counts[name] = self.counts.get(name, 0) + 1
        path = target.relative_to(self.folder).as_posix()
        flag = str(result.abstained).lower()
        self._rows.append((path, result.label, f"{result.confidence:.6f}", flag, result.path))
        return target

    def finish(self) -> Path:
        """Write the table of all images, which `--data` takes; return its path."""
        text = csv_text((COLUMNS, *self._rows))
        path = self.folder / TABLE
        atomic_write(path, text.encode("utf-8", "surrogateescape"))
        return path

    def _unused(self, path: Path) -> Path:
        """Number equal names of images from several folders."""
        names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
        return path if not os.path.lexists(path) else next(p for p in names if not p.exists())


def _copy(source: Path, target: Path) -> None:
    shutil.copy2(source, target)
