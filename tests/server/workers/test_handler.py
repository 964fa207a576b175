import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from ankleboot.cli.main import cli
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.data.load import load_data
from ankleboot.data.preprocessing.segmentation import MAX_SEPARATE
from ankleboot.inference.router import ModelRouter, load_router
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.server.config import ServerConfig
from ankleboot.server.schemas import SCHEMAS
from ankleboot.server.workers import handler as handler_module
from ankleboot.server.workers.handler import InferenceHandler, InferenceRequest
from helpers.forms import form, png
from helpers.images import garments_apart
from helpers.predictors import FakePredictor


@pytest.fixture(scope="module")
def handler() -> InferenceHandler:
    return InferenceHandler({"pretrained": load_router(Path("pretrained"))}, ServerConfig())


def respond(
    handler: InferenceHandler, *bodies: tuple[str, bytes], kind: str = "predict"
) -> list[Any]:
    """Return the status and the document of each body."""
    replies = handler.respond([InferenceRequest(kind, "pretrained", *body) for body in bodies])
    assert not any(reply.trace for reply in replies), replies[0].trace
    return [(reply.status, json.loads(reply.body)) for reply in replies]


def test_a_phone_photo_of_48_megapixels_is_labeled(handler: InferenceHandler) -> None:
    """Case 15: JPEG is decoded at a fraction of its size; other formats are not."""
    photo = io.BytesIO()
    Image.new("L", (8_000, 6_000), 200).save(photo, "JPEG")
    ((status, document),) = respond(handler, ("image/jpeg", photo.getvalue()))
    assert status == 200 and len(document["predictions"]) == 1


def test_an_unreadable_image_does_not_affect_the_others(handler: InferenceHandler) -> None:
    good = png(load_data("sample").test.images[0])
    ((status, document),) = respond(
        handler, form(("a.png", "image/png", good), ("b.png", "image/png", b"not an image"))
    )
    assert status == 200
    first, second = document["predictions"]
    assert first["name"] == "a.png" and first["label"] in CLASS_NAMES
    assert second["name"] == "b.png" and second["error"]["code"] == "not_a_picture"


def test_several_garments_on_a_photo_have_boxes_as_the_schema_describes() -> None:
    several = garments_apart((0, 1))[0]
    info = ModelMetadata(labels=CLASS_NAMES, crop="garment")
    probs = np.full((2, 10), 0.01, np.float32)
    probs[:, 4] = 0.91
    router = ModelRouter(FakePredictor(probs, info))
    handler = InferenceHandler({"pretrained": router}, ServerConfig())
    ((status, document),) = respond(handler, ("image/png", png(several)))
    [prediction] = document["predictions"]
    assert status == 200 and prediction["cause"] == "several"
    assert set(prediction) == set(SCHEMAS["Prediction"]["required"])
    assert [garment["label"] for garment in prediction["garments"]] == ["Coat", "Coat"]
    for garment in prediction["garments"]:
        assert set(garment) == set(SCHEMAS["GarmentPrediction"]["required"])
        assert set(garment["box"]) == set(SCHEMAS["Box"]["required"])
    assert SCHEMAS["Prediction"]["properties"]["garments"]["maxItems"] == MAX_SEPARATE


def test_batched_requests_get_the_responses_of_single_ones(handler: InferenceHandler) -> None:
    bodies = [("image/png", png(image)) for image in load_data("sample").test.images[:40]]
    bodies[7] = ("image/png", b"not an image")
    bodies[11] = ("text/plain", b"")
    batched = respond(handler, *bodies)
    assert batched == [respond(handler, body)[0] for body in bodies]
    assert [status for status, _ in batched[7:12]] == [422, 200, 200, 200, 415]


def test_the_prediction_is_that_of_the_command(handler: InferenceHandler, tmp_path: Path) -> None:
    paths = []
    for i, image in enumerate(load_data("sample").test.images[:5]):
        (tmp_path / f"{i}.png").write_bytes(png(image))
        paths.append(str(tmp_path / f"{i}.png"))
    lines = CliRunner().invoke(cli, ["predict", "--json", *paths]).stdout.splitlines()
    for path, line in zip(paths, lines, strict=True):
        expected = json.loads(line)
        ((_, document),) = respond(handler, ("image/png", Path(path).read_bytes()))
        (prediction,) = document["predictions"]
        del expected["path"], expected["passes"]
        sha256 = load_router(Path("pretrained")).default.info.model_sha256
        assert prediction == {"name": None, "model_sha256": sha256} | expected


