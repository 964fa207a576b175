"""Fashion-MNIST and its sample: four IDX files each, verified by their hashes."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.download import complete
from ankleboot.core.errors import AnklebootError, UsageError
from ankleboot.core.paths import cache_folder, expand
from ankleboot.core.types import Images, Labels
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.fashion_mnist.find_idx import has_idx_header
from ankleboot.data.fashion_mnist.idx import IdxFile, parse
from ankleboot.data.fashion_mnist.sources import FAILURE, LocalFolder, all_sources
from ankleboot.recipes.image_spec import ImageSpec


def _files(
    num_train: int, num_test: int, hashes: Iterable[str], gz_hashes: Iterable[str] = 4 * ("",)
) -> tuple[IdxFile, ...]:
    """List training images, training labels, test images and test labels."""
    kinds = ("images-idx3-ubyte", "labels-idx1-ubyte")
    names = [f"{part}-{kind}" for part in ("train", "t10k") for kind in kinds]
    counts = (num_train, num_train, num_test, num_test)
    return tuple(map(IdxFile, names, counts, hashes, gz_hashes))


FASHION_MNIST = _files(
    60_000,
    10_000,
    (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
)
"""The hashes are those of the current data (the set was replaced on 2017-08-31)."""

SAMPLE = _files(
    2_000,
    500,
    (
        "2fecf98c2f9f3a28a5d3138662ae6ed69e60ac6452cdd0e5bd3d908839b3a11b",
        "448c52e942b163a8a102c68ff69d23f47fa356d92eaef198b16bd5c2e1487241",
        "1f77d53e7e29df6c70e6a8649a37f759d0ecca401587a1b58fbabd8b50d50ba2",
        "5286c60ee6164edd9a7a8580f1ef9284ad6db8282635b0374d9be27c2be527aa",
    ),
)
"""200 training and 50 test images of each class, drawn by tools/make_sample.py."""

SAMPLE_FOLDER = Path(__file__).parent / "sample"


def load_fashion_mnist(image_spec: ImageSpec) -> Dataset:
    """Load Fashion-MNIST from the folder ANKLEBOOT_DATA or the cache, fetching it if needed."""
    if folder := os.environ.get("ANKLEBOOT_DATA"):
        if not expand(folder).is_dir():
            raise UsageError(f"ANKLEBOOT_DATA={folder}: no such folder; name one or unset it")
        return load_idx_folder(expand(folder), image_spec)
    check_image_spec(image_spec)
    cache = cache_folder("fashion-mnist")
    try:
        return _read("fashion-mnist", FASHION_MNIST, cache, str(cache))
    except AnklebootError:  # a file is missing or damaged
        return _read("fashion-mnist", FASHION_MNIST, cache, fetch_fashion_mnist())


def load_sample(image_spec: ImageSpec) -> Dataset:
    """Load the 2,500 images of Fashion-MNIST that ship with the package."""
    check_image_spec(image_spec)
    return _read("sample", SAMPLE, SAMPLE_FOLDER, "shipped with the package")


def load_idx_folder(folder: Path, image_spec: ImageSpec) -> Dataset:
    """Load Fashion-MNIST from a folder with its four IDX files, plain or gzip."""
    check_image_spec(image_spec)
    return _read("fashion-mnist", FASHION_MNIST, folder, str(folder))


def has_idx_files(folder: Path) -> bool:
    """Check if a folder has any of the four IDX files, by name or by content."""
    paths = [folder / file.name for file in FASHION_MNIST]
    if any(path.is_file() or path.with_name(f"{path.name}.gz").exists() for path in paths):
        return True
    return has_idx_header(folder)


def fetch_fashion_mnist() -> str:
    """Complete the cache of Fashion-MNIST; return the origins of its files.

    Raises:
        DataError: If every source fails, at least one with wrong content.
        EnvironmentFailure: If no source can be reached, or the cache cannot be written.
    """
    cache = cache_folder("fashion-mnist")
    return complete(
        cache, FASHION_MNIST, lambda cleanup: [LocalFolder(cache), *all_sources(cleanup)], FAILURE
    )


def check_image_spec(image_spec: ImageSpec) -> None:
    """Refuse another image spec than that of Fashion-MNIST."""
    if image_spec.image_shape != ImageSpec().image_shape:
        raise UsageError(
            f"Fashion-MNIST has gray images of 28 x 28 pixels, not {image_spec}; "
            "name an image folder with --data, or set image_size=28 and color=false"
        )


def dataset_of(
    name: str, files: tuple[IdxFile, ...], parts: Mapping[str, tuple[Images, Labels]]
) -> Dataset:
    """Make the data set from the arrays of the splits "train" and "test", which may be missing."""
    images, labels = parts["train"]
    test_images, test_labels = parts.get("test", (images[:0], labels[:0]))
    existing = files if "test" in parts else files[:2]
    return Dataset(
        name=name,
        train=LabeledImages(images, labels),
        test=LabeledImages(test_images, test_labels),
        source="",
        sha256={file.name: file.sha256 for file in existing},
        class_names=CLASS_NAMES,
    )


def _read(name: str, files: tuple[IdxFile, ...], folder: Path, source: str) -> Dataset:
    images, labels, test_images, test_labels = (
        parse(LocalFolder(folder).read(file), file) for file in files
    )
    parts = {"train": (images, labels), "test": (test_images, test_labels)}
    return replace(dataset_of(name, files, parts), source=source)
