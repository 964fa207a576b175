"""Demos as tutorials write them, around the same model: whom `bench serve` measures us beside.

    python -m lib.peers fastapi-keras 8000

Nothing is done for speed here and nothing against it. They need TensorFlow, gradio its package.
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
from lib.load import HOST, Request
from lib.payloads import multipart


def fastapi_keras(port: int) -> None:
    """A FastAPI endpoint that opens the upload with Pillow and calls `model.predict`."""
    import uvicorn
    from fastapi import FastAPI, File, UploadFile

    app, model = FastAPI(), _model()

    @app.post("/predict")
    async def predict(file: Annotated[UploadFile, File()]) -> dict[str, Any]:
        shares = _shares(model, Image.open(io.BytesIO(await file.read())))
        index = int(np.argmax(shares))
        return {"label": CLASS_NAMES[index], "confidence": float(shares[index])}

    uvicorn.run(app, host=HOST, port=port, log_level="warning")


def gradio(port: int) -> None:
    """`gr.Interface` from a picture to labels, as in Gradio's own guides."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr

    model = _model()

    def predict(picture: Image.Image) -> dict[str, float]:
        return dict(zip(CLASS_NAMES, map(float, _shares(model, picture)), strict=True))

    demo = gr.Interface(fn=predict, inputs=gr.Image(type="pil"), outputs=gr.Label())
    demo.launch(server_name=HOST, server_port=port, quiet=True)


def _model() -> Any:
    import keras

    return keras.models.load_model(catalog.FOLDER / "model.keras")


def _shares(model: Any, picture: Image.Image) -> np.ndarray:
    inputs = np.array(picture.convert("L").resize((28, 28))) / 255.0
    answer: np.ndarray = model.predict(inputs.reshape(1, 28, 28, 1), verbose=0)[0]
    return answer


def _upload(png: bytes) -> Request:
    return Request("/predict", *multipart([("file", "image.png", "image/png", png)]))


def _direct(png: bytes) -> Request:
    """Gradio's shortest way: no upload before, no queue, no stream of events to wait for."""
    url = "data:image/png;base64," + base64.b64encode(png).decode()
    body = json.dumps({"data": [{"url": url}]}).encode()
    return Request("/gradio_api/run/predict", "application/json", body)


@dataclass(frozen=True)
class Peer:
    """How a demo is started and asked.

    Attributes:
        serve: Serves on a port until it is stopped.
        request: Asks about a PNG file.
        label: Reads the label from an answer.
        needs: Modules without which it is left out.
    """

    serve: Callable[[int], None]
    request: Callable[[bytes], Request]
    label: Callable[[Any], str]
    needs: tuple[str, ...]


PEERS = {
    "fastapi-keras": Peer(
        fastapi_keras,
        _upload,
        lambda answer: str(answer["label"]),
        ("fastapi", "uvicorn", "multipart", "keras", "tensorflow"),
    ),
    "gradio": Peer(
        gradio,
        _direct,
        lambda answer: str(answer["data"][0]["label"]),
        ("gradio", "keras", "tensorflow"),
    ),
}
"""By the names that `bench serve --only` takes."""


if __name__ == "__main__":
    PEERS[sys.argv[1]].serve(int(sys.argv[2]))
