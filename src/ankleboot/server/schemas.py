"""OpenAPI document of the API; its examples work.

The key "required" lists all properties of each response: the server leaves none out.
"""

import json
from pathlib import Path
from typing import Any

from ankleboot import __version__
from ankleboot.server import open_inference_schemas
from ankleboot.server.body_parser import FORM, IMAGE_TYPES, JSON
from ankleboot.server.config import ServerConfig
from ankleboot.server.http.prometheus import CONTENT_TYPE
from ankleboot.server.http.protocol import PREDICT_PATH
from ankleboot.server.open_inference_schemas import open_inference_paths
from ankleboot.server.workers.tensor_names import INPUT

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

EXAMPLE_TENSOR = {
    "inputs": [
        {"name": INPUT, "datatype": "BYTES", "shape": [1], "data": [EXAMPLE_IMAGE_BASE64]},
    ]
}
"""The same image in a request of the open inference protocol."""

SCHEMAS: dict[str, Schema] = json.loads(Path(__file__).with_name("schemas.json").read_text())
"""JSON Schema of every response, by name."""

ERRORS = {
    400: "The server cannot read the request.",
    401: "The API key is missing or wrong.",
    404: "There is no such model or version.",
    408: "The body did not arrive in time.",
    413: "The request has too many bytes, pixels or images.",
    415: "The server does not accept the type.",
    422: "The bytes are not an image, or the values are not as expected.",
    429: "The client sends too many requests; see Retry-After.",
    503: "The server is overloaded, not ready, or stopping; see Retry-After.",
}


def openapi_document(config: ServerConfig, model_names: list[str]) -> Schema:
    """Return the OpenAPI document of a server; the first model is the default."""
    guarded = (400, 401, 429) if config.api_key else (400, 429)
    model = {
        "name": "model",
        "in": "query",
        "description": "Name of the model.",
        "schema": {"type": "string", "enum": model_names, "default": model_names[0]},
    }

    def post(summary: str, schema: str, max_images: int) -> Schema:
        operation = _operation(summary, _json(schema), *guarded, 408, 413, 415, 422, 503)
        return {"post": operation | {"parameters": [model], "requestBody": _image_body(max_images)}}

    def get(summary: str, response: Schema, *errors: int) -> Schema:
        return {"get": _operation(summary, response, *errors)}

    metrics = {"description": "Metrics.", "content": {CONTENT_TYPE: {}}}
    document: Schema = {
        "openapi": "3.1.0",
        "info": {
            "title": "Ankleboot",
            "version": __version__,
            "description": "Classify garments on images, and abstain when unsure.",
        },
        "paths": {
            PREDICT_PATH: post("Classify images", "Predictions", config.max_images_per_request),
            "/v1/explain": post("Explain the prediction for one image", "Explanation", 1),
            "/v1/model": get("Describe the models and the limits", _json("Models"), *guarded, 503),
            "/healthz": get("Report that the process is alive", _json("Health"), 400),
            "/readyz": get("Report whether requests are taken", _json("Readiness"), 400, 503),
            "/metrics": get("Return metrics for Prometheus", metrics, *guarded),
        },
        "components": {"schemas": dict(SCHEMAS)},
    }
    if config.v2:
        document["paths"] |= open_inference_paths(model_names, ERRORS, guarded, EXAMPLE_TENSOR)
        document["components"]["schemas"] |= open_inference_schemas.SCHEMAS
    return document


def _operation(summary: str, response: Schema, *errors: int) -> Schema:
    failures = {str(status): _json("ErrorResponse", ERRORS[status]) for status in sorted(errors)}
    return {"summary": summary, "responses": {"200": response} | failures}


def _json(schema: str, description: str = "") -> Schema:
    return {
        "description": description or SCHEMAS[schema]["description"],
        "content": {JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }


def _image_body(max_images: int) -> Schema:
    """Return the description of a request body that holds images."""

    def images_of(item: Schema, description: str) -> Schema:
        images = {"type": "array", "items": item, "minItems": 1, "maxItems": max_images}
        return {
            "type": "object",
            "description": description,
            "required": ["images"],
            "properties": {"images": images},
            # the server takes files of other names, but no fields of a form
            "additionalProperties": False,
        }

    file = {"type": "string", "format": "binary"}
    base64 = {"type": "string", "format": "byte", "contentEncoding": "base64"}
    content: Schema = {media_type: {"schema": file} for media_type in IMAGE_TYPES}
    content[FORM] = {"schema": images_of(file, "Files of a form.")}
    example = {"images": [EXAMPLE_IMAGE_BASE64]}
    content[JSON] = {"schema": images_of(base64, "Files in base64."), "example": example}
    return {"required": True, "content": content}
