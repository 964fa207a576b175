"""Explanation of single predictions: saliency maps and the most similar training images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ankleboot.core import plugins
from ankleboot.core.errors import DataError, ModelError, UsageError
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.text import unknown_name
from ankleboot.core.types import Image, Labels, Probs
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.preprocessing.decode import decode
from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.evaluation.explain.explanation import Explanation, Neighbor
from ankleboot.evaluation.explain.methods import compute_maps
from ankleboot.evaluation.select_split import DataSource, dataset_for, refuse_other_data
from ankleboot.evaluation.test_set_usage import count_evaluation
from ankleboot.inference.decide import Prediction
from ankleboot.inference.load import Model, ResolvedModel, resolve_model
from ankleboot.inference.predict import decide_prepared, predict_batch, prepare_decoded
from ankleboot.inference.router import ModelRouter
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog

ImageSource = AnyPath | np.ndarray

IMAGE_OF_DATA = re.compile(r"(train|validation|test):(\d+)")
"""Name of an image of the data set."""

Place = tuple[LabeledImages, int]
"""Part of the data set, and the row of an image there."""


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
        model: A run, a model file or "pretrained". Of a model without a Keras network, such as a
            `.tflite` file, predictions are all that is known: occlusion is left, without neighbors.
            With "pretrained" a photo is explained for the model that `predict` uses for photos.
        images: Paths to image files, pixels in the model's image spec, or images of the data set
            such as "train:3", "validation:5" and "test:17". An image of the test split counts as a
            test evaluation.
        methods: Names of the kind "explanations"; by default all that apply to the model.
        class_name: Class to explain; the predicted one by default.
        data: Data set for the neighbors; by default the one that the model was trained on.

    Raises:
        DataError: If an image is missing or damaged.
        ModelError: If the model is missing or damaged, or if a method of `methods` does not apply
            to its network, or none of them to its predictions.
        UsageError: If a method or the class is unknown, or the data has no validation images.
    """
    resolved = resolve_model(model)
    _refuse_shipped_exports(resolved)
    _class_index(class_name, resolved.info.labels)
    choice = Choice(tuple(methods), class_name)
    dataset = dataset_for(resolved, data)
    names = [f"image {i}" if isinstance(x, np.ndarray) else str(x) for i, x in enumerate(images)]
    places = [_find(name, dataset, resolved.info) for name in names]
    sources = [_read(*pair) for pair in zip(images, places, strict=True)]
    info = resolved.reference.info  # seconds, so after all that fails quickly
    if any(name.startswith("test:") for name in names):
        count_evaluation(resolved, "test")
    router = ModelRouter(resolved.reference, catalog.photo_model(resolved.name))
    photos = {
        row: _explain_photo(router, source, names[row], choice, dataset)
        for row, source in enumerate(sources)
        if isinstance(source, DecodedImage) and router.route(source) is not resolved.reference
    }
    others = [row for row in range(len(names)) if row not in photos]
    pixels = [
        source.preprocess(info.image_spec) if isinstance(source, DecodedImage) else source
        for source in (sources[row] for row in others)
    ]
    named = [(names[row], places[row]) for row in others]
    explained = _explain(resolved, pixels, named, choice, dataset)
    by_row = photos | dict(zip(others, explained, strict=True))
    if class_name is None:
        for row, source in enumerate(sources):
            if isinstance(source, DecodedImage):
                found = _prediction(source, router)
                by_row[row] = replace(by_row[row], reason=found.reason, cause=found.cause)
    return [by_row[row] for row in range(len(names))]


def _prediction(photo: DecodedImage, router: ModelRouter) -> Prediction:
    prepared = prepare_decoded(photo, router)
    (probs,) = predict_batch([prepared])
    return decide_prepared(prepared, probs, separate=False)


class Choice:
    """Methods and class that the user named.

    Attributes:
        methods: Names; all if the user named none.
        is_explicit: Whether the user named them.
        class_name: Class to explain; None for the predicted one.

    Raises:
        UsageError: If there is no such method.
    """

    def __init__(self, methods: tuple[str, ...], class_name: str | None) -> None:
        known = plugins.names("explanations")
        for name in methods:
            if not plugins.is_name("explanations", name):
                raise UsageError(unknown_name("explanation", name, known))
        self.methods, self.is_explicit = methods or known, bool(methods)
        self.class_name = class_name


