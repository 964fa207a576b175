"""Recognition of Fashion-MNIST by its pixels, in whatever file and order they come.

Tables of the data set hold the images in an order of their own. `row_order.npy` has the place of
each image in the IDX files, for images sorted by hash; the bytes that result are then compared with
the hashes of those files, so that nothing is taken for the data set that is not.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import UsageError
from ankleboot.core.files import sha256_of
from ankleboot.core.types import IMAGE_SIZE, NUM_CLASSES, Images, Labels
from ankleboot.data.dataset import Dataset
from ankleboot.data.fashion_mnist.idx import IMAGES_MAGIC, LABELS_MAGIC, IdxFile
from ankleboot.data.fashion_mnist.load import FASHION_MNIST, SAMPLE, dataset_of

ROW_ORDER = Path(__file__).with_name("row_order.npy")
KNOWN = {"fashion-mnist": FASHION_MNIST, "sample": SAMPLE}


def recognize(
    source: Path, parts: Mapping[str, tuple[np.ndarray, Sequence[str]]]
) -> Dataset | None:
    """Return the data set that images and labels by split are; None if they are another.

    Raises:
        UsageError: If the training images are the test images of a known data set.
    """
    arrays = {split: _as_idx_arrays(*part) for split, part in parts.items()}
    if set(arrays) - {"train", "test"} or not all(arrays.values()):
        return None
    for name, files in KNOWN.items():
        ordered = {}
        for split, pair in (("train", files[:2]), ("test", files[2:])):
            part = arrays.get(split)
            if part and (match := _match(*part, pair, split)):
                ordered[split] = match
        if len(ordered) == len(arrays):
            return replace(dataset_of(name, files, ordered), source=str(source))
        part = arrays["train"]
        if part and _match(*part, files[2:], "test"):
            raise UsageError(
                f"{source}: these are the test images of {name}; name the file of the training "
                "images"
            )
    return None


def _as_idx_arrays(images: np.ndarray, labels: Sequence[str]) -> tuple[Images, Labels] | None:
    known = {str(label): label for label in range(NUM_CLASSES)}
    known |= {name: label for label, name in enumerate(CLASS_NAMES)}
    if images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE) or not set(labels) <= known.keys():
        return None
    return images, np.array([known[label] for label in labels], np.uint8)


def _match(
    images: Images, labels: Labels, files: Sequence[IdxFile], split: str
) -> tuple[Images, Labels] | None:
    """Return images and labels in the order of the IDX files; None if they are others."""
    if len(images) != files[0].count:
        return None
    if _have_hashes(images, labels, files):
        return images, labels
    places = _row_order().get(split)
    if places is None or len(places) != len(images):
        return None
    keys = [
        hashlib.sha256(image.tobytes() + bytes([label])).digest()
        for image, label in zip(np.ascontiguousarray(images), labels.tolist(), strict=True)
    ]
    by_hash = sorted(range(len(keys)), key=keys.__getitem__)
    rows = np.empty(len(keys), np.int64)
    rows[places] = by_hash
    images, labels = images[rows], labels[rows]
    return (images, labels) if _have_hashes(images, labels, files) else None


def _have_hashes(images: Images, labels: Labels, files: Sequence[IdxFile]) -> bool:
    """Compare the bytes of the IDX files that would hold these arrays."""
    shape = (LABELS_MAGIC, len(labels))
    if sha256_of(np.array(shape, ">u4").tobytes() + labels.tobytes()) != files[1].sha256:
        return False
    header = np.array((IMAGES_MAGIC, *images.shape), ">u4").tobytes()
    return sha256_of(header + np.ascontiguousarray(images).tobytes()) == files[0].sha256


@cache
def _row_order() -> dict[str, np.ndarray]:
    places = np.load(ROW_ORDER, allow_pickle=False).astype(np.int64)
    num_train = FASHION_MNIST[0].count
    return {"train": places[:num_train], "test": places[num_train:]}
