import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.data.load import load_data
from ankleboot.inference.router import load_router
from ankleboot.models.pretrained import catalog
from helpers.forms import png
from helpers.server import Server, running_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server("--log", "off") as server:
        yield server


def test_an_image_is_predicted(server: Server) -> None:
    image = load_data("sample").test.images[0]
    response = server.post(png(image))
    assert response.status == 200 and response.headers["content-type"] == "application/json"
    (prediction,) = response.json["predictions"]
    expected = load_router(Path("pretrained")).default.predict(image[None])[0]
    assert prediction["probs"] == dict(zip(CLASS_NAMES, map(float, expected), strict=True))


def test_models_are_described_with_their_metrics(server: Server) -> None:
    response = server.get("/v1/model")
    document = response.json
    assert response.status == 200 and document["default"] == "pretrained"
    assert [model["name"] for model in document["models"]] == ["pretrained", "zero-shot"]
    shipped = document["models"][0]
    stored = json.loads((catalog.FOLDER / "evaluation-test.json").read_text())
    assert shipped["metrics"]["test"]["accuracy"] == stored["accuracy"]
    assert shipped["classes"] == list(CLASS_NAMES) and shipped["card"].startswith("#")
    assert shipped["photo"]["declined"] == ["hat", "shorts", "skirt", "bodysuit"]


def test_the_described_number_of_pixels_is_that_of_the_decoder(server: Server) -> None:
    max_pixels = server.get("/v1/model").json["limits"]["pixels"]
    image = png(np.zeros((max_pixels // 5_000 + 1, 5_000), np.uint8))
    response = server.post(image)
    assert response.status == 413 and f"{max_pixels:,}" in response.body.decode()


def test_another_model_is_selected_by_its_name(server: Server) -> None:
    image = png(load_data("sample").test.images[3])
    documents = [
        server.post(image, path=f"/v1/predict?model={model}").json
        for model in ("pretrained", "zero-shot")
    ]
    assert [document["model"] for document in documents] == ["pretrained", "zero-shot"]
    first, second = (document["predictions"][0]["probs"] for document in documents)
    assert first != second


def test_every_prediction_names_its_model_and_so_do_the_metrics(server: Server) -> None:
    photo = png(np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8))
    described = {model["name"]: model for model in server.get("/v1/model").json["models"]}
    own = described["pretrained"]
    cases = [
        (png(load_data("sample").test.images[3]), "pretrained", own),
        (png(load_data("sample").test.images[3]), "zero-shot", described["zero-shot"]),
        (photo, "pretrained", own["photo"]),  # a second model predicts photos
    ]
    assert len({model["sha256"] for *_, model in cases}) == 3
    for image, name, model in cases:
        (prediction,) = server.post(image, path=f"/v1/predict?model={name}").json["predictions"]
        assert prediction["model_sha256"] == model["sha256"]
    server.post(b"x", path="/v1/predict?model=<script>")
    text = server.get("/metrics").body.decode()
    for name in described:
        label = f'{{model="{name}",route="/v1/predict",status="200"}}'
        assert f"ankleboot_requests_total{label}" in text
        assert f'ankleboot_request_seconds_count{{model="{name}",route="/v1/predict"}}' in text
    assert "<script>" not in text


def test_an_unknown_model_is_an_error_that_names_the_models(server: Server) -> None:
    response = server.post(b"x", path="/v1/predict?model=other")
    assert (response.status, response.code) == (422, "bad_request")
    assert "pretrained, zero-shot" in response.json["error"]["message"]


def test_the_page_and_its_files_are_served_with_their_types(server: Server) -> None:
    page = server.get("/")
    assert page.status == 200 and page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert b"<script" in page.body
    assert server.get("/", if_none_match=page.headers["etag"]).status == 304
    samples = server.get("/samples.png")
    assert Image.open(io.BytesIO(samples.body)).size == (20 * 28, 28)
    assert samples.headers["content-type"] == "image/png"


def test_health_readiness_and_metrics(server: Server) -> None:
    assert server.get("/healthz").status == 200
    assert server.get("/readyz").json["status"] == "ready"
    server.get("/v1/model")
    server.get("/../../etc/passwd")
    text = server.get("/metrics").body.decode()
    assert 'ankleboot_requests_total{model="",route="/v1/model",status="200"}' in text
    assert 'ankleboot_requests_total{model="",route="none",status="404"}' in text
    assert "passwd" not in text and "ankleboot_workers_ready" in text


def test_the_documented_example_works(server: Server) -> None:
    paths = server.get("/openapi.json").json["paths"]
    content = paths["/v1/predict"]["post"]["requestBody"]["content"]
    example = json.dumps(content["application/json"]["example"]).encode()
    response = server.post(example, "application/json")
    assert response.status == 200
    assert response.json["predictions"][0]["label"] == "Ankle boot"


def test_every_response_has_an_id_and_keeps_that_of_the_client(server: Server) -> None:
    assert server.get("/healthz", x_request_id="mine-7").headers["x-request-id"] == "mine-7"
    response = server.get("/healthz", x_request_id="a b<script>")
    assert response.headers["x-request-id"].isalnum()


def test_the_api_key_protects_the_api_and_no_page_is_404() -> None:
    with running_server("--log", "off", "--no-page", ANKLEBOOT_API_KEY="open sesame") as server:
        for response in (server.get("/v1/model"), server.get("/metrics"), server.post(b"")):
            assert (response.status, response.code) == (401, "unauthorized")
            assert response.headers["www-authenticate"] == "Bearer"
        assert server.get("/v1/model", authorization="Bearer open").status == 401
        assert server.get("/v1/model", authorization="Bearer open sesame").status == 200
        assert server.get("/healthz").status == 200
        assert server.get("/").status == 404


def test_a_client_beyond_its_rate_gets_429_and_retry_after() -> None:
    with running_server("--log", "off", "--rate-limit", "1", "--workers", "1") as server:
        responses = [server.get("/v1/model") for _ in range(4)]
        assert [response.status for response in responses] == [200, 200, 429, 429]
        assert responses[-1].headers["retry-after"] == "1"
