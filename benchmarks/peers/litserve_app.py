"""LitServe with its own options for speed: workers, an API process for each, a queue on ZeroMQ.

python litserve_app.py 8000
"""

import os
import sys

import litserve
import numpy as np
from garments import BATCH_SECONDS, MAX_BATCH, NUM_WORKERS, Garments, decode_base64, response_of


class GarmentApi(litserve.LitAPI):
    """Images in base64, as in the guides."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        self.garments = Garments()

    def decode_request(self, request):  # an annotation would change how it is read
        return decode_base64(request["image"])

    def batch(self, inputs: list[np.ndarray]) -> np.ndarray:
        return np.stack(inputs)

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.garments.predict(x if x.ndim == 3 else x[None])

    def unbatch(self, output: np.ndarray) -> list[np.ndarray]:
        return list(output)

    def encode_response(self, output: np.ndarray):
        return response_of(output if output.ndim == 1 else output[0])


class SingleApi(GarmentApi):
    """Without batches; LitServe takes the methods for them as a wish for some."""

    batch = litserve.LitAPI.batch
    unbatch = litserve.LitAPI.unbatch


if __name__ == "__main__":
    if MAX_BATCH > 1:
        api = GarmentApi(max_batch_size=MAX_BATCH, batch_timeout=BATCH_SECONDS)
    else:
        api = SingleApi()
    server = litserve.LitServer(
        api,
        accelerator="cpu",
        workers_per_device=NUM_WORKERS,
        fast_queue=os.environ.get("PEER_FAST_QUEUE") == "1",
    )
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False
    )
