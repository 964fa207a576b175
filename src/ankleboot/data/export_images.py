"""Export of the images of a data set as PNG files."""

import io
import re
from itertools import zip_longest
from pathlib import Path

import numpy as np
from PIL import Image

from ankleboot.core.errors import UsageError
from ankleboot.core.files import atomic_write, make_folder
from ankleboot.data.dataset import LabeledImages
from ankleboot.data.load import load_data

MAX_CLASS_CHARS = 40  # of a class name in a file name


def export_images(
    images: LabeledImages, class_names: tuple[str, ...], folder: Path, count: int
) -> list[Path]:
    """Write the first `count` images as PNG files, such as `00009-ankle-boot.png`.

    The classes alternate. Returns the paths to the files.

    Raises:
        UsageError: If the folder is not empty, or there are fewer images.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: not an empty folder; name another one")
    if count > len(images):
        raise UsageError(f"--count {count}: there are {len(images):,} images")
    make_folder(folder)
    paths = []
    for number, index in enumerate(_alternate(images)[:count]):
        name = re.sub(r"[^\w-]", "-", class_names[images.labels[index]].lower())
        paths.append(folder / f"{number:05d}-{name[:MAX_CLASS_CHARS]}.png")
        content = io.BytesIO()
        Image.fromarray(images.images[index]).save(content, "PNG")
        atomic_write(paths[-1], content.getvalue())
    return paths


def sample_strip() -> np.ndarray:
    """Join test images side by side: the first of every class, then the second of every class."""
    test = load_data("sample").test
    return np.concatenate(list(test.images[_alternate(test)[:20]]), axis=1)


def training_sprite(count: int, columns: int) -> np.ndarray:
    """Join training images of the sample in rows; the classes alternate."""
    train = load_data("sample").train
    images = train.images[_alternate(train)[:count]]
    rows = images.reshape(-1, columns, *images.shape[1:])
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows])


def _alternate(images: LabeledImages) -> list[int]:
    """Order the positions so that the classes alternate: the first of each, the second, ..."""
    by_class = [np.flatnonzero(images.labels == label) for label in np.unique(images.labels)]
    return [int(i) for nth in zip_longest(*by_class) for i in nth if i is not None]
