"""From a picture file to the pixels that a network knows.

    image = read(Path("boot.png"))     # (28, 28) uint8, 0 is background
    image = prepare(Path("cat.jpg"), predictor.info.preparation)     # whatever the model takes

Pictures of 28 x 28 grey pixels are taken for images of the data set and pass unchanged.
"""

from pathlib import Path

from ankleboot.arrays import IMAGE_SIZE, Image, Pixels
from ankleboot.photos.convert import convert
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
    is_grey = (pixels == pixels[..., :1]).all()
    if pixels.shape[:2] == (IMAGE_SIZE, IMAGE_SIZE) and is_grey:
        same: Image = pixels[..., 0]
        return same
    return convert(pixels)
