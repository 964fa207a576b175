"""Train the network whose features the out-of-distribution check compares; write it to the package.

    make ood-features PHOTOS="photos photos_more"     (python tools/make_ood_features.py FOLDER...)

It is EfficientNet-Lite0 up to its fourteenth block. It must not forget the things of ImageNet, from
which the check tells garments; so it learns the labels of the photos for one epoch at a hundredth
of the usual rate, with the statistics of ImageNet. The photographers of the first of five folds are
left out. It takes three minutes.
"""

import argparse
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ankleboot.core.types import Images, Labels, to_inputs
from ankleboot.data.load import load_data
from ankleboot.models.backbones.efficientnet_lite import LITE0
from ankleboot.models.layers import ComputePolicy
from ankleboot.models.pretrained.catalog import OOD_FEATURES
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.recipes.split_rule import SplitRule
from photo_data import list_photos, prepare
from quantize_network import quantize_network, write_network

SIDE = 224  # pixels
LAST_LAYER = "block13_add"
HEAD_EPOCHS, HEAD_RATE = 20, 1e-2
LEARNING_RATE = 5e-6
BATCH_SIZE = 32
NUM_CALIBRATION_PHOTOS = 200  # sets the ranges of int8 activations


def network() -> keras.Model:
    """Build the backbone up to its fourteenth block, from pixels in [0, 1] to 192 means."""
    inputs = keras.Input((SIDE, SIDE, 3), name="inputs")
    whole = keras.Model(inputs, LITE0.features(inputs, ComputePolicy()))
    LITE0.load_weights(whole, "")
    for layer in whole.layers:  # statistics of garments on white would make all else look alike
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    last = whole.get_layer(LAST_LAYER).output
    means = keras.layers.GlobalAveragePooling2D(name="features")(last)
    return keras.Model(inputs, means, name="ood_features")


def train(model: keras.Model, images: Images, labels: Labels, num_classes: int) -> None:
    """Train a last layer on the network's features, then both for an epoch at a low rate."""
    features = np.concatenate(
        [
            np.asarray(model(to_inputs(images[start : start + BATCH_SIZE]), training=False))
            for start in range(0, len(images), BATCH_SIZE)
        ]
    )
    head = keras.Sequential([keras.Input(features.shape[1:]), keras.layers.Dense(num_classes)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile(keras.optimizers.AdamW(HEAD_RATE), loss)
    head.fit(features, labels, BATCH_SIZE, HEAD_EPOCHS, verbose=0)
    both: Any = keras.Model(model.inputs, head(model(model.inputs, training=False)))
    both.compile(keras.optimizers.AdamW(LEARNING_RATE), loss)
    order = np.random.default_rng(0).permutation(len(images))
    for start in range(0, len(order), BATCH_SIZE):
        rows = order[start : start + BATCH_SIZE]
        both.train_on_batch(to_inputs(images[rows]), labels[rows])


def quantized(model: keras.Model, images: Images) -> bytes:
    """Convert the network for LiteRT in int8, from uint8 pixels to features."""
    inputs = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="images")
    x = model(keras.layers.Rescaling(1 / 255, name="unit")(inputs), training=False)
    chosen = np.linspace(0, len(images) - 1, NUM_CALIBRATION_PHOTOS, dtype=int)
    return quantize_network(keras.Model(inputs, x), [images[row] for row in chosen])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("photos", type=Path, nargs="+", help="folders of the clothing dataset")
    parser.add_argument("--runs", type=Path, default=Path("runs/photo"), help="folder of the data")
    parser.add_argument("--to", type=Path, default=OOD_FEATURES)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    prepare(list_photos(arguments.photos), arguments.runs / "data")
    data = load_data(
        arguments.runs / "data/photos",
        image_spec=ImageSpec(SIDE, color=True, crop="cut-out"),
        groups=arguments.runs / "data/groups.csv",
        progress=print,
    )
    split = data.split(SplitRule("stratified", 0.05, folds=5, fold=1))
    rows = np.union1d(split.train, split.validation)
    images, labels = data.train.images[rows], data.train.labels[rows]
    model = network()
    train(model, images, labels, len(data.class_names))
    write_network(
        arguments.to,
        quantized(model, images),
        model,
        recipe="ood-features",
        data=f"{len(rows):,} photos and composites",
        labels=data.class_names,
    )


if __name__ == "__main__":
    main()
