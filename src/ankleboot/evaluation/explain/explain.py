"""Explanation of single predictions: saliency maps and the most similar training images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ankleboot.core import plugins
from ankleboot.core.errors import DataError, ModelError, NotApplicableError, UsageError
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.records import Record
from ankleboot.core.text import unknown_name
from ankleboot.core.types import Image, Images, Labels, Maps
from ankleboot.data.dataset import Dataset
from ankleboot.data.preprocessing.decode import decode
from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.evaluation.explain.occlusion import occlusion
from ankleboot.evaluation.select_split import DataSource, dataset_for
from ankleboot.evaluation.test_set_usage import count_evaluation
from ankleboot.inference.keras import KerasPredictor
from ankleboot.inference.load import Model, ResolvedModel, load_predictor, resolve_model
from ankleboot.inference.predictor import Predictor
from ankleboot.inference.router import ModelRouter
from ankleboot.models.pretrained import catalog

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ImageSource = AnyPath | np.ndarray
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
        notes: Which model is explained, if not the named one, and methods that do not apply to it.
    """

    name: str
    label: str
    confidence: float
    image: Image
    maps: dict[str, np.ndarray]
    neighbors: tuple[Neighbor, ...]
    notes: tuple[str, ...] = ()

    def summary(self) -> dict[str, str]:
        """Return the image, its class and the confidence."""
        confidence = f"{100 * self.confidence:.0f} %"
        return {"image": self.name, "label": self.label, "confidence": confidence}

    def to_json(self) -> dict[str, Any]:
        """Return the explanation without its images and maps."""
        nearest = [{"train_index": n.train_index, "label": n.label} for n in self.neighbors]
        prediction = {"label": self.label, "confidence": self.confidence}
        return {"path": self.name, **prediction, "nearest": nearest, "notes": list(self.notes)}

    def figure(self) -> Figure:
        """Draw the image, the maps and the neighbors."""
        from ankleboot.evaluation.plots.image_grids import explanation

        title = f"{self.name}: {self.label} ({100 * self.confidence:.0f} %)"
        images = np.stack([self.image, *(neighbor.image for neighbor in self.neighbors)])[1:]
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
        model: A run, a `.keras` file or "pretrained"; explanations need the Keras model. With
            "pretrained" a photo is explained for the model that `predict` uses for photos.
        images: Paths to image files, pixels in the model's image spec, or images of the data set
            such as "train:3" and "test:17". An image of the test split counts as a test evaluation.
        methods: Names of the kind "explanations"; by default all that apply to the network.
        class_name: Class to explain; the predicted one by default.
        data: Data set for the neighbors; by default the one that the model was trained on.

    Raises:
        DataError: If an image is missing or damaged.
        ModelError: If the model is missing, damaged, or not a Keras model, or if a method of
            `methods` does not apply to it.
        UsageError: If a method or the class is unknown.
    """
    resolved = resolve_model(model)
    predictor = _keras_predictor(resolved)
    _class_index(class_name, predictor.info.labels)
    names_of_methods = methods or plugins.names("explanations")
    functions = {name: plugins.resolve("explanations", name) for name in names_of_methods}
    choice = Choice(functions, class_name, is_explicit=bool(methods))
    dataset = dataset_for(resolved, data)
    names = [f"image {i}" if isinstance(x, np.ndarray) else str(x) for i, x in enumerate(images)]
    if any(name.startswith("test:") for name in names):
        count_evaluation(resolved, "test")
    sources = [_read(image, dataset) for image in images]
    router = ModelRouter(predictor, catalog.photo_model(resolved.name))
    photos = {
        row: _explain_photo(router.photo, source, names[row], choice)
        for row, source in enumerate(sources)
        if isinstance(source, DecodedImage) and router.route(source) is not predictor
    }
    others = [row for row in range(len(names)) if row not in photos]
    spec = predictor.info.image_spec
    pixels = [
        source.preprocess(spec) if isinstance(source, DecodedImage) else source
        for source in (sources[row] for row in others)
    ]
    explained = _explain(predictor, pixels, [names[row] for row in others], choice, dataset)
    by_row = photos | dict(zip(others, explained, strict=True))
    return [by_row[row] for row in range(len(names))]


@dataclass(frozen=True)
class Choice:
    """Methods and class of an explanation; explicit methods must all apply to the network."""

    methods: Mapping[str, Method]
    class_name: str | None
    is_explicit: bool


def apply_methods(
    model: Any, images: Images, classes: Labels, methods: Sequence[str] | Mapping[str, Method]
) -> tuple[dict[str, Maps], tuple[str, ...]]:
    """Compute the maps of the methods that apply to a network, and note why others do not."""
    if not isinstance(methods, Mapping):
        methods = {name: plugins.resolve("explanations", name) for name in methods}
    maps, notes = {}, []
    for name, method in methods.items():
        try:
            maps[name] = method(model, images, classes)
        except NotApplicableError as error:
            notes.append(f"{name} is left out: {error}.")
    return maps, tuple(notes)


def _explain(
    predictor: KerasPredictor,
    images: Sequence[Image],
    names: Sequence[str],
    choice: Choice,
    dataset: Dataset,
) -> list[Explanation]:
    """Explain the chosen class, or the predicted classes if there is none."""
    if not images:
        return []
    pixels = np.stack(images)
    probs = predictor.predict(pixels)
    index = _class_index(choice.class_name, predictor.info.labels)
    classes = probs.argmax(axis=1) if index is None else np.full(len(pixels), index)
    if choice.is_explicit:
        maps = {n: method(predictor.model, pixels, classes) for n, method in choice.methods.items()}
        notes: tuple[str, ...] = ()
    else:
        maps, notes = apply_methods(predictor.model, pixels, classes, choice.methods)
    neighbors = _nearest(predictor, pixels, names, dataset)
    return [
        Explanation(
            name=name,
            label=predictor.info.labels[label],
            confidence=float(probs[row, label]),
            image=pixels[row],
            maps={method: values[row] for method, values in maps.items()},
            neighbors=neighbors[row],
            notes=notes,
        )
        for row, (name, label) in enumerate(zip(names, classes, strict=True))
    ]


def _explain_photo(
    predictor: Predictor, photo: DecodedImage, name: str, choice: Choice
) -> Explanation:
    """Explain the model for photos, which is no Keras model, by hiding patches."""
    if "occlusion" not in choice.methods:
        raise NotApplicableError(
            f"{name} is a photo, which predict gives to the shipped model for photos; its file has "
            f"no gradients: expected the method occlusion, got {', '.join(choice.methods)}"
        )
    info = predictor.info
    image = photo.preprocess(info.image_spec)
    (probs,) = predictor.predict(image[None])
    index = _class_index(choice.class_name, info.labels)
    if index is None:
        index = max(map(info.labels.index, info.predicted_labels), key=lambda i: float(probs[i]))
    return Explanation(
        name=name,
        label=info.labels[index],
        confidence=float(probs[index]),
        image=image,
        maps={"occlusion": occlusion(predictor.predict, image[None], np.array([index]))[0]},
        neighbors=(),
        notes=(
            "This explains the model that predict uses for photos, by occlusion alone: its file "
            "has neither gradients nor training images.",
        ),
    )


def _class_index(name: str | None, labels: tuple[str, ...]) -> int | None:
    if name is None:
        return None
    if name not in labels:
        raise UsageError(unknown_name("class", name, labels))
    return labels.index(name)


def _keras_predictor(model: ResolvedModel) -> KerasPredictor:
    predictor = model.predictor
    if model.run and model.is_shipped and model.run.model_path.suffix != ".keras":
        raise ModelError(
            f"{model.name} ships without its Keras model, which explanations need; "
            f"explain {catalog.PRETRAINED} takes photos, too"
        )
    if not isinstance(predictor, KerasPredictor) and model.run and model.path:
        if model.path.is_dir():  # shipped models are loaded as LiteRT
            predictor = load_predictor(model.path)
    if isinstance(predictor, KerasPredictor):
        return predictor
    raise ModelError(
        f"{predictor.name}: explanations need the Keras model; name a run folder or a .keras file, "
        "or adopt the .keras or .h5 file of a model of another tool"
    )


def _read(image: ImageSource, dataset: Dataset) -> DecodedImage | Image:
    """Decode an image file, or take the pixels of an image of the data set."""
    if isinstance(image, np.ndarray):
        return image
    split, colon, number = str(image).partition(":")
    if not (colon and split in ("train", "test") and number.isdigit()):
        return DecodedImage(decode(expand(image)))
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
