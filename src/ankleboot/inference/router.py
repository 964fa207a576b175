"""Choice of the model for an image: the default one, or the one for photos."""

from functools import cached_property
from pathlib import Path

from ankleboot.core.views import VIEWS_BELOW
from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.inference.load import Model, load_predictor, resolve_model
from ankleboot.inference.predictor import Predictor
from ankleboot.inference.views import ViewsPredictor
from ankleboot.models.pretrained import catalog


class ModelRouter:
    """A default model, and perhaps a second one for photos, which the first photo loads.

    `views` and `views_below` are those of `ViewsPredictor`; both models get them.
    """

    def __init__(
        self,
        default: Predictor,
        photo: Path | None = None,
        *,
        views: str | None = None,
        views_below: float = VIEWS_BELOW,
    ) -> None:
        self._views, self._views_below, self._photo = views, views_below, photo
        self.default = self._with_views(default)

    @cached_property
    def photo(self) -> Predictor:
        """Model for photos; the default one if there is no other."""
        if self._photo is None:
            return self.default
        return self._with_views(load_predictor(self._photo))

    def route(self, image: DecodedImage) -> Predictor:
        """Return the model that predicts the image."""
        return self.default if image.is_dataset_image else self.photo

    def _with_views(self, predictor: Predictor) -> Predictor:
        if self._views is None:
            return predictor
        return ViewsPredictor(predictor, self._views, self._views_below)


def load_router(
    model: Model,
    *,
    trust: bool = False,
    views: str | None = None,
    views_below: float = VIEWS_BELOW,
) -> ModelRouter:
    """Load a model; "pretrained" brings a second one for photos.

    Raises:
        ModelError: If there is no such model, or it cannot be loaded.
        UsageError: If the views are unknown.
    """
    resolved = resolve_model(model, trust=trust)
    photo = catalog.photo_model(resolved.name)
    return ModelRouter(resolved.predictor, photo, views=views, views_below=views_below)