def garment_photo() -> bytes:
    """Return a light shape like a shirt on an uneven dark background."""
    photo = np.random.default_rng(0).integers(0, 40, (300, 240, 3), dtype=np.uint8)
    photo[:, :, 2] += np.linspace(0, 90, 240).astype(np.uint8)
    photo[60:260, 70:170] = (210, 200, 190)
    photo[70:130, 30:210] = (205, 198, 190)
    return png(photo)


def decode(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


def test_an_explanation_shows_every_preprocessing_step(handler: InferenceHandler) -> None:
    ((status, document),) = respond(handler, ("image/png", garment_photo()), kind="explain")
    assert status == 200
    names = [step["name"] for step in document["steps"]]
    inputs = ["model input: garment, 224 x 224", "model input: photo, 224 x 224"]
    assert names == ["photo", "garment found", *inputs]
    overlay = decode(document["overlay"]["png"])
    assert (overlay.mode, overlay.size) == ("RGBA", (224, 448))
    assert decode(document["input"]).size == overlay.size
    assert decode(document["small"]).size == (28, 28)
    correlations = [neighbor["likeness"] for neighbor in document["neighbours"]]
    assert len(correlations) == 5 and correlations == sorted(correlations, reverse=True)


def test_a_training_image_is_its_own_nearest_neighbor(handler: InferenceHandler) -> None:
    image = load_data("sample").train.images[123]
    ((_, document),) = respond(handler, ("image/png", png(image)), kind="explain")
    nearest = document["neighbours"][0]
    assert nearest["likeness"] == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(np.asarray(decode(nearest["png"])), image)


def test_an_explanation_takes_only_one_image(handler: InferenceHandler) -> None:
    two = form(("a.png", "image/png", b"x"), ("b.png", "image/png", b"x"))
    ((status, document),) = respond(handler, two, kind="explain")
    assert (status, document["error"]["code"]) == (413, "too_many")


def test_images_that_take_too_long_are_rejected() -> None:
    config = ServerConfig(request_timeout_s=0.0)
    handler = InferenceHandler({"pretrained": load_router(Path("pretrained"))}, config)
    image = png(load_data("sample").test.images[0])
    ((status, document),) = respond(handler, form(*[("a.png", "image/png", image)] * 3))
    assert (status, document["error"]["code"]) == (413, "too_slow")


class FailingPredictor:
    """Model that fails for images of sevens."""

    name, info = "failing", ModelMetadata()

    def predict(self, images: np.ndarray) -> np.ndarray:
        if (images == 7).all(axis=(1, 2)).any():
            raise RuntimeError("seven")
        return np.eye(10, dtype=np.float32)[[3] * len(images)]


def test_a_fault_in_one_request_is_reported_and_the_others_get_responses() -> None:
    handler = InferenceHandler({"pretrained": ModelRouter(FailingPredictor())}, ServerConfig())
    good, bad = (png(np.full((28, 28), value, np.uint8)) for value in (9, 7))
    replies = handler.respond(
        [InferenceRequest("predict", "pretrained", "image/png", body) for body in (good, bad, good)]
    )
    assert [reply.status for reply in replies] == [200, 500, 200]
    assert "seven" in replies[1].trace and b"seven" not in replies[1].body


def test_a_late_image_of_the_open_protocol_keeps_nothing_of_its_request() -> None:
    """One error object stands for all late images; raised, it would hold the last frame."""
    late = InferenceHandler(
        {"pretrained": load_router(Path("pretrained"))}, ServerConfig(request_timeout_s=0.0)
    )
    image = base64.b64encode(png(load_data("sample").test.images[0])).decode()
    tensor = {"name": "images", "datatype": "BYTES", "shape": [1], "data": [image]}
    body = ("application/json", json.dumps({"inputs": [tensor]}).encode())
    ((status, document),) = respond(late, body, kind="infer")
    assert status == 413 and isinstance(document["error"], str)
    assert handler_module._TOO_SLOW.__traceback__ is None
