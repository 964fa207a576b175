"""A page that any static host can serve: model, runtime and all; no server, no other host."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from ankleboot.data import load
from ankleboot.export import litert
from ankleboot.export.network import Network
from ankleboot.export.web import runtime
from ankleboot.sealed import seal_folder

PAGE = Path(__file__).parent / "page"
SAMPLES_PER_CLASS = 2


def write(network: Network, path: Path) -> None:
    """Write the folder; its model is the float32 LiteRT file."""
    shutil.copytree(PAGE, path)
    litert.write_single(network, path / "model.tflite")
    (path / "runtime").mkdir()
    runtime.place(path / "runtime")
    _samples().save(path / "samples.png")
    seal_folder(path, network.info)


def _samples() -> Image.Image:
    """A strip of test images: the first of every class, then the second of every class."""
    test = load("sample").test
    chosen = [
        np.flatnonzero(test.labels == label)[place]
        for place in range(SAMPLES_PER_CLASS)
        for label in range(10)
    ]
    return Image.fromarray(np.concatenate(list(test.images[chosen]), axis=1))
