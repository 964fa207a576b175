"""BentoML: one service with a worker process per core.

bentoml serve bentoml_app:Single --port 8000      (or Batched)
"""

import bentoml
import numpy as np
from garments import BATCH_SECONDS, MAX_BATCH, NUM_WORKERS, Garments, response_of, to_pixels
from PIL.Image import Image

OPTIONS = {
    "workers": NUM_WORKERS,
    "traffic": {"timeout": 10},
    "logging": {"access": {"enabled": False}},
}


@bentoml.service(**OPTIONS, threads=1)
class Single:
    """An image as the body of a request."""

    def __init__(self) -> None:
        self.garments = Garments()

    @bentoml.api
    def predict(self, image: Image, /) -> dict:
        (probs,) = self.garments.predict(to_pixels(image)[None])
        return response_of(probs)


@bentoml.service(**OPTIONS)
class Batched:
    """Adaptive batches of images in forms."""

    def __init__(self) -> None:
        self.garments = Garments()

    @bentoml.api(
        batchable=True, max_batch_size=max(2, MAX_BATCH), max_latency_ms=int(1000 * BATCH_SECONDS)
    )
    def predict(self, images: list[Image]) -> list[dict]:
        rows = self.garments.predict(np.stack([to_pixels(image) for image in images]))
        return [response_of(probs) for probs in rows]
