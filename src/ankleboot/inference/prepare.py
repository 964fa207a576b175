"""Prepare one image: choose its model and make the input that the model takes."""

from dataclasses import dataclass

from ankleboot.core.types import Image, Pixels
from ankleboot.data.preprocessing import preprocess
from ankleboot.data.preprocessing.segmentation import Segmentation
from ankleboot.inference.predictor import Predictor
from ankleboot.inference.router import ModelRouter


@dataclass(frozen=True)
class PreparedImage:
    """An image, its model, and the model's input.

    Attributes:
        pixels: The decoded image.
        garment: Segmentation of the garment; None if it was not needed.
        image: The model's input.
        predictor: The model.
    """

    pixels: Pixels
    garment: Segmentation | None
    image: Image
    predictor: Predictor


def prepare_image(pixels: Pixels, router: ModelRouter, *, segment: bool = False) -> PreparedImage:
    """Choose the model of an image and make its input.

    Args:
        pixels: The decoded image.
        router: The models.
        segment: Whether to segment the garment even if the prediction does not need it.
    """
    predictor = router.route(pixels)
    image_spec = predictor.info.image_spec
    if image_spec.crop == "garment":
        garment = preprocess.find_garment(pixels)
        image = preprocess.extract_garment(pixels, garment)
        return PreparedImage(pixels, garment, image, predictor)
    # a model with reject labels also abstains where there is no garment
    is_needed = segment or predictor.info.reject_labels
    garment = preprocess.find_garment(pixels) if is_needed else None
    return PreparedImage(pixels, garment, preprocess.preprocess(pixels, image_spec), predictor)
