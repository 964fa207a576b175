"""Requests that schemathesis generates from /openapi.json: every response is as described.

503 is the only planned status above 499, and no test loads the server enough for it.
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

from ankleboot.server import open_inference
from ankleboot.server.body_parser import IMAGE_TYPES
from ankleboot.server.config import ServerConfig
from ankleboot.server.routes import ROUTES
from ankleboot.server.schemas import openapi_document
from helpers.server import Server, running_server

REJECTED = ["400", "405", "413", "415", "422"]  # for requests that violate the schema; never 5xx
GARMENT_SIZE = (28, 28)  # gray; the explanation of a photo takes a few seconds
SIZES = st.sampled_from([GARMENT_SIZE] * 9 + [(1, 1), (9, 40)])

adversarial = pytest.mark.adversarial


def image_file(size: tuple[int, int], seed: int, format: str) -> bytes:
    shape = size if size == GARMENT_SIZE else (*size, 3)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format)
    return content.getvalue()


def image_files(format: str) -> st.SearchStrategy[bytes]:
    """Return a strategy of valid image files, which no schema can describe."""
    return st.builds(image_file, SIZES, st.integers(0, 9), st.just(format))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server("--workers", "2", "--timeout", "60", "--log", "json") as server:
        server.wait_for_workers(2)
        workers = server.worker_pids()
        yield server
        assert server.worker_pids() == workers
        assert not [event for event in server.events() if "fault" in event["event"]]


@pytest.fixture(scope="module")
def _image_strategies() -> None:
    """Register the strategies with schemathesis, which keeps them for the process."""
    as_base64 = image_files("PNG").map(lambda content: base64.b64encode(content).decode())
    schemathesis.openapi.format("binary", image_files("PNG"))
    schemathesis.openapi.format("byte", as_base64)
    for media_type, format in IMAGE_TYPES.items():
        schemathesis.openapi.media_type(media_type, image_files(format))


@dataclass
class FuzzResult:
    """Result of a run of schemathesis.

    Attributes:
        num_requests: Number of requests by operation.
        failures: Descriptions of responses that violate the schema.
    """

    num_requests: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def fuzz(
    server: Server,
    max_examples: int,
    checks: dict[str, Any] | None = None,
    paths: str = "^/",
    **generation: Any,
) -> FuzzResult:
    """Send the examples, corner cases and random requests for every operation."""
    config = schemathesis.Config.from_dict(
        {
            "seed": 1,
            "generation": {"max-examples": max_examples, "database": "none"} | generation,
            "checks": checks or {"negative_data_rejection": {"expected-statuses": REJECTED}},
            "phases": {"stateful": {"enabled": False}},
            "continue-on-failure": True,
        }
    )
    url = f"{server.document['url']}/openapi.json"
    schema = schemathesis.openapi.from_url(url, config=config).include(path_regex=paths)
    result = FuzzResult()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            result.failures.append(str(event.__dict__ if hasattr(event, "__dict__") else event))
        if isinstance(event, events.ScenarioFinished):
            result.num_requests[str(event.label)] += len(event.recorder.cases)
            result.failures += [
                describe(check)
                for checks in event.recorder.checks.values()
                for check in checks
                if check.status == Status.FAILURE
            ]
    return result


def describe(check: Any) -> str:
    failure = check.failure_info.failure
    return f"{check.name} {failure.operation}: {failure.message}\n{check.failure_info.code_sample}"


@adversarial
@pytest.mark.usefixtures("_image_strategies")
def test_every_response_matches_the_schema(server: Server) -> None:
    result = fuzz(server, 25, deterministic=True)
    assert not result.failures, "\n\n".join(result.failures[:5])
    assert len(result.num_requests) == 6 and result.num_requests["POST /v1/predict"] > 50


@adversarial
@pytest.mark.slow
@pytest.mark.usefixtures("_image_strategies")
def test_every_one_of_thousands_of_responses_matches_the_schema(server: Server) -> None:
    result = fuzz(server, 1_000)
    assert not result.failures, "\n\n".join(result.failures[:5])
    assert result.num_requests["POST /v1/predict"] > 1_000


@adversarial
def test_every_response_of_the_open_inference_protocol_matches_the_schema() -> None:
    """No schema can say which data fit a shape, so a valid request may get 413 or 422."""
    checks = {
        "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "413", "422"]},
        "negative_data_rejection": {"expected-statuses": [*REJECTED, "404"]},
    }
    options = (
        "--workers",
        "1",
        "--timeout",
        "60",
        "--log",
        "json",
        "--v2",
        "--model",
        "pretrained",
    )
    with running_server(*options) as server:
        result = fuzz(server, 15, checks, "^/v2", deterministic=True)
        assert not [event for event in server.events() if "fault" in event["event"]]
    assert not result.failures, "\n\n".join(result.failures[:5])
    assert result.num_requests["POST /v2/models/{model}/infer"] > 20


def test_the_document_describes_every_route() -> None:
    paths = openapi_document(ServerConfig(), ["pretrained"])["paths"]
    described = {(path, method.upper()) for path in paths for method in paths[path]}
    routes = {(path, method) for path, methods in ROUTES.items() for method in methods}
    assert described == {route for route in routes if route[1] != "HEAD"} - {
        ("/openapi.json", "GET")
    }


def test_the_document_describes_every_route_of_the_open_inference_protocol() -> None:
    plain = openapi_document(ServerConfig(), ["a", "b"])
    document = openapi_document(ServerConfig(v2=True), ["a", "b"])
    paths = document["paths"].keys() - plain["paths"].keys()
    expected = set(open_inference.ROUTES)
    for prefix in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        expected |= {prefix + end for end in open_inference.MODEL_ROUTES}
    assert paths == expected
    for path in paths:
        template, _, routes = open_inference.find(path.format(model="a", version="1"))
        assert template == path and routes is not None
        described = {method.upper() for method in document["paths"][path]}
        assert described == routes.keys() - {"HEAD"}


def test_401_is_described_only_for_a_server_with_an_api_key() -> None:
    for api_key, is_described in (("key", True), (None, False)):
        document = openapi_document(ServerConfig(api_key=api_key), ["pretrained"])
        responses = document["paths"]["/v1/predict"]["post"]["responses"]
        assert ("401" in responses) == is_described
