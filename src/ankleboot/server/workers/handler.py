"""Request handling inside a worker, without I/O: image bytes in, JSON out."""

import json
import time
import traceback
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import AnklebootError, DataError, EnvironmentFailure
from ankleboot.data.preprocessing.decode import TooLargeError, decode_bytes
from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.inference.decide import Prediction
from ankleboot.inference.predict import (
    PreparedImage,
    decide_prepared,
    predict_batch,
    prepare_image,
)
from ankleboot.inference.router import ModelRouter
from ankleboot.server.body_parser import IMAGE_TYPES, UploadedImage, parse_images
from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import INTERNAL_ERROR, ApiError, OpenInferenceError
from ankleboot.server.workers.explanation import explanation_entries, sample_images
from ankleboot.server.workers.tensor_names import unknown_version_error
from ankleboot.server.workers.tensors import TensorImage, parse_tensors, tensor_document

FORMATS = tuple(IMAGE_TYPES.values())
UNNAMED = "image"  # name for the decoder's messages, which the client does not see

_ImageTask = tuple[int, str | None, PreparedImage | ApiError]
"""Index of the request, name of the image, and the image ready for the network, or its error."""

_Outcome = tuple[str | None, tuple[Prediction, str] | ApiError]
"""Name of an image, and its prediction with the SHA-256 of the model, or its error."""


class InferenceRequest(NamedTuple):
    """Request that a worker received."""

    kind: str  # "predict", "infer", "explain", or "samples" for the strip of sample images
    model: str
    content_type: str
    body: bytes
    version: str = ""  # SHA-256 of the model that "infer" wants, if any


class InferenceReply(NamedTuple):
    """Result of a request."""

    status: int
    body: bytes  # JSON document, or an image for "samples"
    trace: str = ""  # traceback if the worker failed


