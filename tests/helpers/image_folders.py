"""Folders of images as the tests of their loading use them."""

from pathlib import Path

from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.recipes.image_spec import ImageSpec

WHOLE = ImageSpec(32, color=True, crop="none")


def loaded(folder: Path, *, skip_bad: bool = False, strict: bool = False) -> Dataset:
    """Load a folder as whole images."""
    return load_data(str(folder), image_spec=WHOLE, skip_bad=skip_bad, strict=strict)
