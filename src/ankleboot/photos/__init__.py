"""From a picture file to the pixels that a network knows.

    image = read(Path("boot.png"))     # (28, 28) uint8, 0 is background
    image = prepare(Path("cat.jpg"), predictor.info.preparation)     # whatever the model takes

Pictures of 28 x 28 grey pixels are taken for images of the data set and pass unchanged. A plain
background is trimmed, as the data set's authors did; on any other the garment is cut out first.
"""

from pathlib import Path

from ankleboot.arrays import IMAGE_SIZE, Image, Pixels
from ankleboot.photos.convert import convert, has_plain_background
from ankleboot.photos.cut_out import CutOut, locate
from ankleboot.photos.decode import decode
from ankleboot.photos.framing import whole
from ankleboot.preparation import Preparation


def read(path: Path) -> Image:
    """Decode a file and convert the garment in it.

    Raises:
        DataError: If it is no picture, damaged, or too large; the message names it and the reason.
    """
    return prepare(path, Preparation())


def prepare(path: Path, preparation: Preparation) -> Image:
    """Decode a file and make the image that a recipe or a model wants.

    Raises:
        DataError: As `read`.
    """
    return framed(decode(path), preparation)


def framed(pixels: Pixels, preparation: Preparation) -> Image:
    """The image that is wanted, of a picture that was decoded."""
    if preparation.framing == "whole":
        return whole(pixels, preparation)
    return garment(pixels, find_garment(pixels))


def is_image(pixels: Pixels) -> bool:
    """Whether a picture is an image as the data set has them: 28 x 28 and grey."""
    is_grey = (pixels == pixels[..., :1]).all()
    return bool(pixels.shape[:2] == (IMAGE_SIZE, IMAGE_SIZE) and is_grey)


def find_garment(pixels: Pixels) -> CutOut | None:
    """Where the garment is; None where nothing has to be cut out."""
    return None if is_image(pixels) or has_plain_background(pixels) else locate(pixels)


def garment(pixels: Pixels, found: CutOut | None) -> Image:
    """28 x 28 pixels of the garment that `find_garment` found."""
    if is_image(pixels):
        same: Image = pixels[..., 0]
        return same
    return convert(pixels, found.mask if found else None)
