"""The example pages of Gradio and Streamlit: short, on the public functions, started and asked.

Gradio holds Pillow below 13, so `make pages` runs the last tests in an environment of their own.
"""

import ast
import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

import ankleboot
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.data.load import load_data
from ankleboot.inference.decide import Prediction

EXAMPLES = Path(__file__).parents[2] / "examples"
PAGES = ("gradio_app.py", "streamlit_app.py")
START_S = 120  # a busy machine takes long to import Gradio

needs_gradio = pytest.mark.skipif(not find_spec("gradio"), reason="needs gradio: make pages")
needs_streamlit = pytest.mark.skipif(
    not find_spec("streamlit"), reason="needs streamlit: make pages"
)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_short_and_uses_public_names_alone(name: str) -> None:
    source = (EXAMPLES / name).read_text()
    assert len(source.splitlines()) <= 50
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert not str(node.module).startswith("ankleboot")
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "ankleboot":
            assert node.attr in ankleboot.__all__


def test_the_space_is_the_gradio_page_with_what_hugging_face_asks_for() -> None:
    space = EXAMPLES / "space"
    assert (space / "app.py").read_text() == (EXAMPLES / "gradio_app.py").read_text()
    _, head, _ = (space / "README.md").read_text().split("---\n", 2)
    keys = dict(re.findall(r"^(\w+): (.*)$", head, re.MULTILINE))
    assert {"title", "emoji", "colorFrom", "colorTo", "pinned"} <= set(keys)
    assert (keys["sdk"], keys["app_file"]) == ("gradio", "app.py")
    extras = tomllib.loads((EXAMPLES.parent / "pyproject.toml").read_text())["project"]
    (gradio,) = (need for need in extras["optional-dependencies"]["pages"] if "gradio" in need)
    assert (space / "requirements.txt").read_text().split() == ["ankleboot", gradio]
    assert keys["sdk_version"].startswith(gradio.removeprefix("gradio>="))


def test_the_steps_of_a_photo_lead_to_what_the_model_takes(photo: Path) -> None:
    steps = ankleboot.preprocessing_steps(photo)
    assert steps[0][0] == "photo" and steps[-1][0] == "model input: photo, 224 x 224"
    assert all(pixels.dtype == np.uint8 for _, pixels in steps)
    image = load_data("sample").test.images[0]
    (_, before), (name, after) = ankleboot.preprocessing_steps(image)
    assert name == "model input: 28 x 28"
    np.testing.assert_array_equal(before[..., 0], image)
    np.testing.assert_array_equal(after, image)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A boot on white."""
    test = load_data("sample").test
    boot = test.images[np.flatnonzero(test.labels == CLASS_NAMES.index("Ankle boot"))[0]]
    large = PillowImage.fromarray(255 - boot).resize((280, 280)).convert("RGB")
    path = tmp_path_factory.mktemp("photos") / "boot.png"
    large.save(path)
    return path


@pytest.fixture(scope="module")
def expected(photo: Path) -> Prediction:
    (prediction,) = ankleboot.predict(photo)
    assert isinstance(prediction, Prediction)
    return prediction


def headline(prediction: Prediction) -> str:
    if prediction.abstained:
        return f"Unsure: {prediction.reason}"
    return f"{prediction.label}, {100 * prediction.confidence:.1f} %"


@pytest.fixture(scope="module")
def gradio_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page, started as its first lines tell."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("gradio") / "log"
    settings = {"GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    command = [sys.executable, str(EXAMPLES / "gradio_app.py")]
    with log.open("w") as output:
        process = subprocess.Popen(command, env=os.environ | settings, stdout=output, stderr=output)
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(2 * START_S):
            assert process.poll() is None, log.read_text()
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


@needs_gradio
@pytest.mark.filterwarnings("ignore")  # of the client's own code
def test_the_gradio_page_answers_as_predict_does(
    gradio_address: str, photo: Path, expected: Prediction, tmp_path: Path
) -> None:
    from gradio_client import Client, handle_file
    from gradio_client.exceptions import AppError

    client = Client(gradio_address, verbose=False, download_files=str(tmp_path))
    label, bars, steps = client.predict(handle_file(photo), api_name="/classify")
    assert label == headline(expected)
    shown = {bar["label"]: bar["confidence"] for bar in bars["confidences"]}
    assert shown == pytest.approx(expected.probs)
    names = [name for name, _ in ankleboot.preprocessing_steps(photo)]
    assert [step["caption"] for step in steps] == names
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(AppError, match="cannot identify image"):  # Gradio opens it first
        client.predict(handle_file(tmp_path / "broken.png"), api_name="/classify")


@needs_streamlit
@pytest.mark.filterwarnings("ignore")
def test_the_streamlit_page_answers_as_predict_does(photo: Path, expected: Prediction) -> None:
    from streamlit.testing.v1 import AppTest

    page: Any = AppTest.from_file(str(EXAMPLES / "streamlit_app.py"), default_timeout=START_S).run()
    assert not page.exception and page.title[0].value == "Ankleboot"
    page.file_uploader[0].set_value(("boot.png", photo.read_bytes(), "image/png")).run()
    assert not page.exception
    (message,) = page.warning if expected.abstained else page.success
    assert message.value == headline(expected)
    bars = [bar.proto.text for bar in page.get("progress")]
    best = sorted(expected.probs, key=lambda label: -expected.probs[label])
    assert [text.rpartition(":")[0] for text in bars] == best[:10]
    steps = ankleboot.preprocessing_steps(photo)
    assert len(page.get("image")) == len(steps)
    page.file_uploader[0].set_value(("a.png", b"no image", "image/png")).run()
    assert "not an image of a known format" in page.error[0].value
