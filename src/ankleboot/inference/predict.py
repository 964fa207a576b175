"""Prediction of images or files in batches, in order; an unreadable file becomes an entry."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from ankleboot.core.errors import DataError, EnvironmentFailure, UsageError
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.types import Image, Pixels
from ankleboot.core.views import VIEWS_BELOW
from ankleboot.data.preprocessing.decode import decode, decode_bytes, formats_of
from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.data.preprocessing.segmentation import Segmentation
from ankleboot.inference.decide import Prediction, decide, is_of_one_color
from ankleboot.inference.garments import predict_garments
from ankleboot.inference.load import Model
from ankleboot.inference.ood_features import similarity_of
from ankleboot.inference.predictor import Predictor
from ankleboot.inference.router import ModelRouter, load_router
from ankleboot.inference.views import predict_counted

BATCH_SIZE = 64  # images; the first result is ready before the last file is read


@dataclass(frozen=True)
class ImageBytes:
    """Content of an image file that was piped, and its name in results."""

    name: str
    content: bytes


ImageSource = np.ndarray | ImageBytes | AnyPath


@dataclass(frozen=True)
class PreparedImage:
    """A decoded image, its garment if that was needed, the model's input, and the model."""

    decoded: DecodedImage
    garment: Segmentation | None
    image: Image
    predictor: Predictor


@dataclass(frozen=True)
class FailedImage:
    """An image that could not be read: its path or name, and the reason in one line.

    `exit_code` is that of the reason: 3 for a fault of the image, 5 for one of the system.
    """

    path: str
    error: str
    exit_code: int = DataError.exit_code

    def to_json(self) -> dict[str, Any]:
        """Return one line of `predict --json`."""
        return {"path": self.path, "error": self.error}


def predict(
    images_or_paths: Iterable[ImageSource] | AnyPath,
    model: Model = "pretrained",
    *,
    abstain_below: float | None = None,
    views: str | None = None,
    views_below: float = VIEWS_BELOW,
) -> list[Prediction | FailedImage]:
    """Predict images or image files.

        ankleboot.predict(["boot.jpg", "gone.png"])      # [Prediction(...), FailedImage(...)]
        ankleboot.predict(data.test.images[:5], "runs/first")

    Args:
        images_or_paths: Paths to files, or uint8 arrays: gray (height, width) or RGB
            (height, width, 3), one by one or in one array.
        model: A run, a predictor, a path, or the name of a shipped model. "pretrained" uses a
            second model for photos.
        abstain_below: Minimal confidence of a prediction; None for the model's own threshold.
        views: "flip" or "flip-shift": test-time augmentation, which predicts an image of little
            confidence in several views. It makes no sense where a mirror image is another class.
        views_below: Confidence in the plain view below which an image gets the others.

    Returns:
        One entry per image, in order. The path of an array is its index.

    Raises:
        ModelError: If there is no such model, or it cannot be loaded.
        UsageError: If the views are unknown.
    """
    if isinstance(images_or_paths, str | os.PathLike):
        images_or_paths = [images_or_paths]
    router = load_router(model, views=views, views_below=views_below)
    return list(predict_files(router, images_or_paths, abstain_below=abstain_below))


def predict_files(
    router: ModelRouter,
    images_or_paths: Iterable[ImageSource | FailedImage],
    *,
    abstain_below: float | None = None,
    separate: bool = True,
    on_prediction: Callable[[PreparedImage, Prediction], None] | None = None,
    on_image: Callable[[PreparedImage], None] | None = None,
) -> Iterator[Prediction | FailedImage]:
    """Read and predict images or files batch by batch, and yield each result when it is ready.

    Args:
        router: The models.
        images_or_paths: As for `predict`; an image that failed already stays so.
        abstain_below: As for `predict`.
        separate: Whether to predict several garments on a photo one by one.
        on_prediction: Called with every predicted image, whose garment is then segmented.
        on_image: Called with every image that could be read.
    """
    remaining, segment = enumerate(images_or_paths), on_prediction is not None
    while batch := [  # an image is decoded before the next one is read, which bounds the memory
        (name := _name(i, item), _prepare(name, item, router, segment=segment))
        for i, item in islice(remaining, BATCH_SIZE)
    ]:
        rows = _predict_counted([entry for _, entry in batch if isinstance(entry, PreparedImage)])
        for name, entry in batch:
            if isinstance(entry, FailedImage):
                yield entry
                continue
            if on_image is not None:
                on_image(entry)
            prediction = decide_prepared(
                entry, *next(rows), separate=separate, abstain_below=abstain_below, path=name
            )
            if on_prediction is not None:
                on_prediction(entry, prediction)
            yield prediction


