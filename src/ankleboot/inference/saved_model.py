"""TensorFlow's SavedModel, as TensorFlow Serving loads it."""

from pathlib import Path

import numpy as np

from ankleboot.core.errors import ModelError, first_line
from ankleboot.core.silence import import_keras
from ankleboot.core.types import Images, Probs
from ankleboot.inference.batching import check_shapes, in_batches
from ankleboot.models.files.metadata import ModelMetadata

BATCH_SIZE = 1_000  # images


class SavedModelPredictor:
    """An exported folder, checked by `sealed.open_folder`.

    Raises:
        ModelError: If TensorFlow refuses it, or it is of other shapes.
    """

    def __init__(self, folder: Path, info: ModelMetadata) -> None:
        self.name = str(folder)
        self.info = info
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
        shapes = [(list(s.shape[1:]), s.dtype.name) for s in (inputs[0], outputs[0])]
        check_shapes(folder, info, *shapes)
        self._input = inputs[0].name.partition(":")[0]
        self._constant = tf.constant

    def predict(self, images: Images) -> Probs:
        """Predict in batches."""
        return in_batches(images, BATCH_SIZE, len(self.info.labels), self._run)

    def _run(self, images: Images) -> Probs:
        (answer,) = self._serve(**{self._input: self._constant(images)}).values()
        probs: np.ndarray = answer.numpy()
        return probs
