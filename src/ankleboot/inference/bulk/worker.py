"""Prediction of one chunk in a process that keeps its model."""

from dataclasses import dataclass
from functools import cache

from ankleboot.core.views import VIEWS_BELOW
from ankleboot.inference.bulk.chunks import Chunk
from ankleboot.inference.bulk.table import part_bytes
from ankleboot.inference.load import resolve_model
from ankleboot.inference.predict import predict_files
from ankleboot.inference.router import ModelRouter, load_router


@dataclass(frozen=True)
class PredictionSettings:
    """Model by its path or name, and the options of `predict` that change its answers."""

    model: str
    trust: bool = False
    views: str | None = None
    views_below: float = VIEWS_BELOW
    abstain_below: float | None = None


@cache
def router_of(settings: PredictionSettings) -> ModelRouter:
    """Load the model once in a process."""
    model = resolve_model(settings.model, trust=settings.trust)
    return load_router(model, views=settings.views, views_below=settings.views_below)


def predict_chunk(settings: PredictionSettings, chunk: Chunk) -> bytes:
    """Return the rows of a chunk as the content of a Parquet file."""
    router = router_of(settings)
    results = predict_files(router, chunk.images(), abstain_below=settings.abstain_below)
    return part_bytes(results, router.default.info.predicted_labels)
