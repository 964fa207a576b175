"""What every format is made from: the trained network with everything it needs inside."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras
import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Images, SomeImages, batch_size_for
from ankleboot.models.files.metadata import ModelMetadata

NUM_CALIBRATION_IMAGES = 500  # that the ranges of int8 activations are taken from; fewer ...
LEAST_CALIBRATION_IMAGES = 64  # ... where they are large, but not below this


@dataclass(frozen=True)
class DeployableModel:
    """A trained model and what is written into its files.

    Attributes:
        model: Inputs in [0, 1] to uncalibrated probabilities, as training saves it.
        calibration_images: Training images.
        photo: The file of the model that is asked about photographs in its place, if there is one.
    """

    model: keras.Model
    info: ModelMetadata
    calibration_images: SomeImages
    photo: Path | None = None

    @cached_property
    def deployable(self) -> keras.Model:
        """uint8 images to calibrated probabilities."""
        shape = self.info.image_spec.image_shape
        images = keras.Input(shape, dtype="uint8", name="images")
        x = keras.layers.Rescaling(1 / 255, name="scaled")(images)
        if not self.info.color:
            x = keras.layers.Reshape((*shape, 1), name="inputs")(x)
        if "logits" not in [layer.name for layer in self.model.layers]:
            raise ModelError('the network has no layer "logits", as those of Ankleboot have')
        logits = keras.Model(self.model.inputs, self.model.get_layer("logits").output)
        x = logits(x, training=False)
        x = keras.layers.Rescaling(1 / self.info.temperature, name="temperature")(x)
        model = keras.Model(images, keras.layers.Softmax(name="probs")(x), name="ankleboot")
        model(self.calibration_images[:1], training=False)  # one exporter wants it called before
        return model


def calibration_images(images: Images) -> SomeImages:
    """Draw some training images, spread over the whole file."""
    number = max(batch_size_for(NUM_CALIBRATION_IMAGES, images.shape[1:]), LEAST_CALIBRATION_IMAGES)
    number = min(number, len(images))
    chosen = np.random.default_rng(0).choice(len(images), number, replace=False)
    drawn: np.ndarray = images[np.sort(chosen)]
    return drawn
