"""Promise of the predictions: at once or alone, an image gets the same answer."""

import random
from typing import Any

import numpy as np
from PIL import Image

import ankleboot
from ankleboot.data.load import load_data
from helpers.server import Server, running_server, send
from soak.fuzz.seeds import encoded
from soak.promise import Cases, Outcome, Promise
from soak.threads import Work, run_in_threads

NUM_CALLERS, NUM_CLIENTS = 8, 16
NUM_IMAGES = 200


def check(cases: Cases) -> Outcome:
    """Predict with one predictor in many threads, beside requests to one server."""
    images = load_data("sample").test.images[:NUM_IMAGES]
    predictor = ankleboot.load_predictor("pretrained")
    alone = [predictor.predict(image[None]) for image in images]

    def call(_: int, chance: random.Random) -> str:
        image = chance.randrange(NUM_IMAGES)
        is_equal = np.array_equal(predictor.predict(images[image][None]), alone[image])
        return "" if is_equal else f"image {image} gets another answer than alone"

    with running_server("--workers", "2", "--log", "off") as server:
        contents = [encoded(Image.fromarray(image), "PNG") for image in images]
        served = [server.post(content).json["predictions"] for content in contents]
        workers: list[tuple[str, Work]] = [("calls", call)] * NUM_CALLERS
        workers += [("requests", _client(server, contents, served)) for _ in range(NUM_CLIENTS)]
        return run_in_threads(cases, workers)


def _client(server: Server, contents: list[bytes], expected: list[Any]) -> Work:
    """Return a function that sends an image on a connection that stays open."""
    client = server.client()

    def request(_: int, chance: random.Random) -> str:
        image = chance.randrange(NUM_IMAGES)
        response = send(client, "POST", "/v1/predict", contents[image], content_type="image/png")
        if response.status != 200:
            return f"status {response.status}: {response.body!r}"
        is_equal = response.json["predictions"] == expected[image]
        return "" if is_equal else f"image {image} gets another answer than alone"

    return request


CONCURRENCY = Promise(
    "concurrency",
    "predictions at once, by threads and requests, equal to those alone",
    check,
    weight=1,
    goal=100_000,
    short_goal=2_000,
    limit=100_000,
)