class InferenceHandler:
    """Handler of requests to some models."""

    def __init__(self, models: dict[str, ModelRouter], config: ServerConfig) -> None:
        self._models, self._config = models, config

    def respond(self, requests: Sequence[InferenceRequest]) -> list[InferenceReply]:
        """Reply to requests of the kind "predict", or to a single one of another kind.

        The replies are in order; an error in one request does not affect the others.
        """
        try:
            if requests[0].kind == "explain":
                return [self._explain(requests[0])]
            if requests[0].kind == "samples":
                return [InferenceReply(200, sample_images())]
            if requests[0].kind == "infer":
                return [self._infer(requests[0])]
            return self._predict_batch(requests)
        except ApiError as error:  # of an explanation
            return [_error_reply(error)]
        except Exception:  # a fault of the program; the other requests are handled one by one
            if len(requests) == 1:
                is_protocol = requests[0].kind == "infer"
                fault = OpenInferenceError.of(INTERNAL_ERROR) if is_protocol else INTERNAL_ERROR
                return [_error_reply(fault)._replace(trace=traceback.format_exc())]
            return [self.respond([request])[0] for request in requests]

    def _predict_batch(self, requests: Sequence[InferenceRequest]) -> list[InferenceReply]:
        images = [self._parse_or_fail(request) for request in requests]
        outcomes = self._predict_images(images, [request.model for request in requests])
        return [
            _predictions_reply(request.model, own)
            for request, own in zip(requests, outcomes, strict=True)
        ]

    def _infer(self, request: InferenceRequest) -> InferenceReply:
        """Reply in the form of the open inference protocol, which knows no partial failure."""
        info = self._models[request.model].default.info
        try:
            if request.version not in ("", info.model_sha256):
                raise unknown_version_error(info.model_sha256)
            parsed = parse_tensors(request.body, info, self._config)
            (outcomes,) = self._predict_images([parsed.images], [request.model])
        except ApiError as error:
            return _error_reply(OpenInferenceError.of(error))
        predictions = []
        for _, outcome in outcomes:
            if isinstance(outcome, ApiError):  # not raised: a shared one would keep the request
                return _error_reply(OpenInferenceError.of(outcome))
            predictions.append(outcome)
        return InferenceReply(200, tensor_document(request.model, info, parsed, predictions))

    def _predict_images(
        self, images: Sequence[Sequence[TensorImage]], models: Sequence[str]
    ) -> list[list[_Outcome]]:
        """Predict the images of each request in order."""
        outcomes: list[list[_Outcome]] = [[] for _ in images]
        tasks = self._tasks(images, models)
        while batch := list(islice(tasks, self._config.max_decoded_images)):
            rows = predict_batch([image for *_, image in batch if isinstance(image, PreparedImage)])
            for index, name, image in batch:
                if isinstance(image, ApiError):
                    outcomes[index].append((name, image))
                else:
                    sha256 = image.predictor.info.model_sha256
                    outcomes[index].append((name, (decide_prepared(image, next(rows)), sha256)))
        return outcomes

    def _tasks(
        self, images: Sequence[Sequence[TensorImage]], models: Sequence[str]
    ) -> Iterator[_ImageTask]:
        """Yield the images of all requests in order, each decoded when it is needed."""
        for index, model in enumerate(models):
            until = time.monotonic() + self._config.request_timeout_s / 2
            for image in images[index]:
                if isinstance(image, ApiError):
                    yield index, None, image
                elif isinstance(image, np.ndarray):
                    predictor = self._models[model].default
                    yield index, None, PreparedImage(DecodedImage(image), None, image, predictor)
                elif time.monotonic() > until:
                    yield index, image.name, _TOO_SLOW
                else:
                    yield index, image.name, self._prepare(image, model)

    def _parse_or_fail(self, request: InferenceRequest) -> Sequence[UploadedImage | ApiError]:
        """Return the images of a request, or the error as the only one."""
        try:
            return self._parse(request)
        except ApiError as error:
            return [error.with_traceback(None)]  # a traceback would keep the body

    def _parse(self, request: InferenceRequest) -> list[UploadedImage | ApiError]:
        max_images = self._config.max_images_per_request
        return parse_images(request.content_type, request.body, max_images)

    def _prepare(
        self, image: UploadedImage, model: str, *, segment: bool = False
    ) -> PreparedImage | ApiError:
        try:
            pixels = decode_bytes(image.content, UNNAMED, FORMATS)
            return prepare_image(pixels, self._models[model], segment=segment)
        except TooLargeError as error:
            return ApiError(413, "too_large", _sentence(error))
        except DataError as error:
            return ApiError(422, "not_a_picture", _sentence(error))
        except EnvironmentFailure as error:
            return ApiError(503, "unavailable", _sentence(error))

    def _explain(self, request: InferenceRequest) -> InferenceReply:
        images = self._parse(request)
        if len(images) != 1:
            raise ApiError(413, "too_many", "Only one image per request can be explained.")
        (image,) = images
        if isinstance(image, ApiError):
            raise image
        has_garments = self._models[request.model].default.info.labels == CLASS_NAMES
        prepared = self._prepare(image, request.model, segment=has_garments)
        if isinstance(prepared, ApiError):
            raise prepared
        (row,) = predict_batch([prepared])
        prediction = decide_prepared(prepared, row)
        entries = explanation_entries(prepared, prediction, has_garments=has_garments)
        entry = _prediction_entry(image.name, prediction, prepared.predictor.info.model_sha256)
        return _json_reply({"model": request.model, "prediction": entry} | entries)


def _predictions_reply(model: str, outcomes: Sequence[_Outcome]) -> InferenceReply:
    """Return the predictions of a request; its first error if there is none."""
    entries = [
        {"name": name, "error": outcome.to_json()}
        if isinstance(outcome, ApiError)
        else _prediction_entry(name, *outcome)
        for name, outcome in outcomes
    ]
    errors = [outcome for _, outcome in outcomes if isinstance(outcome, ApiError)]
    if len(errors) == len(outcomes):
        return _error_reply(errors[0])
    return _json_reply({"model": model, "predictions": entries})


def _json_reply(document: dict[str, Any]) -> InferenceReply:
    return InferenceReply(200, json.dumps(document).encode())


def _error_reply(error: ApiError) -> InferenceReply:
    return InferenceReply(error.status, error.body)


def _prediction_entry(name: str | None, prediction: Prediction, sha256: str) -> dict[str, Any]:
    entry = prediction.to_json()
    del entry["path"], entry["passes"]  # the same for all images: the server adds no views
    return {"name": name} | entry | {"model_sha256": sha256}


_TOO_SLOW = ApiError(
    413, "too_slow", "The images of this request take too long together; send fewer at a time."
)


def _sentence(error: AnklebootError) -> str:
    text = str(error).removeprefix(f"{UNNAMED}: ")
    return f"{text[0].upper()}{text[1:].rstrip('.')}."