def _explain(
    model: ResolvedModel,
    images: Sequence[Image],
    named: Sequence[tuple[str, Place | None]],
    choice: Choice,
    dataset: Dataset,
) -> list[Explanation]:
    """Explain the chosen class, or the predicted classes if there is none."""
    if not images:
        return []
    pixels, info = np.stack(images), model.reference.info
    probs = model.reference.predict(pixels)
    index = _class_index(choice.class_name, info.labels)
    classes = _predicted(probs, info) if index is None else np.full(len(pixels), index)
    maps, notes = compute_maps(
        model, pixels, classes, choice.methods, is_explicit=choice.is_explicit
    )
    learned = [place[1] for _, place in named if place and place[0] is dataset.train]
    neighbors = _nearest(model, pixels, learned, dataset)
    return [
        Explanation(
            name=name,
            label=info.labels[label],
            confidence=float(probs[row, label]),
            image=pixels[row],
            maps={method: values[row] for method, values in maps.items()},
            neighbors=neighbors[row],
            notes=notes,
            true_label=dataset.class_names[place[0].labels[place[1]]] if place else None,
        )
        for row, ((name, place), label) in enumerate(zip(named, classes, strict=True))
    ]


def _explain_photo(
    router: ModelRouter, photo: DecodedImage, name: str, choice: Choice, dataset: Dataset
) -> Explanation:
    """Explain the model for photos, whose file gives predictions alone."""
    user = f"the model that predict uses for the photo {name}"
    model = ResolvedModel(user, None, None, lambda: router.photo)
    image = photo.preprocess(router.photo.info.image_spec)
    (explanation,) = _explain(model, [image], [(name, None)], choice, dataset)
    note = (
        "This explains the model that predict uses for photos, by occlusion alone: its file "
        "has neither gradients nor training images."
    )
    return replace(explanation, notes=(note,))


def _predicted(probs: Probs, info: ModelMetadata) -> Labels:
    """Return the most probable classes among those that a prediction can have."""
    allowed = np.array([info.labels.index(label) for label in info.predicted_labels])
    predicted: Labels = allowed[probs[:, allowed].argmax(axis=1)]
    return predicted


def _class_index(name: str | None, labels: tuple[str, ...]) -> int | None:
    if name is None:
        return None
    if name not in labels:
        raise UsageError(unknown_name("class", name, labels))
    return labels.index(name)


def _refuse_shipped_exports(model: ResolvedModel) -> None:
    if model.run and model.is_shipped and model.run.model_path.suffix != ".keras":
        raise ModelError(
            f"{model.name} ships without its Keras model, which explanations need; "
            f"explain {catalog.PRETRAINED} takes photos, too"
        )


def _find(name: str, dataset: Dataset, info: ModelMetadata) -> Place | None:
    """Return the place that a name means; None for an image from elsewhere."""
    if (match := IMAGE_OF_DATA.fullmatch(name)) is None:
        return None
    split, number = match[1], int(match[2])
    part = dataset.test if split == "test" else dataset.train
    rows = np.arange(len(part))
    if split == "validation":
        refuse_other_data(info, dataset)
        rows = dataset.split(info.split_rule).validation
    if number >= len(rows):
        raise DataError(f"{name}: there are {len(rows):,} images in {split}")
    return part, int(rows[number])


def _read(image: ImageSource, place: Place | None) -> DecodedImage | Image:
    """Take the pixels of an image of the data set, or decode an image file."""
    if isinstance(image, np.ndarray):
        return image
    if place is None:
        return DecodedImage(decode(expand(image)))
    return np.asarray(place[0].images[place[1]])


def _nearest(
    model: ResolvedModel, pixels: np.ndarray, excluded: Sequence[int], dataset: Dataset
) -> list[tuple[Neighbor, ...]]:
    """Find the most similar training images but for the excluded ones, the images themselves.

    There are none without the features of a network.
    """
    if model.network is None:
        return [()] * len(pixels)
    from ankleboot.evaluation.explain.features import nearest_training_images  # imports TensorFlow

    train = dataset.train
    candidates = np.setdiff1d(dataset.split(model.reference.info.split_rule).train, excluded)
    nearest = nearest_training_images(model.network, pixels, train.images, candidates)
    return [
        tuple(Neighbor(int(i), dataset.class_names[train.labels[i]], train.images[i]) for i in row)
        for row in nearest
    ]
