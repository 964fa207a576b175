"""Predictors without a network."""

from ankleboot.core.types import Images, Probs
from ankleboot.models.files.metadata import ModelMetadata


class FakePredictor:
    """Gives the probabilities it was made with."""

    name = "fake"

    def __init__(self, probs: Probs, info: ModelMetadata | None = None) -> None:
        self.probs = probs
        self.info = info or ModelMetadata()

    def predict(self, images: Images) -> Probs:
        return self.probs[: len(images)]
