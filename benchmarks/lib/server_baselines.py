"""Servers as in tutorials, around the shipped model: the baselines of `bench.py serve`.

    python -m lib.server_baselines fastapi-keras 8000

They are tuned neither for speed nor against it. They need TensorFlow, gradio its package.
"""

import base64
import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from PIL import Image

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.models.pretrained import catalog
from lib.load_spec import HOST, LoadRequest
from lib.payloads import multipart


def fastapi_keras(port: int) -> None:
    """Serve a FastAPI endpoint that opens the upload with Pillow and calls `model.predict`."""
    import uvicorn
    from fastapi import FastAPI, File, UploadFile

    app, model = FastAPI(), _model()

    @app.post("/predict")
    async def predict(file: Annotated[UploadFile, File()]) -> dict[str, Any]:
        probs = _predict(model, Image.open(io.BytesIO(await file.read())))
        index = int(np.argmax(probs))
        return {"label": CLASS_NAMES[index], "confidence": float(probs[index])}

    uvicorn.run(app, host=HOST, port=port, log_level="warning")


def gradio(port: int) -> None:
    """Serve `gr.Interface` from an image to labels, as in the guides of Gradio."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr

    model = _model()

    def predict(image: Image.Image) -> dict[str, float]:
        return dict(zip(CLASS_NAMES, map(float, _predict(model, image)), strict=True))

    demo = gr.Interface(fn=predict, inputs=gr.Image(type="pil"), outputs=gr.Label())
    demo.launch(server_name=HOST, server_port=port, quiet=True)


def _model() -> Any:
    import keras

    return keras.models.load_model(catalog.FOLDER / "model.keras")


def _predict(model: Any, image: Image.Image) -> np.ndarray:
    inputs = np.array(image.convert("L").resize((28, 28))) / 255.0
    probs: np.ndarray = model.predict(inputs.reshape(1, 28, 28, 1), verbose=0)[0]
    return probs


def _fastapi_request(png: bytes) -> LoadRequest:
    return LoadRequest("/predict", *multipart([("file", "image.png", "image/png", png)]))


def _gradio_request(png: bytes) -> LoadRequest:
    """Return the cheapest request of Gradio: no prior upload, no queue, no event stream."""
    url = "data:image/png;base64," + base64.b64encode(png).decode()
    body = json.dumps({"data": [{"url": url}]}).encode()
    return LoadRequest("/gradio_api/run/predict", "application/json", body)


@dataclass(frozen=True)
class ServerBaseline:
    """A server to compare with.

    Attributes:
        serve: Function that serves on a port until the process is stopped.
        request: Function from a PNG file to a request.
        label: Function from a response to the predicted label.
        required_modules: Modules that the server imports.
    """

    serve: Callable[[int], None]
    request: Callable[[bytes], LoadRequest]
    label: Callable[[Any], str]
    required_modules: tuple[str, ...]


SERVER_BASELINES = {
    "fastapi-keras": ServerBaseline(
        fastapi_keras,
        _fastapi_request,
        lambda response: str(response["label"]),
        ("fastapi", "uvicorn", "multipart", "keras", "tensorflow"),
    ),
    "gradio": ServerBaseline(
        gradio,
        _gradio_request,
        lambda response: str(response["data"][0]["label"]),
        ("gradio", "keras", "tensorflow"),
    ),
}
"""Baselines by the names of `bench.py serve --only`."""


if __name__ == "__main__":
    SERVER_BASELINES[sys.argv[1]].serve(int(sys.argv[2]))
