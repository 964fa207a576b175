"""The two networks of the model "photo", and the one network that they become.

One sees the garment on white, the other the whole photo: with what is around a garment the second
one also judges what the segmentation missed. The answer is the mean of their probabilities.
For tools/make_photo_model.py.
"""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from ankleboot.core.types import Images, Indices
from ankleboot.data.dataset import Dataset
from ankleboot.data.preprocessing.preprocess import load_image
from ankleboot.export import litert
from ankleboot.export.deployable import MIN_CALIBRATION_IMAGES, DeployableModel
from ankleboot.export.ensemble import LogSum
from ankleboot.inference.keras import KerasPredictor
from ankleboot.inference.load import load_predictor
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import SMALL, TRANSFER
from ankleboot.recipes.image_spec import BOTH
from ankleboot.recipes.recipe import Recipe


def _recipe(base: Recipe, crop: str) -> Recipe:
    precision = "float32"  # quicker than bfloat16 for depthwise convolutions
    shared = replace(base, name="photo", validation_fraction=0.05, keep="last", precision=precision)
    return replace(shared, crop=crop)


GARMENT_RECIPE = _recipe(TRANSFER, "cut-out")
WHOLE_RECIPE = _recipe(SMALL, "none")
IMAGE_SPEC = replace(GARMENT_RECIPE.image_spec, crop=BOTH)


def load_network(run: Run) -> KerasPredictor:
    """Load the Keras network of a run with its metadata."""
    predictor = load_predictor(run.folder)
    if not isinstance(predictor, KerasPredictor):
        raise SystemExit(f"{run.folder}: expected a Keras model")
    return predictor


def join_networks(
    garment: keras.Model, whole: keras.Model, label_weights: list[float] | None = None
) -> keras.Model:
    """Return the network that takes both views, one above the other, and averages the answers.

    Args:
        garment: Network of `GARMENT_RECIPE`.
        whole: Network of `WHOLE_RECIPE`, whose images are smaller.
        label_weights: Factors of the mean probabilities; None for equal ones.
    """
    side = IMAGE_SPEC.image_size
    inputs = keras.Input(IMAGE_SPEC.input_shape, name="inputs")
    upper = keras.layers.Cropping2D(((0, side), (0, 0)), name="garment_view")(inputs)
    lower = keras.layers.Cropping2D(((side, 0), (0, 0)), name="whole_view")(inputs)
    small = WHOLE_RECIPE.image_size
    resized = keras.layers.Resizing(small, small, name="resized")(lower)
    probs = [
        keras.Model(network.inputs, network.output, name=name)(view, training=False)
        for name, network, view in (("garment", garment, upper), ("whole", whole, resized))
    ]
    if label_weights is not None:  # before the sum: int8 formats have no exact addition behind it
        weigh = keras.layers.Rescaling(label_weights, name="label_weights")
        probs = [weigh(each) for each in probs]
    logits = LogSum(name="logits")(probs)
    return keras.Model(inputs, keras.layers.Softmax(name="probs")(logits), name="photo")


def sort_labels(model: keras.Model, order: list[int]) -> None:
    """Sort the columns of the last layer."""
    layer = model.get_layer("logits")
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel[:, order], bias[order]])


def load_both_views(data: Dataset, rows: Indices) -> Images:
    """Load the joint network's input of some training images of an image folder."""
    paths = (Path(data.source, data.train.names[row]) for row in rows)
    return np.stack([load_image(path, IMAGE_SPEC) for path in paths])


def joint_metadata(garment: KerasPredictor, whole: KerasPredictor) -> ModelMetadata:
    """Return the metadata of both networks as one."""
    parameters = garment.info.parameters + whole.info.parameters
    return replace(garment.info, crop=BOTH, passes=2, parameters=parameters)


def write_int8(
    networks: tuple[keras.Model, keras.Model],
    info: ModelMetadata,
    data: Dataset,
    rows: Indices,
    path: Path,
    label_weights: list[float] | None = None,
) -> None:
    """Write both networks as one in int8, its ranges from some of the images of the rows.

    The file takes single images; the web page runs no other.
    """
    chosen = np.random.default_rng(0).choice(rows, MIN_CALIBRATION_IMAGES, replace=False)
    images = load_both_views(data, chosen)
    joint = join_networks(*networks, label_weights)
    litert.write_int8(DeployableModel(joint, info, images), path, batch_size=1)
