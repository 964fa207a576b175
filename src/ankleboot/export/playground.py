"""A page for learners: convolution, pooling and softmax of a trained network, to be played with.

network.json    the network and its description; another playground opens it, too
samples.png     images to begin with, where the network knows those of Fashion-MNIST

The page computes in plain JavaScript: the networks are small, every step is to be seen, and any
static host will do.
"""

import shutil
from dataclasses import asdict
from pathlib import Path

from PIL import Image

from ankleboot.core.files import write_json
from ankleboot.data.export_images import sample_strip
from ankleboot.export.deployable import DeployableModel
from ankleboot.export.offline_app import knows_samples
from ankleboot.inference.formats import FLOAT32, ExportFormat
from ankleboot.inference.numpy_network import FILE_NAME, NumpyPredictor
from ankleboot.models.files.checksums import add_folder_checksums
from ankleboot.web.render import SHARED, WEB

PAGE = WEB / "playground"
LAYOUT = 1  # of network.json; the page refuses another


def write(network: DeployableModel, path: Path) -> None:
    """Write the folder.

    Raises:
        ModelError: If the network is no chain of simple layers.
    """
    from ankleboot.export.network_json import layers_of  # imports Keras

    layers = layers_of(network.model)
    shutil.copytree(SHARED, path)
    shutil.copytree(PAGE, path, dirs_exist_ok=True)
    has_samples = knows_samples(network.info)
    if has_samples:
        Image.fromarray(sample_strip()).save(path / "samples.png")
    head = {"layout": LAYOUT, "samples": has_samples, "info": asdict(network.info)}
    write_json(path / FILE_NAME, head | {"layers": layers})
    add_folder_checksums(path, network.info)


PLAYGROUND = ExportFormat("playground", write, lambda path, _: NumpyPredictor(path), FLOAT32)
