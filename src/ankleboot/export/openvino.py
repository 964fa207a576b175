"""OpenVINO's intermediate representation: a folder with model.xml and model.bin."""

from pathlib import Path

from ankleboot.export.network import Network
from ankleboot.predictors.openvino import MODEL_NAME
from ankleboot.quiet import hushed, import_openvino
from ankleboot.sealed import seal_folder


def write(network: Network, path: Path) -> None:
    """Weights and arithmetic in float32."""
    import_openvino()
    path.mkdir()
    with hushed():
        network.deployable.export(str(path / MODEL_NAME), format="openvino", verbose=False)
    seal_folder(path, network.info)
