"""The open inference protocol, against its specification and the answers of our own routes."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from ankleboot.data.load import load_data
from helpers.forms import png
from helpers.server import Server, running_server

IMAGES = load_data("sample").test.images[:5]
MODEL = "/v2/models/pretrained"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server("--log", "off", "--v2", "--workers", "1") as server:
        yield server


@pytest.fixture(scope="module")
def expected(server: Server) -> list[Any]:
    """Predictions of our own route."""
    files = [base64.b64encode(png(image)).decode() for image in IMAGES]
    document = server.post(json.dumps({"images": files}).encode(), "application/json").json
    predictions: list[Any] = document["predictions"]
    return predictions


def infer(server: Server, document: dict[str, Any], path: str = f"{MODEL}/infer") -> Any:
    return server.post(json.dumps(document).encode(), "application/json", path)


def tensor(datatype: str) -> dict[str, Any]:
    """Return the images in a datatype."""
    shape = [len(IMAGES), 28, 28, 1]
    if datatype == "BYTES":
        shape, data = shape[:1], [base64.b64encode(png(image)).decode() for image in IMAGES]
    else:
        values: Any = IMAGES if datatype == "UINT8" else (IMAGES / 255).astype(np.float32)
        data = values.ravel().tolist()
    return {"name": "images", "shape": shape, "datatype": datatype, "data": data}


@pytest.mark.parametrize("datatype", ["UINT8", "FP32", "BYTES"])
def test_predictions_are_those_of_our_own_route(
    server: Server, expected: list[Any], datatype: str
) -> None:
    response = infer(server, {"id": "a-7", "inputs": [tensor(datatype)]})
    assert response.status == 200, response.body
    document = response.json
    assert document["id"] == "a-7" and document["model_name"] == "pretrained"
    outputs = {output["name"]: output for output in document["outputs"]}
    described = server.get(MODEL).json["outputs"]
    for output in described:  # the metadata say the truth
        actual = outputs.pop(output["name"])
        assert actual["datatype"] == output["datatype"]
        assert actual["shape"] == [len(IMAGES), *output["shape"][1:]]
        assert len(actual["data"]) == np.prod(actual["shape"])
        data = np.reshape(actual["data"], actual["shape"]).tolist()
        key = {"probs": lambda p: list(p["probs"].values())}.get(
            output["name"], lambda p, name=output["name"]: p[name]
        )
        assert data == [key(prediction) for prediction in expected]
    assert not outputs


def test_the_documents_are_those_of_the_specification(server: Server) -> None:
    metadata = server.get("/v2").json
    assert metadata == server.get("/v2/").json and metadata.keys() == {
        "name",
        "version",
        "extensions",
    }
    assert server.get("/v2/health/live").json == {"live": True}
    assert server.get("/v2/health/ready").json == {"ready": True}
    assert server.get(f"{MODEL}/ready").json == {"name": "pretrained", "ready": True}
    model = server.get(MODEL).json
    assert model["name"] == "pretrained" and model["platform"] == "litert_flatbuffer"
    assert model["inputs"] == [{"name": "images", "datatype": "UINT8", "shape": [-1, 28, 28, 1]}]
    for described in (*model["inputs"], *model["outputs"]):
        assert described.keys() == {"name", "datatype", "shape"}
        assert all(type(size) is int for size in described["shape"])


def test_a_version_is_the_hash_of_the_model_and_no_other_answers(server: Server) -> None:
    (version,) = server.get(MODEL).json["versions"]
    assert version == server.get("/v1/model").json["models"][0]["sha256"]
    document = {"inputs": [tensor("UINT8")], "outputs": [{"name": "label"}]}
    for end in ("", "/ready"):
        assert server.get(f"{MODEL}/versions/{version}{end}").status == 200
        assert server.get(f"{MODEL}/versions/1{end}").status == 404
    right = infer(server, document, f"{MODEL}/versions/{version}/infer")
    assert right.json["model_version"] == version
    assert [output["name"] for output in right.json["outputs"]] == ["label"]
    assert infer(server, document, f"{MODEL}/versions/1/infer").status == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("GET", "/v2/models/other", None, {}, 404),
        ("GET", "/v2/models/pretrained/other", None, {}, 404),
        ("GET", "/v2/models/%2e%2e/ready", None, {}, 404),
        ("GET", "/v2/nothing", None, {}, 404),
        ("POST", "/v2/health/live", b"{}", {}, 405),
        ("GET", f"{MODEL}/infer", None, {}, 405),
        ("POST", f"{MODEL}/infer", b"{", {}, 400),
        ("POST", f"{MODEL}/infer", b'{"inputs": []}', {}, 422),
        ("POST", f"{MODEL}/infer", b"{}", {"content-type": "application/octet-stream"}, 415),
        ("POST", f"{MODEL}/infer", b"{}", {"inference-header-content-length": "2"}, 415),
        ("GET", "/v2", None, {"host": "evil.example"}, 400),
    ],
)
def test_an_error_has_the_form_of_the_protocol(
    server: Server, method: str, path: str, body: bytes | None, headers: dict[str, str], status: int
) -> None:
    response = server.request(method, path, body, **headers)
    assert response.status == status
    assert response.json.keys() == {"error"} and isinstance(response.json["error"], str)


def test_a_damaged_image_fails_the_request_and_is_named(server: Server) -> None:
    damaged = tensor("BYTES")
    damaged["data"][3] = "AAAA"
    response = infer(server, {"inputs": [damaged]})
    assert response.status == 422 and isinstance(response.json["error"], str)
    damaged["data"][3] = "not base64"
    assert "images[3]" in infer(server, {"inputs": [damaged]}).json["error"]


def test_the_metrics_have_templates_for_paths_and_models_for_labels(server: Server) -> None:
    infer(server, {"inputs": [tensor("UINT8")]})
    server.get("/v2/models/from-a-client")
    text = server.get("/metrics").body.decode()
    assert 'model="pretrained",route="/v2/models/{model}/infer",status="200"' in text
    assert "from-a-client" not in text


def test_the_checks_of_all_routes_hold_and_probes_need_no_key() -> None:
    options = ("--log", "off", "--v2", "--workers", "1", "--max-body", "2000")
    with running_server(*options, ANKLEBOOT_API_KEY="key") as server:
        for path in ("/v2/health/live", "/v2/health/ready", "/v2"):
            assert server.get(path).status == 200
        for response in (server.get(MODEL), infer(server, {"inputs": [tensor("UINT8")]})):
            assert response.status == 401 and isinstance(response.json["error"], str)
        allowed = {"authorization": "Bearer key"}
        assert server.get(MODEL, **allowed).status == 200
        body = json.dumps({"inputs": [tensor("UINT8")]}).encode()
        response = server.post(body, "application/json", f"{MODEL}/infer", **allowed)
        assert response.status == 413 and isinstance(response.json["error"], str)
    with running_server("--log", "off", "--v2", "--workers", "1", "--rate-limit", "1") as server:
        assert [server.get(MODEL).status for _ in range(3)] == [200, 200, 429]


def test_without_the_option_nothing_has_these_paths() -> None:
    with running_server("--log", "off", "--workers", "1") as server:
        assert (server.get("/v2").status, server.get("/v2").code) == (404, "not_found")
        assert "/v2" not in server.get("/openapi.json").json["paths"]
