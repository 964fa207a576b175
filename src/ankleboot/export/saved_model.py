"""TensorFlow's SavedModel: a folder for TensorFlow Serving and its kin."""

from pathlib import Path

from ankleboot.core.silence import silenced
from ankleboot.export.deployable import DeployableModel
from ankleboot.models.files.checksums import add_folder_checksums


def write(network: DeployableModel, path: Path) -> None:
    """Weights and arithmetic in float32, one signature."""
    with silenced():
        network.deployable.export(str(path), format="tf_saved_model", verbose=False)
    add_folder_checksums(path, network.info)
