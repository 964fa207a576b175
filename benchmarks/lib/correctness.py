"""Comparison of responses under load with predictions in one process."""

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ankleboot.inference.decide import Prediction
from ankleboot.inference.predict import predict_files
from ankleboot.inference.router import load_router
from lib import payloads
from lib.load_spec import LoadRequest, LoadSpec, record_expected, run_load
from lib.server_process import PATH

CONNECTIONS = 32
NUM_PHOTOS = 25


def check_correctness(
    port: int, num: int, model: str, progress: Callable[[str], None]
) -> dict[str, Any]:
    """Send `num` concurrent requests of many images and compare every response.

    Each must equal, byte for byte, the response to the same image in a sequential request. Labels
    and probabilities of the latter are compared with those of `predict_files` in this process.
    """
    images, photos = payloads.images(), payloads.photos(NUM_PHOTOS)
    requests = [LoadRequest(PATH, "image/png", image) for image in images]
    requests += [LoadRequest(PATH, "image/jpeg", photo) for photo in photos]
    requests = record_expected(port, requests)
    agreement = _agreement(requests, predict_in_process([*images, *photos], Path(model)))
    progress(f"sequential responses against predictions in process: {agreement}")
    result = run_load(LoadSpec(port=port, connections=CONNECTIONS, requests=num), requests)
    progress(f"{num:,} requests: {result['statuses']}, {result['wrong']} differ")
    return {"connections": CONNECTIONS, "pictures": len(requests), **agreement} | {
        key: result[key]
        for key in ("sent", "statuses", "wrong", "wrong_samples", "failures", "resets")
        + ("goodput", "seconds")
    }


def predict_in_process(files: Sequence[bytes], model: Path) -> list[Prediction]:
    """Predict each image file alone."""
    router = load_router(model)
    predictions: list[Prediction] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image"
        for file in files:
            path.write_bytes(file)
            predictions += [p for p in predict_files(router, [path]) if isinstance(p, Prediction)]
    return predictions


def _agreement(requests: Sequence[LoadRequest], expected: Sequence[Prediction]) -> dict[str, Any]:
    labels, largest = 0, 0.0
    for request, prediction in zip(requests, expected, strict=True):
        (entry,) = json.loads(request.expected or b"")["predictions"]
        labels += entry["label"] == prediction.label
        gaps = [abs(entry["probs"][name] - prob) for name, prob in prediction.probs.items()]
        largest = max(largest, *gaps)
    return {"labels_as_in_process": labels, "largest_difference_of_probs": largest}
