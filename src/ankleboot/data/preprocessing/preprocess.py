"""From a picture file to the pixels that a network knows.

    image = read(Path("boot.png"))     # (28, 28) uint8, 0 is background
    image = prepare(Path("cat.jpg"), predictor.info.image_spec)     # whatever the model takes

Pictures of 28 x 28 grey pixels are taken for images of the data set and pass unchanged. A plain
background is trimmed, as the data set's authors did; on any other the garment is cut out first.
"""

from pathlib import Path

from ankleboot.core.types import IMAGE_SIZE, Image, Pixels
from ankleboot.data.preprocessing.decode import decode
from ankleboot.data.preprocessing.garment import garment_image, has_plain_background
from ankleboot.data.preprocessing.resize import resize
from ankleboot.data.preprocessing.segmentation import Segmentation, segment_garment
from ankleboot.recipes.image_spec import ImageSpec


def read_image(path: Path) -> Image:
    """Decode a file and convert the garment in it.

    Raises:
        DataError: If it is no picture, damaged, or too large; the message names it and the reason.
    """
    return load_image(path, ImageSpec())


def load_image(path: Path, image_spec: ImageSpec) -> Image:
    """Decode a file and make the image that a recipe or a model wants.

    Raises:
        DataError: As `read`.
    """
    return preprocess(decode(path), image_spec)


def preprocess(pixels: Pixels, image_spec: ImageSpec) -> Image:
    """The image that is wanted, of a picture that was decoded."""
    if image_spec.crop == "none":
        return resize(pixels, image_spec)
    return extract_garment(pixels, find_garment(pixels))


def is_dataset_image(pixels: Pixels) -> bool:
    """Whether a picture is an image as the data set has them: 28 x 28 and grey."""
    is_grey = (pixels == pixels[..., :1]).all()
    return bool(pixels.shape[:2] == (IMAGE_SIZE, IMAGE_SIZE) and is_grey)


def find_garment(pixels: Pixels) -> Segmentation | None:
    """Where the garment is; None where nothing has to be cut out."""
    return (
        None
        if is_dataset_image(pixels) or has_plain_background(pixels)
        else segment_garment(pixels)
    )


def extract_garment(pixels: Pixels, found: Segmentation | None) -> Image:
    """28 x 28 pixels of the garment that `find_garment` found."""
    if is_dataset_image(pixels):
        same: Image = pixels[..., 0]
        return same
    return garment_image(pixels, found.mask if found else None)
