"""The source of every format: a trained network with its scaling and calibration inside."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Images, SomeImages, batch_size_for
from ankleboot.models.files.metadata import ModelMetadata

NUM_CALIBRATION_IMAGES = 500  # sets the ranges of int8 activations; fewer for large images ...
MIN_CALIBRATION_IMAGES = 64  # ... but at least these


@dataclass(frozen=True)
class DeployableModel:
    """A trained model and the metadata of its files.

    Attributes:
        model: Keras model from inputs in [0, 1] to uncalibrated probabilities.
        calibration_images: Training images that set the ranges of int8 activations.
        photo: Path to the model that predicts photos in its place; None if there is none.
    """

    model: Any
    info: ModelMetadata
    calibration_images: SomeImages
    photo: Path | None = None

    @cached_property
    def deployable(self) -> Any:
        """Keras model from uint8 images to calibrated probabilities."""
        import keras

        shape = self.info.image_spec.image_shape
        images = keras.Input(shape, dtype="uint8", name="images")
        x = keras.layers.Rescaling(1 / 255, name="scaled")(images)
        if not self.info.color:
            x = keras.layers.Reshape((*shape, 1), name="inputs")(x)
        if "logits" not in [layer.name for layer in self.model.layers]:
            raise ModelError('the model has no layer "logits"; export takes models of Ankleboot')
        logits = keras.Model(self.model.inputs, self.model.get_layer("logits").output)
        x = logits(x, training=False)
        x = keras.layers.Rescaling(1 / self.info.temperature, name="temperature")(x)
        model = keras.Model(images, keras.layers.Softmax(name="probs")(x), name="ankleboot")
        model(self.calibration_images[:1], training=False)  # one exporter needs a called model
        return model


def calibration_images(images: Images) -> SomeImages:
    """Draw training images that are spread over all of them."""
    number = max(batch_size_for(NUM_CALIBRATION_IMAGES, images.shape[1:]), MIN_CALIBRATION_IMAGES)
    number = min(number, len(images))
    chosen = np.random.default_rng(0).choice(len(images), number, replace=False)
    drawn: np.ndarray = images[np.sort(chosen)]
    return drawn
