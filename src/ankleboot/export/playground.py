"""Web page for learners: explore convolution, pooling and softmax of a trained network.

network.json    layers, weights and metadata; the page also opens those of other exports
samples.png     sample images, if the model takes those of Fashion-MNIST

The page computes in plain JavaScript and runs on any static host.
"""

import shutil
from dataclasses import asdict
from pathlib import Path

from ankleboot.core.files import write_json
from ankleboot.export.deployable import DeployableModel
from ankleboot.export.offline_app import write_samples
from ankleboot.inference.formats import ExportFormat
from ankleboot.inference.numpy_network import FILE_NAME, NumpyPredictor
from ankleboot.inference.parity_limits import FLOAT32
from ankleboot.models.files.checksums import add_folder_checksums
from ankleboot.web.render import SHARED, WEB

PAGE = WEB / "playground"
LAYOUT = 1  # version of network.json; the page refuses other versions


def write(network: DeployableModel, path: Path) -> None:
    """Write the folder; refuse a network that is not a chain of simple layers."""
    from ankleboot.export.network_json import layers_of  # imports Keras

    layers = layers_of(network.model)
    shutil.copytree(SHARED, path)
    shutil.copytree(PAGE, path, dirs_exist_ok=True)
    has_samples = write_samples(path, network.info)
    head = {"layout": LAYOUT, "samples": has_samples, "info": asdict(network.info)}
    write_json(path / FILE_NAME, head | {"layers": layers})
    add_folder_checksums(path, network.info)


PLAYGROUND = ExportFormat(
    "playground", write, lambda path, _: NumpyPredictor(path), FLOAT32, holds_ensembles=False
)
