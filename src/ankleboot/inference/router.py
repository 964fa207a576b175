"""Choice of the model for an image: the default one, or the one for photos."""

from functools import cached_property
from pathlib import Path

from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.inference.load import Model, load_predictor, resolve_model
from ankleboot.inference.predictor import Predictor
from ankleboot.models.pretrained import catalog


class ModelRouter:
    """A default model, and perhaps a second one for photos, which the first photo loads."""

    def __init__(self, default: Predictor, photo: Path | None = None) -> None:
        self.default, self._photo = default, photo

    @cached_property
    def photo(self) -> Predictor:
        """Model for photos; the default one if there is no other."""
        return self.default if self._photo is None else load_predictor(self._photo)

    def route(self, image: DecodedImage) -> Predictor:
        """Return the model that predicts the image."""
        return self.default if image.is_dataset_image else self.photo


def load_router(model: Model, *, trust: bool = False) -> ModelRouter:
    """Load a model; "pretrained" brings a second one for photos.

    Raises:
        ModelError: If there is no such model, or it cannot be loaded.
    """
    resolved = resolve_model(model, trust=trust)
    return ModelRouter(resolved.predictor, catalog.photo_model(resolved.name))
