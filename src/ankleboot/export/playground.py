"""Web page for learners: take a trained network apart, and train a small one.

index.html      the page in one file, which also opens from the disk
network.json    layers, weights and metadata; the page also opens those of other exports

The page computes in plain JavaScript. It holds the network a second time, since a page that was
opened from the disk cannot read the file beside it.
"""

import base64
import io
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.files import atomic_write, write_json
from ankleboot.data.export_images import sample_strip, training_sprite
from ankleboot.export.deployable import DeployableModel
from ankleboot.export.offline_app import takes_samples
from ankleboot.inference.formats import ExportFormat
from ankleboot.inference.numpy_network import FILE_NAME, NumpyPredictor
from ankleboot.inference.parity_limits import FLOAT32
from ankleboot.models.files.checksums import add_folder_checksums
from ankleboot.web.render import WEB
from ankleboot.web.single_file import single_file

PAGE = WEB / "playground"
LAYOUT = 1  # version of network.json; the page refuses other versions
NUM_LESSON_IMAGES = 600  # 400 to train with, 200 to validate; as in lesson_images.js
LESSON_COLUMNS = 20  # images in a row of the sprite


def write(network: DeployableModel, path: Path) -> None:
    """Write the folder; refuse a network that is not a chain of simple layers."""
    from ankleboot.export.network_json import layers_of  # imports Keras

    layers = layers_of(network.model)
    has_samples = takes_samples(network.info)
    head = {"layout": LAYOUT, "samples": has_samples, "info": asdict(network.info)}
    document = head | {"layers": layers}
    images = {
        "samples": _packed_png(sample_strip()) if has_samples else None,
        "lesson": _packed_png(training_sprite(NUM_LESSON_IMAGES, LESSON_COLUMNS)),
        "labels": CLASS_NAMES,
    }
    path.mkdir(parents=True)
    write_json(path / FILE_NAME, document)
    page = single_file(PAGE, {"network-data": document, "image-data": images})
    atomic_write(path / "index.html", page.encode())
    add_folder_checksums(path, network.info)


def _packed_png(pixels: np.ndarray) -> str:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", optimize=True)
    return base64.b64encode(content.getvalue()).decode()


PLAYGROUND = ExportFormat(
    "playground", write, lambda path, _: NumpyPredictor(path), FLOAT32, holds_ensembles=False
)
