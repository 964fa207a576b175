"""Draw the sample that ships with the package from the full data set.

    python tools/make_sample.py

The script prints the hashes for `SAMPLE` of data/fashion_mnist/load.py. The draw is stratified with
a fixed seed and keeps the order of the files, so that every draw gives the same bytes.
"""

import gzip
import struct

import numpy as np

from ankleboot.core.files import atomic_write, sha256_of
from ankleboot.data.dataset import LabeledImages
from ankleboot.data.fashion_mnist.idx import IMAGES_MAGIC, LABELS_MAGIC
from ankleboot.data.fashion_mnist.load import SAMPLE_FOLDER
from ankleboot.data.load import load_data
from ankleboot.data.splits import draw

TRAIN_SIZE, TEST_SIZE = 2_000, 500


def main() -> None:
    data = load_data()
    for prefix, split, size in (("train", data.train, TRAIN_SIZE), ("t10k", data.test, TEST_SIZE)):
        for name, content in idx_files(prefix, split, size).items():
            compressed = gzip.compress(content, compresslevel=9, mtime=0)
            atomic_write(SAMPLE_FOLDER / f"{name}.gz", compressed)
            print(f'        "{sha256_of(content)}",')


def idx_files(prefix: str, data: LabeledImages, size: int) -> dict[str, bytes]:
    """Draw images and encode them as IDX files by name."""
    chosen = draw(np.arange(len(data)), data.labels, size, np.random.default_rng(0))
    images, labels = data.images[chosen], data.labels[chosen]
    return {
        f"{prefix}-images-idx3-ubyte": struct.pack(">4I", IMAGES_MAGIC, size, 28, 28)
        + images.tobytes(),
        f"{prefix}-labels-idx1-ubyte": struct.pack(">2I", LABELS_MAGIC, size) + labels.tobytes(),
    }


if __name__ == "__main__":
    main()
