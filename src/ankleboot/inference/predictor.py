"""The interface of every runtime: images in, calibrated probabilities out."""

from typing import Protocol, runtime_checkable

from ankleboot.core.types import Images, Probs
from ankleboot.models.files.metadata import ModelMetadata


@runtime_checkable
class Predictor(Protocol):
    """A model on any runtime; several threads may share it.

    Attributes:
        name: Path to the model, or its name.
        info: Metadata of the model: labels, image spec, abstention threshold.
    """

    name: str
    info: ModelMetadata

    def predict(self, images: Images) -> Probs:
        """Return one row of probabilities per image, in order."""
