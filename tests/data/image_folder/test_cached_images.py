"""What is stored of images beside their pixels: digests, sizes, and why some cannot be read."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ankleboot.core.errors import DataError
from ankleboot.data.image_folder.cache import BLOCK_SIZE, CachedImages, cache_images
from ankleboot.data.image_folder.content import hash_images
from ankleboot.data.image_folder.listing import ImageFile
from ankleboot.recipes.image_spec import ImageSpec

GRAY, COLOR = ImageSpec(8, crop="none"), ImageSpec(8, color=True, crop="none")


def silent(_: str) -> None:
    """Take the progress of a test that does not look at it."""


def cached(folder: Path, image_spec: ImageSpec = GRAY) -> CachedImages:
    """Cache the files of a folder, sorted by name."""
    files = [ImageFile(path, path.name, "train", "a") for path in sorted(folder.iterdir())]
    return cache_images(hash_images(files), image_spec, silent)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Folder for pictures."""
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


def draw(path: Path, width: int, height: int, color: str = "red") -> None:
    Image.new("RGB", (width, height), color).save(path)


def test_the_smallest_and_the_largest_image_are_those_of_the_fewest_and_most_pixels(
    photos: Path,
) -> None:
    for number, size in enumerate([(12, 30), (10, 90), (20, 40), (14, 15), (30, 9)]):
        draw(photos / f"{number}.png", *size)
    for _ in range(2):  # decoded, then read from the cache
        images = cached(photos)
        assert (images.smallest, images.largest) == ((15, 14), (90, 10))  # height and width


def test_equal_pixels_have_equal_digests_and_others_do_not(photos: Path) -> None:
    sizes = {"a.png": (20, 40), "b.bmp": (20, 40), "c.png": (40, 20), "d.png": (20, 41)}
    for name, size in sizes.items():
        draw(photos / name, *size)
    first, again, turned, taller = cached(photos).digests
    assert first == again and len({first, turned, taller}) == 3


def test_a_file_that_cannot_be_read_keeps_its_place_in_any_block(photos: Path) -> None:
    """Another file would be reported, and left out in its stead."""
    for number in range(BLOCK_SIZE + 9):
        Image.new("L", (8, 8), number).save(photos / f"{number:03d}.png")
    (photos / "002.png").unlink()
    (photos / "002.png").symlink_to(photos / "gone")
    (photos / f"{BLOCK_SIZE + 3:03d}.png").write_bytes(b"")
    images = cached(photos)
    bad = {2: "a link to a file that is missing", BLOCK_SIZE + 3: "an empty file"}
    assert list(images.unreadable) == list(bad)
    assert all(images.unreadable[place].startswith(reason) for place, reason in bad.items())
    good = [number for number in range(BLOCK_SIZE + 9) if number not in bad]
    assert images.images[:, 4, 4].tolist() == good and len(images.digests) == len(good)


def test_images_of_which_none_can_be_read_have_no_size(photos: Path) -> None:
    (photos / "a.png").write_bytes(b"")
    images = cached(photos)
    assert images.images.shape == (0, 8, 8) and images.unreadable == {0: "an empty file"}
    assert (images.smallest, images.largest) == ((0, 0), (0, 0))


def test_work_is_announced_once(photos: Path) -> None:
    messages: list[str] = []
    draw(photos / "a.png", 9, 9)
    files = hash_images([ImageFile(photos / "a.png", "a.png", "train", "a")])
    for _ in range(2):
        cache_images(files, COLOR, messages.append)
    assert messages == ["preprocessing 1 image, once: color 8 x 8, whole photo"]


@pytest.mark.parametrize("image_spec", [GRAY, COLOR])
def test_images_of_a_user_without_a_home_folder_are_kept_in_memory(
    image_spec: ImageSpec,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    draw(photos / "a.png", 9, 9)
    draw(photos / "b.png", 12, 12, "blue")
    (photos / "c.png").write_bytes(b"")
    kept = cached(photos, image_spec)

    def homeless(_: str) -> str:
        raise RuntimeError

    monkeypatch.delenv("ANKLEBOOT_CACHE")
    monkeypatch.setattr("platformdirs.user_cache_dir", homeless)
    images = cached(photos, image_spec)
    np.testing.assert_array_equal(images.images, kept.images)
    assert images.images.dtype == np.uint8 and images.images.shape == (2, *image_spec.image_shape)
    assert (images.digests, images.unreadable) == (kept.digests, {2: "an empty file"})
    (record,) = caplog.records
    assert record.getMessage().startswith("this user has no home folder")


def test_an_image_that_has_changed_is_named(photos: Path) -> None:
    draw(photos / "a.png", 9, 9)
    files = hash_images([ImageFile(photos / "a.png", "a.png", "train", "a")])
    draw(photos / "a.png", 9, 9, "blue")
    with pytest.raises(DataError, match=f"^{photos}/a.png: changed while it was read"):
        cache_images(files, GRAY, silent)
