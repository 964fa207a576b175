"""The server keeps to /openapi.json, and to nothing less: schemathesis makes requests of it.

The real server in a process of its own. 503 is the one answer above 499 that is planned, and here
nothing is so loaded that it comes.
"""

import base64
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import schemathesis
from hypothesis import strategies as st
from PIL import Image
from schemathesis.engine import Status, events, from_schema

from ankleboot.server.body_parser import TYPES
from helpers.server import Server, served

pytestmark = pytest.mark.adversarial


def picture(size: tuple[int, int], seed: int, format: str) -> bytes:
    shape = size if size == GARMENT else (*size, 3)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format)
    return content.getvalue()


REFUSED = ["400", "405", "413", "415", "422"]  # what is not as the schema says, is so; never 5xx
GARMENT = (28, 28)  # grey; photographs are another model's, which takes a while to be explained
SIZES = st.sampled_from([GARMENT] * 9 + [(1, 1), (9, 40)])


def pictures(*formats: str) -> st.SearchStrategy[bytes]:
    """Files that can be decoded, which no schema describes."""
    return st.builds(picture, SIZES, st.integers(0, 9), st.sampled_from(formats))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served("--workers", "2", "--log", "json") as one:
        one.until_all(2)
        workers = one.workers()
        yield one
        assert one.workers() == workers
        assert not [line for line in one.events() if "fault" in line["event"]]


@pytest.fixture(scope="module", autouse=True)
def _strategies() -> Iterator[None]:
    """What files are made of; schemathesis keeps this for the process."""
    as_text = pictures("PNG").map(lambda one: base64.b64encode(one).decode())
    schemathesis.openapi.format("binary", pictures("PNG"))
    schemathesis.openapi.format("byte", as_text)
    for media_type, format in TYPES.items():
        schemathesis.openapi.media_type(media_type, pictures(format))
    yield


@dataclass
class Found:
    """What came of it.

    Attributes:
        tried: Requests, by operation.
        failures: What was not as it should be, in words.
    """

    tried: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def run(server: Server, examples: int, **generation: Any) -> Found:
    """Every operation: its examples, corner cases, and this many random requests."""
    config = schemathesis.Config.from_dict(
        {
            "seed": 1,
            "generation": {"max-examples": examples, "database": "none"} | generation,
            "checks": {"negative_data_rejection": {"expected-statuses": REFUSED}},
            "phases": {"stateful": {"enabled": False}},
            "continue-on-failure": True,
        }
    )
    url = f"{server.document['url']}/openapi.json"
    schema = schemathesis.openapi.from_url(url, config=config)
    found = Found()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            found.failures.append(str(event.__dict__ if hasattr(event, "__dict__") else event))
        if isinstance(event, events.ScenarioFinished):
            found.tried[str(event.label)] += len(event.recorder.cases)
            for checks in event.recorder.checks.values():
                found.failures += [_words(one) for one in checks if one.status == Status.FAILURE]
    return found


def _words(check: Any) -> str:
    failure = check.failure_info.failure
    return f"{check.name} {failure.operation}: {failure.message}\n{check.failure_info.code_sample}"


def test_every_answer_is_as_the_schema_says(server: Server) -> None:
    found = run(server, 25, deterministic=True)
    assert not found.failures, "\n\n".join(found.failures[:5])
    assert len(found.tried) == 6 and found.tried["POST /v1/predict"] > 50


@pytest.mark.slow
def test_every_one_of_thousands_of_answers_is_as_the_schema_says(server: Server) -> None:
    found = run(server, 1_000)
    assert not found.failures, "\n\n".join(found.failures[:5])
    assert found.tried["POST /v1/predict"] > 1_000
