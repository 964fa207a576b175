"""Prepare one image: choose its model and make the input that the model takes."""

from dataclasses import dataclass

from ankleboot.core.types import Image, Pixels
from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.data.preprocessing.segmentation import Segmentation
from ankleboot.inference.predictor import Predictor
from ankleboot.inference.router import ModelRouter


@dataclass(frozen=True)
class PreparedImage:
    """An image, its model, and the model's input.

    Attributes:
        decoded: The decoded image.
        garment: Segmentation of the garment; None if it was not needed.
        image: The model's input.
        predictor: The model.
    """

    decoded: DecodedImage
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
    decoded = DecodedImage(pixels)
    predictor = router.route(decoded)
    image_spec = predictor.info.image_spec
    # a model with reject labels also abstains where there is no garment
    is_needed = segment or image_spec.crop == "garment" or predictor.info.reject_labels
    garment = decoded.segmentation if is_needed else None
    return PreparedImage(decoded, garment, decoded.preprocess(image_spec), predictor)
