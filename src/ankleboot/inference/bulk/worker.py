"""Prediction of one chunk in a process that keeps its model."""

import json
from dataclasses import dataclass
from functools import lru_cache

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.files import sha256_of
from ankleboot.core.views import VIEWS_BELOW
from ankleboot.inference.bulk.chunks import Chunk
from ankleboot.inference.bulk.table import part_bytes
from ankleboot.inference.decide import Prediction
from ankleboot.inference.load import resolve_model
from ankleboot.inference.predict import FailedImage, predict_files
from ankleboot.inference.router import ModelRouter, load_router


@dataclass(frozen=True)
class PredictionSettings:
    """Model by its path or name, and the options of `predict` that change its answers.

    Attributes:
        fingerprint: Hash of the model's metadata, which every process compares; "" before it is
            known.
    """

    model: str
    trust: bool = False
    views: str | None = None
    views_below: float = VIEWS_BELOW
    abstain_below: float | None = None
    fingerprint: str = ""

    def load(self) -> ModelRouter:
        """Load the model.

        Raises:
            EnvironmentFailure: If it is not the one of the fingerprint.
            ModelError: If there is no such model, or it cannot be loaded.
        """
        model = resolve_model(self.model, trust=self.trust)
        router = load_router(model, views=self.views, views_below=self.views_below)
        if self.fingerprint and fingerprint_of(router) != self.fingerprint:
            raise EnvironmentFailure(f"{self.model}: not the model with which the command began")
        return router


def fingerprint_of(router: ModelRouter) -> str:
    """Return the hash of all that the model's file says: weights, calibration, labels, format."""
    return sha256_of(json.dumps(router.default.info.to_json(), sort_keys=True).encode())


@lru_cache(maxsize=1)
def _loaded(settings: PredictionSettings) -> ModelRouter:
    return settings.load()


def predict_chunk(settings: PredictionSettings, chunk: Chunk) -> bytes:
    """Return the rows of a chunk as the content of a Parquet file.

    Raises:
        EnvironmentFailure: If an image cannot be read because of the system; a chunk that was
            predicted is never repeated, so that the fault would stay.
    """
    router = _loaded(settings)
    results = predict_files(
        router,
        chunk.images(),
        abstain_below=settings.abstain_below,
        separate=False,  # the table has no column for them
    )
    return part_bytes(map(_checked, results), router.default.info.predicted_labels)


def _checked(result: Prediction | FailedImage) -> Prediction | FailedImage:
    if isinstance(result, FailedImage) and result.exit_code == EnvironmentFailure.exit_code:
        raise EnvironmentFailure(f"{result.path}: {result.error}")
    return result
