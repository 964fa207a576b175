"""OpenVINO's intermediate representation: a folder with model.xml and model.bin."""

from pathlib import Path

from ankleboot.core.silence import import_openvino, silenced
from ankleboot.export.deployable import DeployableModel
from ankleboot.inference.openvino import MODEL_NAME
from ankleboot.models.files.checksums import add_folder_checksums


def write(network: DeployableModel, path: Path) -> None:
    """Weights and arithmetic in float32."""
    import_openvino()
    path.mkdir()
    with silenced():
        network.deployable.export(str(path / MODEL_NAME), format="openvino", verbose=False)
    add_folder_checksums(path, network.info)
