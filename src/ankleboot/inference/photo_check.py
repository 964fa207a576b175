"""Photos that a network of Fashion-MNIST gets, which has learned images of a catalogue alone."""

from dataclasses import dataclass

from ankleboot.inference.predict import PreparedImage
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog
from ankleboot.recipes.catalog import RECIPES

CATALOGUE_DATA = ("fashion-mnist", "sample")

FOR_PHOTOS = {
    catalog.ZERO_SHOT,
    *(name for name, recipe in RECIPES.items() if recipe.photo_simulation),
}
"""Recipes that learn Fashion-MNIST as photos would look."""


def is_catalogue_model(info: ModelMetadata) -> bool:
    """Return whether a network has learned Fashion-MNIST as it is, and nothing else."""
    return (
        info.data in CATALOGUE_DATA
        and info.crop == "garment"
        and not info.reject_labels
        and not info.adopted
        and info.recipe not in FOR_PHOTOS
    )


@dataclass
class PhotoCheck:
    """Number of photos that a network of Fashion-MNIST got, so far."""

    num_photos: int = 0

    def add(self, entry: PreparedImage) -> None:
        """Count an image, unless it has the data set's form or its model knows photos."""
        is_photo = not entry.decoded.is_dataset_image
        self.num_photos += is_photo and is_catalogue_model(entry.predictor.info)

    @property
    def note(self) -> str:
        """Return a note about the counted photos; empty if there are none."""
        if not self.num_photos:
            return ""
        return (
            f"photos for a network that has learned images of a catalogue alone (Fashion-MNIST): "
            f"{self.num_photos:,}; do not rely on the answers. Without --model, ankleboot predict "
            "uses a model for photos"
        )
