"""OpenAPI document of the API; its examples work.

The key "required" lists all properties of each response: the server leaves none out.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ankleboot import __version__
from ankleboot.server.body_parser import FORM, IMAGE_TYPES, JSON
from ankleboot.server.config import ServerConfig
from ankleboot.server.http.prometheus import CONTENT_TYPE
from ankleboot.server.http.protocol import PREDICT_PATH

Schema = dict[str, Any]

EXAMPLE_IMAGE_BASE64 = (
    "iVBORw0KGgoAAAANSUhEUgAAABwAAAAcCAAAAABXZoBIAAABWUlEQVR42t3SPS9DYRwF8PPc539v74tGpanGO4sE"
    "i9TGZpMQk7DYLNgIEl/BZmOwYJYYTCwsbRqJMFpqKBYpWu2993kzCNGPwJlO8ttODvBvw9C//dUSBN5EZEsc5jou"
    "AUBpsCZ0QxQi3dXXeHy+LxfPmpArbC49pLhjyLFaSzn6ZZbC2lah3dMmhBvKIxAz32YLnAzmg4g0PEvLKAv6Mb/u"
    "5+VNmvvC5qahQsqBwMjS2tKqjuX4tjdAyLhhFEc0DIIRABRgbU/lU3VFCccoUVUq5iMEzLrZiuoZ6tFPAx4HpAeL"
    "J4nH3gzD6sJpcT4dsXfd2SKDlqQdCgtOQ4eZCTa+k/h4f6E3P0h5Nvnmg1LCF0ZLqUZJVTJdfQIR82LJEpJnMniu"
    "uEYHUXIPAFs/qFWFljWjtDHHk92lV2VM+Tpc+ZrPa8xxd3p/8eKu7RzAxi4fu3LiP3aoT5N8k4hIi6Z+AAAAAElF"
    "TkSuQmCC"
)
"""An ankle boot of Fashion-MNIST's test split (MIT, Zalando SE), 28 x 28 pixels, PNG, base64."""


def _object(description: str, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "description": description,
        "required": list(properties),
        "properties": properties,
    }


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


STRING = {"type": "string"}

SCHEMAS: dict[str, Schema] = json.loads(Path(__file__).with_name("schemas.json").read_text())
"""JSON Schema of every response, by name."""

ERRORS = {
    400: "The server cannot read the request.",
    401: "The API key is missing or wrong.",
    408: "The body did not arrive in time.",
    413: "The request has too many bytes, pixels or images.",
    415: "The server does not accept the type.",
    422: "The bytes are not an image, or the values are not as expected.",
    429: "The client sends too many requests; see Retry-After.",
    503: "The server is overloaded, not ready, or stopping; see Retry-After.",
}


def openapi_document(config: ServerConfig, model_names: list[str]) -> dict[str, Any]:
    """Return the OpenAPI document of a server.

    Args:
        config: Number of images per request, and whether there is an API key.
        model_names: Names of the models; the first one is the default.
    """
    guarded = (400, 401, 429) if config.api_key else (400, 429)
    inference = (*guarded, 408, 413, 415, 422, 503)
    max_images = config.max_images_per_request
    model = {
        "name": "model",
        "in": "query",
        "description": "Name of the model.",
        "schema": STRING | {"enum": model_names, "default": model_names[0]},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ankleboot",
            "version": __version__,
            "description": "Classify garments on images, and abstain when unsure.",
        },
        "paths": {
            PREDICT_PATH: {
                "post": _operation("Classify images", "Predictions", inference)
                | {"parameters": [model], "requestBody": _image_body(max_images)}
            },
            "/v1/explain": {
                "post": _operation("Explain the prediction for one image", "Explanation", inference)
                | {"parameters": [model], "requestBody": _image_body(1)}
            },
            "/v1/model": {
                "get": _operation("Describe the models and the limits", "Models", (*guarded, 503))
            },
            "/healthz": {"get": _operation("Report that the process is alive", "Health", (400,))},
            "/readyz": {
                "get": _operation("Report whether requests are taken", "Readiness", (400, 503))
            },
            "/metrics": {
                "get": {
                    "summary": "Return metrics for Prometheus",
                    "responses": {"200": {"description": "Metrics.", "content": {CONTENT_TYPE: {}}}}
                    | _errors(guarded),
                }
            },
        },
        "components": {"schemas": SCHEMAS},
    }


def _operation(summary: str, schema: str, errors: Iterable[int]) -> dict[str, Any]:
    responses = {"200": _json_response(SCHEMAS[schema]["description"], schema)}
    return {"summary": summary, "responses": responses | _errors(errors)}


def _errors(statuses: Iterable[int]) -> dict[str, Any]:
    return {
        str(status): _json_response(ERRORS[status], "ErrorResponse") for status in sorted(statuses)
    }


def _json_response(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": _reference(schema)}}}


def _image_body(max_images: int) -> dict[str, Any]:
    """Return the description of a request body that holds images."""
    limits = {"minItems": 1, "maxItems": max_images}
    file = STRING | {"format": "binary"}
    base64 = STRING | {"format": "byte", "contentEncoding": "base64"}
    # additionalProperties: the server takes files of other names, but no fields of a form
    form = _object("Files of a form.", images={"type": "array", "items": file} | limits)
    document = _object("Files in base64.", images={"type": "array", "items": base64} | limits)
    content: dict[str, Any] = {media_type: {"schema": file} for media_type in IMAGE_TYPES}
    content[FORM] = {"schema": form | {"additionalProperties": False}}
    content[JSON] = {
        "schema": document | {"additionalProperties": False},
        "example": {"images": [EXAMPLE_IMAGE_BASE64]},
    }
    return {"required": True, "content": content}
