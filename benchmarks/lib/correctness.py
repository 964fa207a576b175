"""Are the server's answers under load those of one caller in one process?"""

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ankleboot.inference.predict import Prediction, load_router, predict_files
from lib import payloads
from lib.load import Load, Request, alone, drive
from lib.servers import PATH

CONNECTIONS = 32
NUM_PHOTOS = 25


def check(port: int, num: int, model: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Send `num` requests of many pictures at once, and compare every answer.

    Each must be, byte for byte, what the server says to the same picture alone; and that must be
    what `ankleboot.inference.predict` says in this process, one picture after the other.
    """
    images, photos = payloads.images(), payloads.photographs(NUM_PHOTOS)
    requests = [Request(PATH, "image/png", image) for image in images]
    requests += [Request(PATH, "image/jpeg", photo) for photo in photos]
    requests = alone(port, requests)
    agreement = _agreement(requests, in_process([*images, *photos], Path(model)))
    say(f"answers alone, beside those in process: {agreement}")
    found = drive(Load(port=port, connections=CONNECTIONS, requests=num), requests)
    say(f"{num:,} requests: {found['statuses']}, {found['wrong']} differ")
    return {"connections": CONNECTIONS, "pictures": len(requests), **agreement} | {
        key: found[key]
        for key in ("sent", "statuses", "wrong", "wrong_samples", "failures", "resets")
        + ("goodput", "seconds")
    }


def in_process(files: Sequence[bytes], model: Path) -> list[Prediction]:
    """What the model says of each picture when it is asked alone."""
    experts = load_router(model)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        for file in files:
            path.write_bytes(file)
            found += [one for one in predict_files(experts, [path]) if isinstance(one, Prediction)]
    return found


def _agreement(requests: Sequence[Request], expected: Sequence[Prediction]) -> dict[str, Any]:
    labels, largest = 0, 0.0
    for request, prediction in zip(requests, expected, strict=True):
        (said,) = json.loads(request.expected or b"")["predictions"]
        labels += said["label"] == prediction.label
        gaps = [abs(said["probs"][name] - share) for name, share in prediction.probs.items()]
        largest = max(largest, *gaps)
    return {"labels_as_in_process": labels, "largest_difference_of_probs": largest}
