"""Predictor of TensorFlow SavedModels, the format of TensorFlow Serving."""

from pathlib import Path

import numpy as np

from ankleboot.core.errors import ModelError, first_line
from ankleboot.core.silence import import_keras
from ankleboot.core.types import Images, Probs
from ankleboot.inference.batching import check_exported, predict_in_batches
from ankleboot.models.files.checksums import read_verified_folder

BATCH_SIZE = 1_000  # images


class SavedModelPredictor:
    """A folder with checksums; TensorFlow chooses the number of threads.

    Raises:
        ModelError: If a file is damaged, or the model has another input or output.
    """

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self.info = read_verified_folder(folder)
        import_keras()
        import tensorflow as tf

        try:
            self._model = tf.saved_model.load(str(folder))  # must outlive its functions
            self._serve = self._model.signatures["serving_default"]
            inputs = list(self._serve.structured_input_signature[1].values())
            outputs = list(self._serve.structured_outputs.values())
        except Exception as error:  # many types, for a foreign graph
            reason = first_line(error)
            raise ModelError(f"{folder}: TensorFlow cannot load it ({reason})") from error
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(f"{folder}: expected one input and one output")
        input_, output = (
            (list(spec.shape[1:]), spec.dtype.name) for spec in (inputs[0], outputs[0])
        )
        check_exported(folder, self.info, input_, output)
        self._input_name = inputs[0].name.partition(":")[0]
        self._constant = tf.constant

    def predict(self, images: Images) -> Probs:
        """Predict in batches."""
        return predict_in_batches(images, BATCH_SIZE, len(self.info.labels), self._predict_batch)

    def _predict_batch(self, images: Images) -> Probs:
        (output,) = self._serve(**{self._input_name: self._constant(images)}).values()
        probs: np.ndarray = output.numpy()
        return probs
