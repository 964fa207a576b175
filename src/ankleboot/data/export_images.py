"""Images of a data set as picture files, for people and for other programs."""

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image

from ankleboot.core.errors import UsageError
from ankleboot.core.files import atomic_write, make_folder
from ankleboot.data.dataset import LabeledImages
from ankleboot.data.load import load_data

NAME_LENGTH = 40  # characters of a class's name in a file's
SAMPLES_PER_CLASS = 2
_SAFE = re.compile(r"[^\w-]")


def export_images(
    part: LabeledImages, class_names: tuple[str, ...], folder: Path, count: int
) -> list[Path]:
    """Write the first `count` images, one class after the other, as PNG files.

    Returns:
        The files, named `00009-ankle-boot.png` and so on.

    Raises:
        UsageError: If `folder` holds something already, or there are not so many images.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: not empty; name another folder")
    if count > len(part):
        raise UsageError(f"--count {count}: there are {len(part)} images")
    make_folder(folder)
    paths = []
    for place, index in enumerate(_in_turn(part)[:count]):
        name = _SAFE.sub("-", class_names[part.labels[index]].lower())[:NAME_LENGTH]
        path = folder / f"{place:05d}-{name}.png"
        content = io.BytesIO()
        Image.fromarray(part.images[index]).save(content, "PNG")
        atomic_write(path, content.getvalue())
        paths.append(path)
    return paths


def sample_strip() -> np.ndarray:
    """Test images beside each other: the first of every class, then the second of every class."""
    test = load_data("sample").test
    chosen = _in_turn(test)[: 10 * SAMPLES_PER_CLASS]
    return np.concatenate(list(test.images[chosen]), axis=1)


def _in_turn(part: LabeledImages) -> list[int]:
    """Positions so that the classes take turns: the first of each, the second of each, ..."""
    seen = np.zeros(int(part.labels.max(initial=0)) + 1, int)
    rounds = np.empty(len(part), int)
    for index, label in enumerate(part.labels):
        rounds[index] = seen[label]
        seen[label] += 1
    order: list[int] = np.lexsort((part.labels, rounds)).tolist()
    return order
