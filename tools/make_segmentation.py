"""Train the network that segments the garment on a photo, and write it to the package.

    make segmentation PHOTOS=path/to/train       (python tools/make_segmentation.py PHOTOS)

The training photos have no labels. GrabCut computes two masks of each from two initial guesses, and
a photo is used if they agree. Half of the training images are these photos; the others are garments
cut out with the most certain masks and pasted on other backgrounds, with a shadow. The backbone
starts from ImageNet weights. Training took 17 minutes on two cores under other load.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import tensorflow as tf

from ankleboot.data.preprocessing.decode import decode
from ankleboot.data.preprocessing.find_images import find_images
from ankleboot.data.preprocessing.segmentation import INPUT_SIDE, MASK_SIDE
from ankleboot.evaluation.grabcut import consensus
from ankleboot.models.backbones.efficientnet_lite import LITE0
from ankleboot.models.layers import ComputePolicy
from ankleboot.models.pretrained.catalog import SEGMENTATION
from quantize_network import quantize_network, write_network

EPOCHS, BATCH_SIZE, LEARNING_RATE = 5, 32, 1e-3
MIN_AGREEMENT, MIN_CUT_OUT_AGREEMENT = 0.85, 0.93  # intersection over union of two masks
PHOTO_SIDE = 256  # pixels per side of a photo in memory
SKIP_WIDTHS = (
    ("block0", 24),
    ("block2", 32),
    ("block4", 48),
    ("block10", 64),
)  # channels after each block
BOTTLENECK_WIDTH = 96
NUM_CALIBRATION_PHOTOS = 100  # sets the ranges of int8 activations


class Photos:
    """Photos with masks on which two initial guesses agree."""

    def __init__(self, folder: Path) -> None:
        paths = find_images([str(folder)], print)
        with ThreadPoolExecutor(2) as pool:
            photos = list(pool.map(self._read, paths))
        masks = np.stack([mask for _, mask, _ in photos])
        agreement = np.array([iou for *_, iou in photos])
        area = masks.mean(axis=(1, 2))
        edges = [masks[:, 0], masks[:, -1], masks[:, :, 0], masks[:, :, -1]]
        touching = np.concatenate(edges, axis=1).mean(axis=1)
        is_good = (agreement > MIN_AGREEMENT) & (area > 0.06) & (area < 0.8) & (touching < 0.35)
        is_sure = (
            (agreement > MIN_CUT_OUT_AGREEMENT) & (area > 0.1) & (area < 0.6) & (touching < 0.03)
        )
        self.pixels = np.stack([pixels for pixels, *_ in photos])
        self.masks = masks.astype(np.float32)
        self.good, self.sure = np.flatnonzero(is_good), np.flatnonzero(is_sure)
        print(f"{len(photos)} photos, {len(self.good)} with masks, {len(self.sure)} to cut out")

    @staticmethod
    def _read(path: Path) -> tuple[np.ndarray, np.ndarray, float]:
        pixels = decode(path)
        mask, iou = consensus(pixels)
        small = cv2.resize(pixels, (PHOTO_SIDE, PHOTO_SIDE), interpolation=cv2.INTER_AREA)
        return small, cv2.resize(mask.astype(np.uint8), (PHOTO_SIDE, PHOTO_SIDE)), iou

    def example(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return a photo, or a garment on another background, and its mask."""
        view = _view(rng)
        if rng.random() < 0.5:
            index = int(rng.choice(self.sure))
            mask = cv2.erode(self.masks[index], np.ones((3, 3)))
            mask = _warp(cv2.GaussianBlur(mask, (3, 3), 0), view, cv2.BORDER_CONSTANT)
            garment = _color_jitter(_warp(self.pixels[index], view, cv2.BORDER_CONSTANT), rng, 0.5)
            if rng.random() < 0.15:
                garment = garment[..., rng.permutation(3)]
            behind = self._background(rng)
            behind = _color_jitter(_warp(behind, _view(rng), cv2.BORDER_REFLECT_101), rng, 0.3)
            if rng.random() < 0.6:
                behind *= 1 - _shadow(mask, rng)[..., None]
            image = garment * mask[..., None] + behind * (1 - mask[..., None])
        else:
            image = _warp(self.pixels[index], view, cv2.BORDER_REFLECT_101)
            image = _color_jitter(image, rng, 0.35)
            mask = _warp(self.masks[index], view, cv2.BORDER_REFLECT_101)
        if rng.random() < 0.2:
            image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.5))
        return image, cv2.resize(mask, (MASK_SIDE, MASK_SIDE), interpolation=cv2.INTER_AREA)

    def _background(self, rng: np.random.Generator) -> np.ndarray:
        """Return a repeated border of a photo, a photo without its garment, or soft colors."""
        kind, index = rng.random(), int(rng.choice(self.good))
        image = self.pixels[index]
        if kind < 0.6:
            width = int(rng.integers(PHOTO_SIDE // 8, PHOTO_SIDE // 4))
            strips = [image[:width], image[-width:], image[:, :width], image[:, -width:]]
            strip = strips[rng.integers(4)]
            if rng.random() < 0.4:
                stretched: np.ndarray = cv2.resize(strip, (PHOTO_SIDE, PHOTO_SIDE))
                return stretched
            strip = np.concatenate([strip, strip[::-1]])
            strip = np.concatenate([strip, strip[:, ::-1]], axis=1)
            times = [-(-PHOTO_SIDE // side) for side in strip.shape[:2]]
            return np.tile(strip, (*times, 1))[:PHOTO_SIDE, :PHOTO_SIDE]
        if kind < 0.85:
            hidden = cv2.dilate(self.masks[index], np.ones((13, 13)))
            hole = (cv2.resize(hidden, (64, 64)) > 0.2).astype(np.uint8)
            small = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA)
            filled = cv2.inpaint(small, hole, 3, cv2.INPAINT_TELEA)
            smooth: np.ndarray = cv2.resize(filled, (PHOTO_SIDE, PHOTO_SIDE))
            return smooth
        soft = cv2.resize(rng.normal(0, 1, (8, 8, 3)), (PHOTO_SIDE, PHOTO_SIDE))
        soft = soft * rng.uniform(0, 40) + rng.uniform(0, 255, 3)
        soft += rng.normal(0, rng.uniform(0, 12), (PHOTO_SIDE, PHOTO_SIDE, 1))
        colored: np.ndarray = np.clip(soft, 0, 255).astype(np.uint8)
        return colored


def _view(rng: np.random.Generator) -> np.ndarray:
    """Draw an affine map (2 x 3) from pixels of the input to pixels of the photo."""
    side = PHOTO_SIDE * np.sqrt(rng.uniform(0.55, 1.6))
    aspect = np.exp(rng.uniform(-0.125, 0.125))
    angle = np.deg2rad(rng.normal(0, 15))
    if rng.random() < 0.15:
        angle += np.pi / 2 * rng.integers(4)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    flip = -1 if rng.random() < 0.5 else 1
    scale = turn @ np.diag([flip * side * aspect, side / aspect]) / INPUT_SIDE
    center = PHOTO_SIDE / 2 + rng.uniform(-0.2, 0.2, 2) * PHOTO_SIDE
    matrix: np.ndarray = np.c_[scale, center - scale @ np.full(2, INPUT_SIDE / 2)]
    return matrix


def _warp(image: np.ndarray, view: np.ndarray, border: int) -> np.ndarray:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(image, view, (INPUT_SIDE, INPUT_SIDE), flags=flags, borderMode=border)
    pixels: np.ndarray = warped.astype(np.float32)
    return pixels


def _color_jitter(image: np.ndarray, rng: np.random.Generator, limit: float) -> np.ndarray:
    """Change brightness, contrast, white balance and saturation."""
    bright, contrast = rng.uniform(1 - limit, 1 + limit, 2)
    balance = 1 + rng.uniform(-limit / 3, limit / 3, 3)
    image = image * (bright * balance).astype(np.float32)
    mean = image.mean()
    image = mean + (image - mean) * contrast
    gray = image.mean(axis=2, keepdims=True)
    saturation = rng.uniform(0 if rng.random() < 0.15 else 0.5, 1.5)
    toned: np.ndarray = np.clip(gray + (image - gray) * saturation, 0, 255)
    return toned


def _shadow(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    moved = np.roll(mask, (rng.integers(0, 8), rng.integers(-6, 7)), (0, 1))
    soft = cv2.GaussianBlur(moved, (0, 0), rng.uniform(1.5, 8))
    shadow: np.ndarray = soft * rng.uniform(0.1, 0.55)
    return shadow


def network() -> keras.Model:
    """Build a U-Net on a backbone, from pixels in [0, 1] to logits of the mask.

    Source: Ronneberger, Fischer, Brox 2015, https://arxiv.org/abs/1505.04597
    """
    inputs = keras.Input((INPUT_SIDE, INPUT_SIDE, 3), name="inputs")
    whole = keras.Model(inputs, LITE0.features(inputs, ComputePolicy()))
    LITE0.load_weights(whole, "")

    def convolved(x: Any, width: int, name: str) -> Any:
        x = keras.layers.Conv2D(width, 1, use_bias=False, name=name)(x)
        x = keras.layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x)
        return keras.layers.ReLU(6, name=f"{name}_relu6")(x)

    def output_of(block: str) -> Any:
        names = [layer.name for layer in whole.layers]
        end = f"{block}_add" if f"{block}_add" in names else f"{block}_project_norm"
        return whole.get_layer(end).output

    x = convolved(output_of("block14"), BOTTLENECK_WIDTH, "deep")
    for block, width in reversed(SKIP_WIDTHS):
        x = keras.layers.UpSampling2D(2, interpolation="bilinear", name=f"{block}_up")(x)
        skip = convolved(output_of(block), width // 2, f"{block}_skip")
        x = keras.layers.Concatenate(name=f"{block}_joined")([x, skip])
        for suffix in "ab":
            name = f"{block}_{suffix}"
            x = keras.layers.DepthwiseConv2D(
                3, padding="same", use_bias=False, name=f"{name}_depth"
            )(x)
            x = convolved(x, width, name)
    return keras.Model(inputs, keras.layers.Conv2D(1, 1, name="logits")(x), name="cut_out")


def train(model: keras.Model, photos: Photos, epochs: int) -> None:
    """Train with AdamW on cross-entropy plus half the Dice loss, with a cosine schedule."""
    optimizer = keras.optimizers.AdamW(weight_decay=0.01)
    optimizer.build(model.trainable_variables)

    @tf.function  # type: ignore[untyped-decorator]
    def step(images: Any, masks: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            entropy = tf.nn.sigmoid_cross_entropy_with_logits(masks, logits)
            probs = tf.sigmoid(logits)
            both, either = (
                tf.reduce_sum(values, (1, 2, 3)) + 1
                for values in (2 * probs * masks, probs + masks)
            )
            dice = 1 - tf.reduce_mean(both / either)
            loss = tf.reduce_mean(entropy) + 0.5 * dice
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return dice

    def batch(epoch: int, number: int, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([epoch, number])
        examples = [photos.example(int(index), rng) for index in indices]
        images, masks = (
            np.stack(arrays).astype(np.float32) for arrays in zip(*examples, strict=True)
        )
        return images / np.float32(255), masks[..., None]

    per_epoch = len(photos.good) // BATCH_SIZE
    total, done = per_epoch * epochs, 0
    for epoch in range(epochs):
        started, sum_dice = time.perf_counter(), 0.0
        order = np.random.default_rng([0, epoch]).permutation(photos.good)
        with ThreadPoolExecutor(1) as pool:
            batches = [order[i * BATCH_SIZE : (i + 1) * BATCH_SIZE] for i in range(per_epoch)]
            ahead = pool.submit(batch, epoch, 0, batches[0])
            for number in range(per_epoch):
                images, masks = ahead.result()
                if number + 1 < per_epoch:
                    ahead = pool.submit(batch, epoch, number + 1, batches[number + 1])
                cosine = 0.5 + 0.5 * np.cos(np.pi * done / total)
                optimizer.learning_rate.assign(LEARNING_RATE * min(1, (done + 1) / 40) * cosine)
                sum_dice += float(step(images, masks))
                done += 1
        seconds = time.perf_counter() - started
        print(f"epoch {epoch + 1}/{epochs}  Dice loss {sum_dice / per_epoch:.4f}  {seconds:.0f} s")


def quantized(model: keras.Model, photos: Photos) -> bytes:
    """Convert the network for LiteRT in int8, from uint8 pixels to probabilities."""
    images = keras.Input((INPUT_SIDE, INPUT_SIDE, 3), dtype="uint8", name="images")
    x = model(keras.layers.Rescaling(1 / 255, name="unit")(images), training=False)
    x = keras.layers.Activation("sigmoid", name="probability")(x)
    whole = keras.Model(images, keras.layers.Reshape((MASK_SIDE, MASK_SIDE), name="mask")(x))
    chosen = np.linspace(0, len(photos.pixels) - 1, NUM_CALIBRATION_PHOTOS, dtype=int)
    square = INPUT_SIDE, INPUT_SIDE
    samples = [cv2.resize(photos.pixels[i], square, interpolation=cv2.INTER_AREA) for i in chosen]
    return quantize_network(whole, samples)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("photos", type=Path, help="folder of photos, searched with its sub-folders")
    parser.add_argument("--to", type=Path, default=SEGMENTATION)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    cv2.setNumThreads(1)
    photos = Photos(arguments.photos)
    model = network()
    train(model, photos, arguments.epochs)
    write_network(
        arguments.to,
        quantized(model, photos),
        model,
        recipe="cut-out",
        data=f"{len(photos.good)} photos without labels",
        labels=("background", "garment"),
    )


if __name__ == "__main__":
    main()
