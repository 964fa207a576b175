"""Cache and folder of images that the tests of this package share."""

from pathlib import Path

import pytest

from helpers.images import write_image_folder


@pytest.fixture(autouse=True)
def cache(isolated_cache_dir: Path) -> Path:
    return isolated_cache_dir.with_name("image-folders")


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two classes of five images each."""
    return write_image_folder(tmp_path / "pets", {"cat": 5, "dog": 5})
