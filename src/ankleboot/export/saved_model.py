"""TensorFlow's SavedModel: a folder for TensorFlow Serving and its kin."""

from pathlib import Path

from ankleboot.export.network import Network
from ankleboot.quiet import hushed
from ankleboot.sealed import seal_folder


def write(network: Network, path: Path) -> None:
    """Weights and arithmetic in float32, one signature."""
    with hushed():
        network.deployable.export(str(path), format="tf_saved_model", verbose=False)
    seal_folder(path, network.info)
