"""What a worker does with requests: pictures in, documents out. No process, no pipe."""

import base64
import io
import json
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
from PIL import Image as Picture

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import DataError
from ankleboot.core.types import Image
from ankleboot.data.preprocessing import preprocess
from ankleboot.data.preprocessing.decode import TooLargeError, decode_bytes
from ankleboot.data.preprocessing.visualize import preprocessing_images as steps_of
from ankleboot.evaluation.explain.occlusion import occlusion
from ankleboot.inference.predict import (
    ModelRouter,
    Prediction,
    PreparedImage,
    decide,
    predict_batch,
    prepare_image,
)
from ankleboot.server.body_parser import TYPES, Sent, pictures
from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import INTERNAL_ERROR, RequestProblem

NUM_NEIGHBORS = 5
WARM, COOL = (255, 122, 26), (40, 120, 255)  # what speaks for the answer, and against it
FORMATS = tuple(TYPES.values())
WITHOUT_NAME = "picture"  # in messages of the decoder


@dataclass(frozen=True)
class Request:
    """As it came over the pipe.

    Attributes:
        kind: "predict", "explain", or "samples" for pictures to try.
        model: Asked for by this name.
        content_type, body: As the client sent them.
    """

    kind: str
    model: str
    content_type: str
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What the client gets: a status and a JSON document.

    Attributes:
        trace: Of a fault in this program, for its log.
    """

    status: int
    body: bytes
    trace: str = ""


@dataclass(frozen=True)
class _Item:
    """A picture of a request, as far as it came."""

    request: int
    name: str | None
    looked: PreparedImage | RequestProblem

    def said(self, rows: Iterator[np.ndarray]) -> dict[str, Any]:
        """Its entry in the answer; takes its row of probabilities."""
        if isinstance(self.looked, RequestProblem):
            return {"name": self.name, "error": self.looked.to_json()}
        return _entry(self.name, _predicted(self.looked, next(rows)))


class Answerer:
    """Answers with some models.

    Args:
        models: By the names that they are asked for.
        config: Limits on the images of a request.
    """

    def __init__(self, models: dict[str, ModelRouter], config: ServerConfig) -> None:
        self._models = models
        self._config = config

    def answer(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer them in their order; what is wrong with one does not harm the others.

        Args:
            requests: Predictions; or one of another kind, alone.
        """
        try:
            if requests[0].kind == "explain":
                return [self._explain(requests[0])]
            if requests[0].kind == "samples":
                return [Reply(200, _samples())]
            return self._together(requests)
        except Exception:  # one of them found a fault in this program
            if len(requests) == 1:
                return [Reply(INTERNAL_ERROR.status, INTERNAL_ERROR.body, traceback.format_exc())]
            return [self.answer([request])[0] for request in requests]

    def _together(self, requests: Sequence[Request]) -> list[Reply]:
        said: dict[int, list[dict[str, Any]]] = {place: [] for place in range(len(requests))}
        problems: dict[int, RequestProblem] = {}
        items = self._items(requests, problems)
        while chunk := list(islice(items, self._config.max_decoded_images)):
            rows = predict_batch(
                [one.looked for one in chunk if isinstance(one.looked, PreparedImage)]
            )
            for one in chunk:
                said[one.request].append(one.said(rows))
                if isinstance(one.looked, RequestProblem):
                    problems.setdefault(one.request, one.looked)
        replies = []
        for place, request in enumerate(requests):
            if all("error" in entry for entry in said[place]):  # nothing could be answered
                replies.append(_reply(problems[place]))
            else:
                replies.append(_json({"model": request.model, "predictions": said[place]}))
        return replies

    def _items(
        self, requests: Sequence[Request], problems: dict[int, RequestProblem]
    ) -> Iterator[_Item]:
        """The pictures of all requests, one after the other, decoded when they are asked for."""
        for place, request in enumerate(requests):
            until = time.monotonic() + self._config.image_budget_s
            try:
                sent = self._sent(request)
            except RequestProblem as problem:
                problems[place] = problem.with_traceback(None)  # it would keep the body
                continue
            for one in sent:
                if isinstance(one, RequestProblem):
                    yield _Item(place, None, one)
                elif time.monotonic() > until:
                    yield _Item(place, one.name, _TOO_SLOW)
                else:
                    yield _Item(place, one.name, self._look(one, request.model))

    def _sent(self, request: Request) -> list[Sent | RequestProblem]:
        return pictures(request.content_type, request.body, self._config.max_images_per_request)

    def _look(
        self, sent: Sent, model: str, *, cut_out: bool = False
    ) -> PreparedImage | RequestProblem:
        try:
            pixels = decode_bytes(sent.content, WITHOUT_NAME, FORMATS)
            return prepare_image(pixels, self._models[model], cut_out=cut_out)
        except TooLargeError as error:
            return RequestProblem(413, "too_large", _sentence(error))
        except DataError as error:
            return RequestProblem(422, "not_a_picture", _sentence(error))

    def _explain(self, request: Request) -> Reply:
        try:
            return _json(self._explanation(request))
        except RequestProblem as problem:
            return _reply(problem)

    def _explanation(self, request: Request) -> dict[str, Any]:
        sent = self._sent(request)
        if len(sent) != 1:
            raise RequestProblem(413, "too_many", "Only one picture at a time can be explained.")
        (one,) = sent
        if isinstance(one, RequestProblem):
            raise one
        is_clothes = self._models[request.model].usual.info.labels == CLASS_NAMES
        looked = self._look(one, request.model, cut_out=is_clothes)
        if isinstance(looked, RequestProblem):
            raise looked
        (row,) = predict_batch([looked])
        prediction = _predicted(looked, row)
        small = preprocess.extract_garment(looked.pixels, looked.garment) if is_clothes else None
        height, width = looked.image.shape[:2]
        steps = [
            *steps_of(looked.pixels, looked.garment),
            (f"seen: {width} x {height}", looked.image),
        ]
        return {
            "model": request.model,
            "prediction": _entry(one.name, prediction),
            "steps": [{"name": name, "png": _png(values)} for name, values in steps],
            "small": None if small is None else _png(small),
            "overlay": _overlay(looked, prediction),
            "neighbours": [] if small is None else _neighbours(small),
        }


