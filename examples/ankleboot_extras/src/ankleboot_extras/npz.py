"""Export format `npz`: the dense layers of an MLP as a NumPy archive, run by NumPy alone."""

from pathlib import Path
from typing import Any

import numpy as np
from ankleboot.core.errors import ModelError
from ankleboot.export.deployable import DeployableModel
from ankleboot.inference.formats import FLOAT32, ExportFormat
from ankleboot.models.files.checksums import add_folder_checksums
from ankleboot.models.files.metadata import ModelMetadata


class NpzPredictor:
    """Dense layers with ReLU between them, on pixels in [0, 1]."""

    def __init__(self, path: Path, info: ModelMetadata) -> None:
        self.name, self.info = str(path), info
        with np.load(path / "weights.npz") as archive:
            self._layers = [
                (archive[f"kernel{i}"], archive[f"bias{i}"]) for i in range(len(archive) // 2)
            ]

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return the probabilities of the images, shape (n, classes)."""
        x = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
        for kernel, bias in self._layers[:-1]:
            x = np.maximum(x @ kernel + bias, 0)
        kernel, bias = self._layers[-1]
        logits = (x @ kernel + bias) / self.info.temperature
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)


def write(model: DeployableModel, path: Path) -> None:
    """Write the folder `path`: weights.npz and the metadata with checksums."""
    import keras

    dense = [layer for layer in model.model.layers if isinstance(layer, keras.layers.Dense)]
    others = {type(layer).__name__ for layer in model.model.layers} - {
        *("InputLayer", "Flatten", "Dense", "ReLU", "Dropout", "Softmax")
    }
    if others:
        raise ModelError(f"npz takes dense layers with ReLU; this model has {', '.join(others)}")
    arrays: dict[str, Any] = {}
    for i, layer in enumerate(dense):
        arrays[f"kernel{i}"], arrays[f"bias{i}"] = layer.get_weights()
    path.mkdir()
    np.savez(path / "weights.npz", **arrays)
    add_folder_checksums(path, model.info)


def load(path: Path, info: ModelMetadata, num_threads: int) -> NpzPredictor:
    """Load what `write` wrote; NumPy decides about threads."""
    return NpzPredictor(path, info)


FORMAT = ExportFormat(file_name="npz", write=write, load=load, limits=FLOAT32)
