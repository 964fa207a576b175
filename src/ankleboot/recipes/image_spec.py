"""What is done with a picture before a network sees it: part of a recipe and of every model file.

Fashion-MNIST's own way is the default: one garment, cut out, 28 x 28 grey pixels. Data of one's own
may ask for the whole picture, in any size and in color.
"""

from dataclasses import dataclass

from ankleboot.core.errors import UsageError
from ankleboot.core.types import IMAGE_SIZE

CROPS = ("garment", "none")
IMAGE_SIZES = (8, 512)  # pixels, both included


@dataclass(frozen=True)
class ImageSpec:
    """From a picture file to an image.

    Attributes:
        image_size: Pixels per side.
        color: RGB; otherwise grey.
        crop: "garment": found and converted as the authors of Fashion-MNIST did; "none": the
            whole picture, brought to the size.

    Raises:
        UsageError: If the garment's conversion is to give another size, or color.
    """

    image_size: int = IMAGE_SIZE
    color: bool = False
    crop: str = "garment"

    def __post_init__(self) -> None:
        low, high = IMAGE_SIZES
        if self.crop not in CROPS or not low <= self.image_size <= high:
            raise UsageError(
                f"expected crop {' or '.join(CROPS)} and image_size from {low} to {high}, "
                f"got {self.crop} and {self.image_size}"
            )
        if self.crop == "garment" and (self.image_size, self.color) != (IMAGE_SIZE, False):
            raise UsageError(
                f"crop=garment makes grey images of {IMAGE_SIZE} x {IMAGE_SIZE} pixels; for "
                f"image_size={self.image_size} color={str(self.color).lower()} set crop=none"
            )

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Of one image."""
        return (self.image_size, self.image_size) + ((3,) if self.color else ())

    def __str__(self) -> str:
        return f"{'color' if self.color else 'grey'} {self.image_size} x {self.image_size}"
