"""Export format of OpenVINO: a folder with model.xml and model.bin."""

from pathlib import Path

from ankleboot.core.silence import import_openvino, silenced
from ankleboot.export.deployable import DeployableModel
from ankleboot.inference.formats import ExportFormat
from ankleboot.inference.openvino import MODEL_NAME, OpenVINOPredictor
from ankleboot.inference.parity_limits import FLOAT32
from ankleboot.models.files.checksums import add_folder_checksums


def write(model: DeployableModel, path: Path) -> None:
    """Write weights and arithmetic in float32."""
    import_openvino()
    path.mkdir()
    with silenced():
        model.deployable.export(str(path / MODEL_NAME), format="openvino", verbose=False)
    add_folder_checksums(path, model.info)


OPENVINO = ExportFormat("openvino", write, OpenVINOPredictor, FLOAT32)
