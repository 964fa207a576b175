"""Image spec: size, colors, crop and fit of the images of a recipe, a data set or a model file.

The default is that of Fashion-MNIST: one garment, cropped, 28 x 28 gray pixels. Image folders can
have whole images of another size and in color.
"""

from dataclasses import dataclass

from ankleboot.core.errors import UsageError
from ankleboot.core.types import IMAGE_SIZE

CROPS = ("garment", "cut-out", "none")
FITS = ("stretch", "letterbox", "crop")
IMAGE_SIZES = (8, 512)  # smallest and largest, in pixels


@dataclass(frozen=True)
class ImageSpec:
    """Size, colors, crop and fit of images.

    Raises:
        UsageError: If crop=garment is combined with another size or a color, crop=cut-out with
            gray, or either of them with a fit.
    """

    image_size: int = IMAGE_SIZE  # pixels per side
    color: bool = False  # RGB; otherwise gray
    # "garment": segmented and converted as by the authors of Fashion-MNIST; "cut-out": segmented,
    # in color on white; "none": resized
    crop: str = "garment"
    # how a tall or wide image becomes a square: "stretch" ignores its aspect, "letterbox" adds gray
    # bands, "crop" keeps the square in the middle
    fit: str = "stretch"

    def __post_init__(self) -> None:
        low, high = IMAGE_SIZES
        if self.crop not in CROPS or not low <= self.image_size <= high:
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
        if self.crop == "cut-out" and not self.color:
            raise UsageError("crop=cut-out makes color images; set color=true, or crop=garment")
        if self.crop != "none" and self.fit != "stretch":
            raise UsageError(
                f"crop={self.crop} centers the garment; for fit={self.fit} set crop=none, which "
                "takes the whole image"
            )

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Height and width of an image, and 3 if it has colors."""
        return (self.image_size, self.image_size) + ((3,) if self.color else ())

    def __str__(self) -> str:
        return f"{'color' if self.color else 'gray'} {self.image_size} x {self.image_size}"
