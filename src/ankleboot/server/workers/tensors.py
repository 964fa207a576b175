"""Tensors of the open inference protocol: a request's images, and a response's predictions.

A tensor of numbers is the input of the network: UINT8, or FP32 from 0 to 1. A tensor of BYTES holds
image files in base64, which are decoded and prepared as in other requests.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NotRequired, TypedDict

import numpy as np

from ankleboot.core.documents import parse_document
from ankleboot.core.types import Image
from ankleboot.inference.decide import Prediction
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.server.body_parser import UploadedImage, decode_base64
from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import ApiError
from ankleboot.server.workers.tensor_names import (
    ABSTAINED,
    INPUT,
    LABEL,
    OUTPUT_TYPES,
    PROBS,
    SHA256,
)

NUMBER_TYPES: dict[str, tuple[set[type], int]] = {"UINT8": ({int}, 255), "FP32": ({int, float}, 1)}
"""Types of the values in Python, and the largest value, by datatype."""

BINARY_PARAMETERS = ("binary_data_size", "binary_data", "binary_data_output")

TensorImage = UploadedImage | Image | ApiError


class RequestInput(TypedDict):
    """Tensor of a request."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: NotRequired[dict[str, Any] | None]


class RequestOutput(TypedDict):
    """Tensor that the response shall have."""

    name: str
    parameters: NotRequired[dict[str, Any] | None]


class InferenceDocument(TypedDict):
    """JSON document of a request."""

    id: NotRequired[str | None]
    inputs: list[RequestInput]
    outputs: NotRequired[list[RequestOutput] | None]
    parameters: NotRequired[dict[str, Any] | None]


@dataclass(frozen=True)
class TensorRequest:
    """Images of a request, and what its response holds."""

    id: str | None
    images: list[TensorImage]
    outputs: tuple[str, ...]


def parse_tensors(body: bytes, info: ModelMetadata, config: ServerConfig) -> TensorRequest:
    """Parse a request for a model.

    Raises:
        ApiError: If it is not JSON, or not as expected, or too large.
    """
    if body.count(b",") > config.max_tensor_values:
        message = f"More than {config.max_tensor_values:,} values; send several requests."
        raise ApiError(413, "too_many", message)
    try:
        document = parse_document(body, InferenceDocument)
    except ValueError as error:
        raise ApiError(400, "bad_json", f"The body cannot be read: {error}.") from error
    names = [output["name"] for output in document.get("outputs") or ()] or list(OUTPUT_TYPES)
    if not set(names) <= OUTPUT_TYPES.keys() or len(set(names)) < len(names):
        raise _unexpected(f"outputs must be some of {', '.join(OUTPUT_TYPES)}, each once")
    if len(document["inputs"]) != 1 or document["inputs"][0]["name"] != INPUT:
        raise _unexpected(f'expected one input, "{INPUT}"')
    (tensor,) = document["inputs"]
    for part in (document, tensor, *(document.get("outputs") or ())):
        parameters = part.get("parameters") or {}
        if any(parameters.get(name) for name in BINARY_PARAMETERS):
            raise _unexpected("tensors in binary are not supported; leave out the parameter")
    return TensorRequest(document.get("id"), _images(tensor, info, config), tuple(names))


def _images(tensor: RequestInput, info: ModelMetadata, config: ServerConfig) -> list[TensorImage]:
    """Return the images of a tensor."""
    shape, datatype = tensor["shape"], tensor["datatype"]
    num_images = shape[0] if shape else 0
    if num_images > config.max_images_per_request:
        message = f"More than {config.max_images_per_request} images; send several requests."
        raise ApiError(413, "too_many", message)
    expected = info.image_spec.image_shape if datatype in NUMBER_TYPES else ()
    if datatype not in (*NUMBER_TYPES, "BYTES"):
        raise _unexpected(f"datatype must be one of {', '.join(NUMBER_TYPES)}, BYTES")
    if num_images < 1 or tuple(shape[1:]) not in (expected, (*expected, 1)):
        axes = ", ".join(str(size) for size in (-1, *expected))
        raise _unexpected(f"shape of {INPUT} as {datatype} must be [{axes}]")
    values = _flatten(tensor["data"], shape)
    if datatype == "BYTES":
        return [decode_base64(f"{INPUT}[{index}]", text) for index, text in enumerate(values)]
    types, largest = NUMBER_TYPES[datatype]
    if not set(map(type, values)) <= types or not 0 <= min(values) <= max(values) <= largest:
        raise _unexpected(f"values of {datatype} must be numbers from 0 to {largest}")
    pixels = np.rint(np.array(values, np.float64) * (255 / largest)).astype(np.uint8)
    return list(pixels.reshape(num_images, *expected))


def _flatten(data: list[Any], shape: Sequence[int]) -> list[Any]:
    """Return the values in row-major order; they may be nested as the shape says, or flat."""
    values: list[Any] = [data]
    is_nested = bool(data) and isinstance(data[0], list)
    for size in shape if is_nested else (math.prod(shape),):
        if not all(isinstance(row, list) and len(row) == size for row in values):
            raise _unexpected(f"data does not have the shape {shape}")
        values = list(chain.from_iterable(values))
    return values


def _unexpected(reason: str) -> ApiError:
    return ApiError(422, "bad_request", f"{reason[0].upper()}{reason[1:]}.")


def tensor_document(
    model: str,
    info: ModelMetadata,
    request: TensorRequest,
    predictions: Sequence[tuple[Prediction, str]],
) -> bytes:
    """Return the JSON document of a response; predictions come with the SHA-256 of their model."""
    num_images, labels = len(predictions), info.predicted_labels
    columns: dict[str, list[Any]] = {
        PROBS: [prediction.probs[label] for prediction, _ in predictions for label in labels],
        LABEL: [prediction.label for prediction, _ in predictions],
        ABSTAINED: [prediction.abstained for prediction, _ in predictions],
        SHA256: [sha256 for _, sha256 in predictions],
    }
    outputs = [
        {
            "name": name,
            "datatype": OUTPUT_TYPES[name],
            "shape": [num_images, len(labels)] if name == PROBS else [num_images],
            "data": columns[name],
        }
        for name in request.outputs
    ]
    head = {"model_name": model, "model_version": info.model_sha256}
    if request.id is not None:
        head["id"] = request.id
    return json.dumps({**head, "outputs": outputs}).encode()
