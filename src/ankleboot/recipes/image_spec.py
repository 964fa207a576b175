"""Image spec: size, colors, crop and fit of the images of a recipe, a data set or a model file.

The default is that of Fashion-MNIST: one garment, cropped, 28 x 28 gray pixels. Image folders can
have whole images of another size and in color.
"""

from dataclasses import dataclass, replace

from ankleboot.core.errors import UsageError
from ankleboot.core.types import IMAGE_SIZE

CROPS = ("garment", "cut-out", "none")
"""Crops that recipes can choose."""
BOTH = "both"  # crop of the shipped model "photo", which has a network for each view
FITS = ("stretch", "letterbox", "crop")
IMAGE_SIZES = (8, 512)  # smallest and largest, in pixels


@dataclass(frozen=True)
class ImageSpec:
    """Size, colors, crop and fit of images.

    Raises:
        UsageError: If crop=garment is combined with another size or a color, another crop of the
            garment with gray, or any of them with a fit.
    """

    image_size: int = IMAGE_SIZE  # pixels per side
    color: bool = False  # RGB; otherwise gray
    # "garment": segmented and converted as by the authors of Fashion-MNIST; "cut-out": segmented,
    # in color on white; "none": resized; "both": the cut-out above the whole image
    crop: str = "garment"
    # how a tall or wide image becomes a square: "stretch" ignores its aspect, "letterbox" adds gray
    # bands, "crop" keeps the square in the middle
    fit: str = "stretch"

    def __post_init__(self) -> None:
        low, high = IMAGE_SIZES
        if self.crop not in (*CROPS, BOTH) or not low <= self.image_size <= high:
            raise UsageError(
                f"expected crop {', '.join(CROPS)} and image_size from {low} to {high}, "
                f"got {self.crop} and {self.image_size}"
            )
        if self.fit not in FITS:
            raise UsageError(f"expected fit {' or '.join(FITS)}, got {self.fit}")
        if self.crop == "garment" and (self.image_size, self.color) != (IMAGE_SIZE, False):
            raise UsageError(
                f"crop=garment makes gray images of {IMAGE_SIZE} x {IMAGE_SIZE} pixels; for "
                f"image_size={self.image_size} color={str(self.color).lower()} set crop=none"
            )
        if self.crop in ("cut-out", BOTH) and not self.color:
            raise UsageError(
                f"crop={self.crop} makes color images; set color=true, or crop=garment"
            )
        if self.crop != "none" and self.fit != "stretch":
            raise UsageError(
                f"crop={self.crop} centers the garment; for fit={self.fit} set crop=none, which "
                "takes the whole image"
            )

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Height and width of an image, and 3 if it has colors."""
        height = (2 if self.crop == BOTH else 1) * self.image_size
        return (height, self.image_size) + ((3,) if self.color else ())

    @property
    def views(self) -> tuple["ImageSpec", ...]:
        """Image specs of the squares that an image holds, from top to bottom."""
        crops = ("cut-out", "none") if self.crop == BOTH else (self.crop,)
        return tuple(replace(self, crop=crop) for crop in crops)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a network's input; gray images have one channel."""
        height, width = self.image_shape[:2]
        return height, width, 3 if self.color else 1

    def __str__(self) -> str:
        return f"{'color' if self.color else 'gray'} {self.image_size} x {self.image_size}"