def _json(document: dict[str, Any]) -> Reply:
    return Reply(200, json.dumps(document).encode())


def _reply(problem: RequestProblem) -> Reply:
    return Reply(problem.status, problem.body)


def _predicted(looked: PreparedImage, row: np.ndarray) -> Prediction:
    info = looked.predictor.info
    return decide("", looked.image, looked.garment, row, info, info.abstain_below)


def _entry(name: str | None, prediction: Prediction) -> dict[str, Any]:
    entry = prediction.to_json()
    del entry["path"]
    return {"name": name} | entry


_TOO_SLOW = RequestProblem(
    413, "too_slow", "The pictures of this request take too long together; send fewer at a time."
)


def _sentence(error: DataError) -> str:
    words = str(error).removeprefix(f"{WITHOUT_NAME}: ")
    return f"{words[0].upper()}{words[1:].rstrip('.')}."


def _png(values: np.ndarray) -> str:
    content = io.BytesIO()
    Picture.fromarray(values).save(content, "PNG", compress_level=1)
    return base64.b64encode(content.getvalue()).decode()


def _samples() -> bytes:
    from ankleboot.data.export_images import sample_strip

    content = io.BytesIO()
    Picture.fromarray(sample_strip()).save(content, "PNG")
    return content.getvalue()


def _overlay(looked: PreparedImage, prediction: Prediction) -> dict[str, Any]:
    """Where hiding a part of what was seen changes the answer's probability."""
    (found,) = occlusion(looked.predictor.predict, looked.image[None], np.array([prediction.index]))
    most = float(np.abs(found).max())
    colors = np.where((found >= 0)[..., None], WARM, COOL).astype(np.uint8)
    opaque = np.rint(255 * np.abs(found) / (most or 1)).astype(np.uint8)
    png = _png(np.dstack([colors, opaque]))
    return {"png": png, "label": prediction.label, "most": most}


@cache
def _known() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training images that ship along, their labels, and what they are compared by."""
    from ankleboot.data.load import load_data

    train = load_data("sample").train
    return train.images, train.labels, _standardised(train.images)


def _standardised(images: np.ndarray) -> np.ndarray:
    """Rows whose products are correlations."""
    rows = images.reshape(len(images), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    found: np.ndarray = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return found


def _neighbours(image: Image) -> list[dict[str, Any]]:
    """The training images whose pixels correlate most with these."""
    images, labels, rows = _known()
    likeness = rows @ _standardised(image[None])[0]
    nearest = np.argsort(-likeness, kind="stable")[:NUM_NEIGHBORS]
    return [
        {"png": _png(images[i]), "label": CLASS_NAMES[labels[i]], "likeness": float(likeness[i])}
        for i in nearest
    ]
