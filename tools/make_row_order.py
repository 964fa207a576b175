"""Write the places of Fashion-MNIST's images in its IDX files, for images sorted by hash.

    .venv/bin/python tools/make_row_order.py     # seconds; data/fashion_mnist/row_order.npy

`data/fashion_mnist/recognize.py` restores the order of the files from it.
"""

import hashlib

import numpy as np

from ankleboot.data.fashion_mnist.recognize import ROW_ORDER
from ankleboot.data.load import load_data


def main() -> None:
    data = load_data()
    places = []
    for part in (data.train, data.test):
        keys = [
            hashlib.sha256(image.tobytes() + bytes([label])).digest()
            for image, label in zip(part.images, part.labels.tolist(), strict=True)
        ]
        places.append(np.array(sorted(range(len(keys)), key=keys.__getitem__), np.uint16))
    np.save(ROW_ORDER, np.concatenate(places), allow_pickle=False)


if __name__ == "__main__":
    main()
