"""From a picture file to the 28 x 28 grey pixels that the networks know.

    image = read(Path("boot.png"))     # (28, 28) uint8, 0 is background

Pictures of 28 x 28 grey pixels are taken for images of the data set and pass unchanged.
"""

from pathlib import Path

from ankleboot.arrays import IMAGE_SIZE, Image
from ankleboot.photos.convert import convert
from ankleboot.photos.decode import decode


def read(path: Path) -> Image:
    """Decode a file and convert what is in it.

    Raises:
        DataError: If it is no picture, damaged, or too large; the message names it and the reason.
    """
    pixels = decode(path)
    is_grey = (pixels == pixels[..., :1]).all()
    if pixels.shape[:2] == (IMAGE_SIZE, IMAGE_SIZE) and is_grey:
        same: Image = pixels[..., 0]
        return same
    return convert(pixels)