def read_pixels(item: ImageSource) -> Pixels:
    """Return the RGB pixels of an array, a file or the bytes of one.

    Raises:
        DataError: If the file is no image, damaged, or too large.
        EnvironmentFailure: If it cannot be read for another reason.
        UsageError: If the array has another type or shape.
    """
    if isinstance(item, np.ndarray):
        return _to_rgb(item)
    if isinstance(item, ImageBytes):
        return decode_bytes(item.content, item.name, formats_of(item.content[:12], item.name))
    return decode(expand(item))


def _name(index: int, item: ImageSource | FailedImage) -> str:
    if isinstance(item, np.ndarray):
        return str(index)
    if isinstance(item, FailedImage):
        return item.path
    return item.name if isinstance(item, ImageBytes) else os.fspath(item)


def prepare_image(pixels: Pixels, router: ModelRouter, *, segment: bool = False) -> PreparedImage:
    """Choose the model of an image and make its input; `segment` finds its garment anyway."""
    return prepare_decoded(DecodedImage(pixels), router, segment=segment)


def prepare_decoded(
    decoded: DecodedImage, router: ModelRouter, *, segment: bool = False
) -> PreparedImage:
    """Prepare a decoded image, which keeps its segmentation; see `prepare_image`."""
    predictor = router.route(decoded)
    spec = predictor.info.image_spec
    # a model with reject labels also abstains where there is no garment
    is_needed = segment or spec.crop != "none" or predictor.info.reject_labels
    garment = decoded.segmentation if is_needed else None
    return PreparedImage(decoded, garment, decoded.preprocess(spec), predictor)


def predict_batch(prepared: Sequence[PreparedImage]) -> Iterator[np.ndarray]:
    """Predict each model's images in one call; yield the rows in the order of the images."""
    return (row for row, _ in _predict_counted(prepared))


def decide_prepared(
    entry: PreparedImage,
    probs: np.ndarray,
    passes: int = 1,
    *,
    separate: bool = True,
    abstain_below: float | None = None,
    path: str = "",
) -> Prediction:
    """Turn an image's row of probabilities into a prediction, and predict several garments."""
    image, garment, predictor = entry.image, entry.garment, entry.predictor
    prediction = decide(
        image,
        garment,
        probs,
        predictor.info,
        is_blank=is_of_one_color(entry.decoded.pixels),
        similarity_of=similarity_of(image, predictor.info),
        abstain_below=abstain_below,
        path=path,
    )
    prediction = replace(prediction, passes=passes)
    if not separate or prediction.cause != "several" or garment is None:
        return prediction
    return predict_garments(
        prediction, entry.decoded, garment, predictor, abstain_below=abstain_below
    )


def _predict_counted(prepared: Sequence[PreparedImage]) -> Iterator[tuple[np.ndarray, int]]:
    """Predict as `predict_batch`; yield the number of passes with each row."""
    rows: dict[int, tuple[np.ndarray, int]] = {}
    for predictor in {id(entry.predictor): entry.predictor for entry in prepared}.values():
        indices = [i for i, entry in enumerate(prepared) if entry.predictor is predictor]
        probs, passes = predict_counted(predictor, np.stack([prepared[i].image for i in indices]))
        rows |= dict(zip(indices, zip(probs, passes.tolist(), strict=True), strict=True))
    return (rows[i] for i in range(len(prepared)))


def _prepare(
    name: str, item: ImageSource | FailedImage, router: ModelRouter, *, segment: bool
) -> PreparedImage | FailedImage:
    if isinstance(item, FailedImage):
        return item
    try:
        return prepare_image(read_pixels(item), router, segment=segment)
    except (DataError, EnvironmentFailure) as error:
        reason = (
            str(error).removeprefix(f"{name}: ").replace(f"cannot read {name}:", "cannot read:")
        )
        return FailedImage(name, reason, error.exit_code)


def _to_rgb(image: np.ndarray) -> Pixels:
    if image.dtype != np.uint8 or image.ndim < 2 or image.shape[2:] not in ((), (3,)):
        raise UsageError(
            "expected paths or uint8 images of shape (height, width) or (height, width, 3), "
            f"got {image.dtype} of shape {image.shape}"
        )
    return image if image.ndim == 3 else np.repeat(image[..., np.newaxis], 3, axis=2)
