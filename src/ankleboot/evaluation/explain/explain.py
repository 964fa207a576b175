"""Explanation of single predictions: saliency maps and the most similar training images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ankleboot.core import plugins
from ankleboot.core.errors import DataError, ModelError, UsageError
from ankleboot.core.records import Record
from ankleboot.core.text import unknown_name
from ankleboot.core.types import Image, Images, Labels, Maps
from ankleboot.data.dataset import Dataset
from ankleboot.data.preprocessing.preprocess import load_image
from ankleboot.evaluation.select_split import DataSource, dataset_for
from ankleboot.evaluation.test_set_usage import count_evaluation
from ankleboot.inference.keras import KerasPredictor
from ankleboot.inference.load import Model, ResolvedModel, load_predictor, resolve_model
from ankleboot.recipes.image_spec import ImageSpec

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ImageSource = Path | str | np.ndarray
Method = Callable[[Any, Images, Labels], Maps]


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
        nearest = [{"train_index": n.train_index, "label": n.label} for n in self.neighbors]
        prediction = {"label": self.label, "confidence": self.confidence}
        return {"path": self.name, **prediction, "nearest": nearest}

    def figure(self) -> Figure:
        """Draw the image, the maps and the neighbors."""
        from ankleboot.evaluation.plots.image_grids import explanation

        title = f"{self.name}: {self.label} ({100 * self.confidence:.0f} %)"
        images = np.stack([neighbor.image for neighbor in self.neighbors])
        names = [neighbor.label for neighbor in self.neighbors]
        return explanation(self.image, self.maps, title, images, names)


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
    index = _class_index(class_name, predictor.info.labels)
    methods = methods or plugins.names("explanations")
    functions = {name: plugins.resolve("explanations", name) for name in methods}
    dataset = dataset_for(resolved, data)
    if not images:
        return []
    pixels = np.stack([_pixels(image, dataset, predictor.info.image_spec) for image in images])
    names = [f"image {i}" if isinstance(x, np.ndarray) else str(x) for i, x in enumerate(images)]
    if any(name.startswith("test:") for name in names):
        count_evaluation(resolved, "test")
    return _explain(predictor, pixels, names, functions, index, dataset)


def _explain(
    predictor: KerasPredictor,
    pixels: Images,
    names: Sequence[str],
    methods: Mapping[str, Method],
    index: int | None,
    dataset: Dataset,
) -> list[Explanation]:
    """Explain class `index`, or the predicted classes if it is None."""
    probs = predictor.predict(pixels)
    classes = probs.argmax(axis=1) if index is None else np.full(len(pixels), index)
    maps = {name: method(predictor.model, pixels, classes) for name, method in methods.items()}
    neighbors = _nearest(predictor, pixels, names, dataset)
    return [
        Explanation(
            name=name,
            label=predictor.info.labels[label],
            confidence=float(probs[row, label]),
            image=pixels[row],
            maps={method: values[row] for method, values in maps.items()},
            neighbors=neighbors[row],
        )
        for row, (name, label) in enumerate(zip(names, classes, strict=True))
    ]


def _class_index(name: str | None, labels: tuple[str, ...]) -> int | None:
    if name is None:
        return None
    if name not in labels:
        raise UsageError(unknown_name("class", name, labels))
    return labels.index(name)


def _keras_predictor(model: ResolvedModel) -> KerasPredictor:
    predictor = model.predictor
    if not isinstance(predictor, KerasPredictor) and model.run and model.path:
        if model.path.is_dir():  # shipped models are loaded as LiteRT
            predictor = load_predictor(model.path)
    if isinstance(predictor, KerasPredictor):
        return predictor
    raise ModelError(
        f"{predictor.name}: explanations need the Keras model; name a run folder or a .keras file"
    )


def _pixels(image: ImageSource, dataset: Dataset, image_spec: ImageSpec) -> Image:
    if isinstance(image, np.ndarray):
        return image
    split, colon, number = str(image).partition(":")
    if not (colon and split in ("train", "test") and number.isdigit()):
        return load_image(Path(image), image_spec)
    images = (dataset.train if split == "train" else dataset.test).images
    if int(number) >= len(images):
        raise DataError(f"{image}: there are {len(images):,} images in {split}")
    return np.asarray(images[int(number)])


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
