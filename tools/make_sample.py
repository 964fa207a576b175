"""Draw the sample that ships with the package from the full data set.

    python tools/make_sample.py

Prints the lines for `SAMPLE` of data/fashion_mnist/load.py. The draw is stratified with a fixed seed and keeps the
order of the files, so it can be repeated byte for byte.
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
    for prefix, part, size in (("train", data.train, TRAIN_SIZE), ("t10k", data.test, TEST_SIZE)):
        for name, raw in idx_files(prefix, part, size).items():
            packed = gzip.compress(raw, compresslevel=9, mtime=0)
            atomic_write(SAMPLE_FOLDER / f"{name}.gz", packed)
            print(f'    IdxFile("{name}", {size:_}, "{sha256_of(raw)}"),')


def idx_files(prefix: str, part: LabeledImages, size: int) -> dict[str, bytes]:
    chosen = draw(np.arange(len(part)), part.labels, size, np.random.default_rng(0))
    images, labels = part.images[chosen], part.labels[chosen]
    return {
        f"{prefix}-images-idx3-ubyte": struct.pack(">4I", IMAGES_MAGIC, size, 28, 28)
        + images.tobytes(),
        f"{prefix}-labels-idx1-ubyte": struct.pack(">2I", LABELS_MAGIC, size) + labels.tobytes(),
    }


if __name__ == "__main__":
    main()
