"""What is done with a picture before a network sees it: part of a recipe and of every model file.

Fashion-MNIST's own way is the default: one garment, cut out, 28 x 28 grey pixels. Data of one's own
may ask for the whole picture, in any size and in colour.
"""

from dataclasses import dataclass

from ankleboot.arrays import IMAGE_SIZE
from ankleboot.errors import UsageError

FRAMINGS = ("garment", "whole")
IMAGE_SIZES = (8, 512)  # pixels, both included


@dataclass(frozen=True)
class Preparation:
    """From a picture file to an image.

    Attributes:
        image_size: Pixels per side.
        colour: RGB; otherwise grey.
        framing: "garment": found and converted as the authors of Fashion-MNIST did; "whole": the
            whole picture, brought to the size.

    Raises:
        UsageError: If the garment's conversion is to give another size, or colour.
    """

    image_size: int = IMAGE_SIZE
    colour: bool = False
    framing: str = "garment"

    def __post_init__(self) -> None:
        low, high = IMAGE_SIZES
        if self.framing not in FRAMINGS or not low <= self.image_size <= high:
            raise UsageError(
                f"expected framing {' or '.join(FRAMINGS)} and image_size from {low} to {high}, "
                f"got {self.framing} and {self.image_size}"
            )
        if self.framing == "garment" and (self.image_size, self.colour) != (IMAGE_SIZE, False):
            raise UsageError(
                f"framing=garment makes grey images of {IMAGE_SIZE} x {IMAGE_SIZE} pixels; for "
                f"image_size={self.image_size} colour={str(self.colour).lower()} set framing=whole"
            )

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Of one image."""
        return (self.image_size, self.image_size) + ((3,) if self.colour else ())

    def __str__(self) -> str:
        return f"{'colour' if self.colour else 'grey'} {self.image_size} x {self.image_size}"
