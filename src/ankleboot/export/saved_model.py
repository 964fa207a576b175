"""Export format of TensorFlow Serving: a SavedModel folder."""

from pathlib import Path

from ankleboot.core.silence import silenced
from ankleboot.export.deployable import DeployableModel
from ankleboot.inference.formats import ExportFormat
from ankleboot.inference.parity_limits import FLOAT32
from ankleboot.inference.saved_model import SavedModelPredictor
from ankleboot.models.files.checksums import add_folder_checksums


def write(model: DeployableModel, path: Path) -> None:
    """Write weights and arithmetic in float32, with one signature."""
    with silenced():
        model.deployable.export(str(path), format="tf_saved_model", verbose=False)
    add_folder_checksums(path, model.info)


SAVED_MODEL = ExportFormat("saved-model", write, lambda path, _: SavedModelPredictor(path), FLOAT32)
