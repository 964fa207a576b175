"""The data: `load(name)` returns verified arrays, wherever the bytes have to come from.

    data = load()                 # Fashion-MNIST: cache, other tools' files, mirrors, Debian
    data = load("sample")         # 2,500 images that ship with the package
    data = load("path/to/files")  # the four IDX files, plain or .gz
    data = load("path/to/pets", Preparation(64, color=True, crop="none"))  # see folder.py

Images stay uint8, in memory (55 MB for Fashion-MNIST) or, of one's own pictures, on the disk.
"""

import os
from collections.abc import Callable
from pathlib import Path

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.download import complete
from ankleboot.core.errors import AnklebootError, UsageError
from ankleboot.core.paths import cache_folder
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.fashion_mnist.idx import IdxFile, parse_images, parse_labels
from ankleboot.data.fashion_mnist.sources import FAILURE, LocalFolder, all_sources
from ankleboot.data.image_folder.report import LAYOUT
from ankleboot.recipes.image_spec import ImageSpec

__all__ = ["FASHION_MNIST", "SAMPLE", "Dataset", "LabeledImages", "load_data"]

FASHION_MNIST = (
    IdxFile(
        "train-images-idx3-ubyte",
        60_000,
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ),
    IdxFile(
        "train-labels-idx1-ubyte",
        60_000,
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    ),
    IdxFile(
        "t10k-images-idx3-ubyte",
        10_000,
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    ),
    IdxFile(
        "t10k-labels-idx1-ubyte",
        10_000,
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
)
"""In the order training images, training labels, test images, test labels; hashes are of the
current data (the set was replaced on 2017-08-31)."""

SAMPLE = (
    IdxFile(
        "train-images-idx3-ubyte",
        2_000,
        "2fecf98c2f9f3a28a5d3138662ae6ed69e60ac6452cdd0e5bd3d908839b3a11b",
    ),
    IdxFile(
        "train-labels-idx1-ubyte",
        2_000,
        "448c52e942b163a8a102c68ff69d23f47fa356d92eaef198b16bd5c2e1487241",
    ),
    IdxFile(
        "t10k-images-idx3-ubyte",
        500,
        "1f77d53e7e29df6c70e6a8649a37f759d0ecca401587a1b58fbabd8b50d50ba2",
    ),
    IdxFile(
        "t10k-labels-idx1-ubyte",
        500,
        "5286c60ee6164edd9a7a8580f1ef9284ad6db8282635b0374d9be27c2be527aa",
    ),
)
"""200 training and 50 test images of each class, drawn by tools/make_sample.py."""

FASHION_MNIST_IMAGE_SPEC = ImageSpec()

SAMPLE_FOLDER = Path(__file__).parent / "fashion_mnist/sample"


def load_data(
    name: str = "fashion-mnist",
    image_spec: ImageSpec = FASHION_MNIST_IMAGE_SPEC,
    *,
    skip_bad: bool = False,
    strict: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Dataset:
    """Return a data set, fetching Fashion-MNIST into the cache if it is not there yet.

    Args:
        name: "fashion-mnist", "sample", a folder with the four IDX files of Fashion-MNIST, or a
            folder of pictures with a sub-folder for every class (see `folder`).
            The variable ANKLEBOOT_DATA names a folder of IDX files for "fashion-mnist".
        image_spec: What is to be made of pictures; those of Fashion-MNIST are 28 x 28 and grey.
        skip_bad: Leave out pictures that cannot be decoded, instead of refusing the folder.
        strict: Refuse a folder in which a picture is in more than one part.
        say: Called with a line before work that takes its time.

    Raises:
        DataError: If content is wrong; the message names the file, both hashes and the reason.
        EnvironmentFailure: If nothing can be reached, or the cache cannot be written.
        UsageError: If `name` is neither a known name nor a folder, or cannot be prepared so.
    """
    folder = os.environ.get("ANKLEBOOT_DATA", "") if name == "fashion-mnist" else name
    if folder and name != "sample":
        if not Path(folder).is_dir():
            raise UsageError(
                f"--data {folder}: no such folder; expected fashion-mnist, sample, a folder of "
                f"pictures ({LAYOUT}) or one with the four IDX files"
            )
        if name != "fashion-mnist" and is_image_folder(name):
            from ankleboot.data.image_folder.load import load_image_folder

            return load_image_folder(
                Path(folder), image_spec, skip_bad=skip_bad, strict=strict, say=say
            )
    if image_spec.image_shape != FASHION_MNIST_IMAGE_SPEC.image_shape:
        raise UsageError(
            f"Fashion-MNIST has grey images of 28 x 28 pixels, not {image_spec}; "
            "name a folder of pictures with --data, or set image_size=28 and color=false"
        )
    if name == "sample":
        return _assemble("sample", SAMPLE, SAMPLE_FOLDER, "shipped with the package")
    if folder:
        return _assemble("fashion-mnist", FASHION_MNIST, Path(folder), folder)
    cache = cache_folder("fashion-mnist")
    try:
        return _assemble("fashion-mnist", FASHION_MNIST, cache, str(cache))
    except AnklebootError:  # something is missing or damaged
        source = fetch_fashion_mnist()
        return _assemble("fashion-mnist", FASHION_MNIST, cache, source)


def is_image_folder(name: str) -> bool:
    """Whether `load` takes a name for a folder of somebody's own pictures."""
    files = [Path(name) / wanted.name for wanted in FASHION_MNIST]
    idx = any(path.exists() or path.with_name(f"{path.name}.gz").exists() for path in files)
    return name not in ("fashion-mnist", "sample") and Path(name).is_dir() and not idx


def fetch_fashion_mnist() -> str:
    """Complete the cache of Fashion-MNIST; return the origins of its files.

    Raises:
        DataError, EnvironmentFailure: As `load`.
    """
    cache = cache_folder("fashion-mnist")
    return complete(
        cache, FASHION_MNIST, lambda cleanup: [LocalFolder(cache), *all_sources(cleanup)], FAILURE
    )


def _assemble(name: str, files: tuple[IdxFile, ...], folder: Path, origin: str) -> Dataset:
    raw = {wanted.name: LocalFolder(folder).read(wanted) for wanted in files}
    train_images, train_labels, test_images, test_labels = files
    return Dataset(
        name=name,
        train=LabeledImages(
            parse_images(raw[train_images.name], train_images.name),
            parse_labels(raw[train_labels.name], train_labels.name),
        ),
        test=LabeledImages(
            parse_images(raw[test_images.name], test_images.name),
            parse_labels(raw[test_labels.name], test_labels.name),
        ),
        source=origin,
        sha256={wanted.name: wanted.sha256 for wanted in files},
        class_names=CLASS_NAMES,
    )
