"""Explanation of single predictions: saliency maps and the most similar training images.

explanations = explain("runs/first", ["boot.png", "test:17"])
explanations[0].figure()
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ankleboot.core import plugins
from ankleboot.core.errors import DataError, ModelError, UsageError
from ankleboot.core.records import Record
from ankleboot.core.text import unknown_name
from ankleboot.core.types import Image
from ankleboot.data.dataset import Dataset
from ankleboot.data.preprocessing.preprocess import load_image
from ankleboot.evaluation.select_split import DataSource, dataset_for
from ankleboot.evaluation.test_set_usage import record_test_evaluation
from ankleboot.inference.keras import KerasPredictor
from ankleboot.inference.load import Model, ResolvedModel, load_predictor, resolve_model
from ankleboot.recipes.image_spec import ImageSpec

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ImageSource = Path | str | np.ndarray


@dataclass(frozen=True)
class Neighbor:
    """A training image that is similar in feature space."""

    train_index: int
    label: str
    image: Image


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Record):
    """Evidence for the prediction of one image.

    Attributes:
        name: Path to the image, or its name in the data set, such as "test:17".
        label: Class that the maps explain.
        confidence: Probability of this class.
        maps: Evidence of each pixel by method: positive for the class, negative against it.
        neighbors: Training images, the most similar first.
    """

    name: str
    label: str
    confidence: float
    image: Image
    maps: dict[str, np.ndarray]
    neighbors: tuple[Neighbor, ...]

    def summary(self) -> dict[str, str]:
        """Return the image, its class and the confidence."""
        confidence = f"{100 * self.confidence:.0f} %"
        return {"image": self.name, "label": self.label, "confidence": confidence}

    def to_json(self) -> dict[str, Any]:
        """Return the explanation without its images and maps."""
        return {
            "path": self.name,
            "label": self.label,
            "confidence": self.confidence,
            "nearest": [
                {"train_index": neighbor.train_index, "label": neighbor.label}
                for neighbor in self.neighbors
            ],
        }

    def figure(self) -> Figure:
        """Draw the image, the maps and the neighbors."""
        from ankleboot.evaluation.plots.explanation import explanation

        return explanation(
            self.image,
            self.maps,
            f"{self.name}: {self.label} ({100 * self.confidence:.0f} %)",
            np.stack([neighbor.image for neighbor in self.neighbors]),
            [neighbor.label for neighbor in self.neighbors],
        )


def explain(
    model: Model,
    images: Sequence[ImageSource],
    *,
    methods: Sequence[str] = (),
    class_name: str | None = None,
    data: DataSource = None,
) -> list[Explanation]:
    """Compute which pixels support a prediction, and the most similar training images.

        ankleboot.explain("pretrained", ["boot.png"])[0].figure()

    Args:
        model: A run, a `.keras` file or "pretrained"; explanations need the Keras model.
        images: Paths to image files, pixels in the model's image spec, or images of the data set
            such as "train:3" and "test:17". An image of the test split counts as a test evaluation.
        methods: Names of the kind "explanations"; all of them by default.
        class_name: Class to explain; the predicted one by default.
        data: Data set for the neighbors; by default the one that the model was trained on.

    Raises:
        DataError: If an image is missing or damaged.
        ModelError: If the model is missing, damaged, or not a Keras model.
        UsageError: If a method or the class is unknown.
    """
    resolved = resolve_model(model)
    predictor = _keras_predictor(resolved)
    info = predictor.info
    if class_name is not None and class_name not in info.labels:
        raise UsageError(unknown_name("class", class_name, info.labels))
    functions = {
        name: plugins.resolve("explanations", name)
        for name in methods or plugins.names("explanations")
    }
    dataset = dataset_for(resolved, data)
    if not images:
        return []
    pixels = np.stack([_pixels(image, dataset, info.image_spec) for image in images])
    names = [f"image {i}" if isinstance(x, np.ndarray) else str(x) for i, x in enumerate(images)]
    if any(name.startswith("test:") for name in names):
        record_test_evaluation(resolved)
    probs = predictor.predict(pixels)
    classes = probs.argmax(axis=1)
    if class_name is not None:
        classes = np.full(len(pixels), info.labels.index(class_name))
    maps = {name: method(predictor.model, pixels, classes) for name, method in functions.items()}
    neighbors = _nearest(predictor, pixels, names, dataset)
    return [
        Explanation(
            name=name,
            label=info.labels[classes[row]],
            confidence=float(probs[row, classes[row]]),
            image=pixels[row],
            maps={method: values[row] for method, values in maps.items()},
            neighbors=neighbors[row],
        )
        for row, name in enumerate(names)
    ]


def _keras_predictor(model: ResolvedModel) -> KerasPredictor:
    predictor = model.predictor
    if not isinstance(predictor, KerasPredictor) and model.path is not None:
        if model.run is not None and model.path.is_dir():  # shipped models are loaded as LiteRT
            predictor = load_predictor(model.path)
    if not isinstance(predictor, KerasPredictor):
        raise ModelError(
            f"{predictor.name}: explanations need the Keras model; name a run folder or a .keras "
            "file"
        )
    return predictor


def _pixels(image: ImageSource, dataset: Dataset, image_spec: ImageSpec) -> Image:
    if isinstance(image, np.ndarray):
        return image
    split, colon, number = str(image).partition(":")
    if not (colon and split in ("train", "test") and number.isdigit()):
        return load_image(Path(image), image_spec)
    images = (dataset.train if split == "train" else dataset.test).images
    if int(number) >= len(images):
        raise DataError(f"{image}: there are {len(images):,} images in {split}")
    pixels: Image = images[int(number)]
    return pixels


def _nearest(
    predictor: KerasPredictor, pixels: np.ndarray, names: Sequence[str], dataset: Dataset
) -> list[tuple[Neighbor, ...]]:
    """Find the most similar training images; the images themselves are excluded."""
    from ankleboot.evaluation.explain.features import nearest_training_images  # imports TensorFlow

    train = dataset.train
    excluded = [int(name.partition(":")[2]) for name in names if name.startswith("train:")]
    candidates = np.setdiff1d(dataset.split(predictor.info.split_rule).train, excluded)
    nearest = nearest_training_images(predictor.model, pixels, train.images, candidates)
    return [
        tuple(Neighbor(int(i), dataset.class_names[train.labels[i]], train.images[i]) for i in row)
        for row in nearest
    ]
