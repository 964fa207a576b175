"""Export of the images of a data set as PNG files."""

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image

from ankleboot.core.errors import UsageError
from ankleboot.core.files import atomic_write, make_folder
from ankleboot.data.dataset import LabeledImages
from ankleboot.data.load import load_data

MAX_CLASS_CHARS = 40  # of a class name in a file name
SAMPLES_PER_CLASS = 2
_UNSAFE = re.compile(r"[^\w-]")


def export_images(
    images: LabeledImages, class_names: tuple[str, ...], folder: Path, count: int
) -> list[Path]:
    """Write the first images as PNG files; the classes alternate.

    Args:
        images: Images to write.
        class_names: Names of the classes.
        folder: Path to an empty or new folder.
        count: Number of images.

    Returns:
        Paths to the files, such as `00009-ankle-boot.png`.

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
        name = _UNSAFE.sub("-", class_names[images.labels[index]].lower())[:MAX_CLASS_CHARS]
        path = folder / f"{number:05d}-{name}.png"
        content = io.BytesIO()
        Image.fromarray(images.images[index]).save(content, "PNG")
        atomic_write(path, content.getvalue())
        paths.append(path)
    return paths


def sample_strip() -> np.ndarray:
    """Join test images side by side: the first of every class, then the second of every class."""
    test = load_data("sample").test
    chosen = _alternate(test)[: 10 * SAMPLES_PER_CLASS]
    return np.concatenate(list(test.images[chosen]), axis=1)


def _alternate(images: LabeledImages) -> list[int]:
    """Order the positions so that the classes alternate: the first of each, the second, ..."""
    counts = np.zeros(int(images.labels.max(initial=0)) + 1, int)
    rounds = np.empty(len(images), int)
    for index, label in enumerate(images.labels):
        rounds[index] = counts[label]
        counts[label] += 1
    order: list[int] = np.lexsort((images.labels, rounds)).tolist()
    return order
