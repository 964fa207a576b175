"""Predictor of TensorFlow SavedModels, the format of TensorFlow Serving."""

from pathlib import Path

from ankleboot.core.silence import import_keras
from ankleboot.core.types import Images, Probs
from ankleboot.inference.predictor import BatchPredictor, check_tensors, errors_of
from ankleboot.models.files.checksums import read_verified_folder

RUNTIME = "TensorFlow"


class SavedModelPredictor(BatchPredictor):
    """A folder with checksums; TensorFlow chooses the number of threads.

    Raises:
        ModelError: If a file is damaged, or the model has another input or output.
    """

    batch_size = 1_000

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self.info = read_verified_folder(folder)
        import_keras()
        import tensorflow as tf

        with errors_of(RUNTIME, folder):
            self._model = tf.saved_model.load(str(folder))  # must outlive its functions
            self._serve = self._model.signatures["serving_default"]
            specs = list(self._serve.structured_input_signature[1].values())
            results = self._serve.structured_outputs.values()
            inputs = [(list(spec.shape[1:]), spec.dtype.name) for spec in specs]
            outputs = [(list(spec.shape[1:]), spec.dtype.name) for spec in results]
        check_tensors(folder, self.info, inputs, outputs)
        self._input_name = specs[0].name.partition(":")[0]
        self._constant = tf.constant

    def _predict_batch(self, images: Images) -> Probs:
        with errors_of(RUNTIME, self.name):
            (output,) = self._serve(**{self._input_name: self._constant(images)}).values()
            probs: Probs = output.numpy()
        return probs
