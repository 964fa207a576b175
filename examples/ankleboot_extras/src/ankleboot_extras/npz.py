"""Export format `npz`: the dense layers of an MLP as a NumPy archive, run by NumPy alone."""

from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.export.deployable import DeployableModel
from ankleboot.inference.formats import ExportFormat
from ankleboot.inference.parity_limits import FLOAT32
from ankleboot.models.files.calibration import softmax
from ankleboot.models.files.checksums import add_folder_checksums, read_verified_folder

WEIGHTS_NAME = "weights.npz"
SUPPORTED_LAYERS = {"InputLayer", "Flatten", "Dense", "ReLU", "Dropout", "Softmax"}


class NpzPredictor:
    """Dense layers with ReLU between them, on pixels in [0, 1]."""

    def __init__(self, path: Path) -> None:
        self.name, self.info = str(path), read_verified_folder(path)
        with np.load(path / WEIGHTS_NAME) as archive:
            self._layers = [
                (archive[f"kernel{i}"], archive[f"bias{i}"]) for i in range(len(archive) // 2)
            ]

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return the probabilities of the images, shape (n, classes)."""
        x = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
        for kernel, bias in self._layers[:-1]:
            x = np.maximum(x @ kernel + bias, 0)
        kernel, bias = self._layers[-1]
        return softmax((x @ kernel + bias) / np.float32(self.info.temperature))


def write(model: DeployableModel, path: Path) -> None:
    """Write the folder `path`: the weights and the metadata with checksums."""
    layers = model.model.layers
    if unknown := {type(layer).__name__ for layer in layers} - SUPPORTED_LAYERS:
        raise ModelError(
            f"npz takes dense layers with ReLU between them; this model has {', '.join(unknown)}"
        )
    dense = [layer for layer in layers if type(layer).__name__ == "Dense"]
    arrays: dict[str, Any] = {}
    for i, layer in enumerate(dense):
        arrays[f"kernel{i}"], arrays[f"bias{i}"] = layer.get_weights()
    path.mkdir()
    np.savez(path / WEIGHTS_NAME, **arrays)
    add_folder_checksums(path, model.info)


FORMAT = ExportFormat(
    file_name="npz",
    write=write,
    load=lambda path, num_threads: NpzPredictor(path),  # NumPy chooses its number of threads
    limits=FLOAT32,
)
