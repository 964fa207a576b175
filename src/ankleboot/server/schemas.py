"""OpenAPI document of the API; its examples work.

The key "required" lists all properties of each response: the server leaves none out.
"""

from collections.abc import Iterable
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


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _optional(schema: Schema, description: str) -> Schema:
    return {"anyOf": [schema, {"type": "null"}], "description": description}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


STRING, INTEGER, NUMBER, BOOLEAN, OBJECT = (
    {"type": name} for name in ("string", "integer", "number", "boolean", "object")
)
PNG = STRING | {"description": "PNG file in base64."}

SCHEMAS: dict[str, Schema] = {
    "ErrorDetail": _object(
        "Reason of an error.",
        code=STRING | {"description": "Identifier for programs.", "examples": ["not_a_picture"]},
        message=STRING | {"description": "One sentence for people."},
    ),
    "ErrorResponse": _object("Error.", error=_reference("ErrorDetail")),
    "Prediction": _object(
        "Prediction for one image.",
        name=_optional(STRING, "File name, if the request gave one."),
        label=STRING | {"examples": ["Ankle boot"]},
        index=INTEGER | {"description": "Index of the label among the classes.", "examples": [9]},
        confidence=NUMBER
        | {"description": "Calibrated probability of the label.", "minimum": 0, "maximum": 1},
        probs=OBJECT
        | {
            "description": "Probability of each class.",
            "additionalProperties": NUMBER,
        },
        none_of_these=NUMBER
        | {"description": "Probability that the image shows another object, if known."},
        abstained=BOOLEAN | {"description": "Whether the label is too uncertain to rely on."},
        reason=_optional(STRING, "Reason for abstaining, one sentence."),
        cause=_optional(
            STRING | {"enum": ["missing", "blank", "declined", "several", "unsure"]},
            "Reason for abstaining: no garment, one color, another object, several garments, or "
            "low confidence.",
        ),
    ),
    "FailedImage": _object(
        "Image without a prediction among others.",
        name=_optional(STRING, "File name, if the request gave one."),
        error=_reference("ErrorDetail"),
    ),
    "Predictions": _object(
        "Predictions in the order of the images.",
        model=STRING,
        predictions=_list({"anyOf": [_reference("Prediction"), _reference("FailedImage")]}),
    ),
    "PreprocessingStep": _object(
        "Image between the photo and the input of the network.", name=STRING, png=PNG
    ),
    "Occlusion": _object(
        "Effect of hiding regions of the image.",
        png=STRING
        | {"description": "RGBA PNG file: warm where hiding lowers the probability, else cool."},
        label=STRING,
        most=NUMBER | {"description": "Largest change of the label's probability."},
    ),
    "Neighbor": _object(
        "Training image.",
        png=PNG,
        label=STRING,
        likeness=NUMBER
        | {"description": "Correlation of the pixels.", "minimum": -1, "maximum": 1.001},
    ),
    "Explanation": _object(
        "Explanation of a prediction.",
        model=STRING,
        prediction=_reference("Prediction"),
        steps=_list(_reference("PreprocessingStep")),
        small=_optional(PNG, "Garment in 28 x 28 gray pixels, if the model classifies garments."),
        overlay=_reference("Occlusion"),
        neighbours=_list(_reference("Neighbor")),
    ),
    "Health": _object("The process is alive.", status=STRING | {"examples": ["ok"]}),
    "Readiness": _object(
        "The server takes requests.",
        status=STRING | {"examples": ["ready"]},
        workers=INTEGER | {"description": "Number of workers that are ready."},
    ),
    "ModelDescription": _object(
        "Model with its classes and measured quality.",
        name=STRING,
        recipe=STRING,
        data=STRING,
        format=STRING,
        parameters=INTEGER,
        classes=_list(STRING),
        declined=_list(STRING) | {"description": "Labels that the model knows to reject them."},
        image_size=INTEGER,
        color=BOOLEAN,
        crop=STRING,
        abstain_below=NUMBER | {"description": "Confidence that a prediction needs."},
        temperature=NUMBER,
        version=STRING,
        sha256=STRING,
        metrics=OBJECT
        | {
            "description": "Results of `ankleboot evaluate` by split.",
            "additionalProperties": {"anyOf": [OBJECT, {"type": "null"}]},
        },
        card=_optional(STRING, "Model card, Markdown."),
        card_html=_optional(STRING, "Model card as HTML without scripts and images."),
        photo=_optional(OBJECT, "Description of the model for photos, if that is another one."),
    ),
    "Limits": _object(
        "Limits of a request.",
        body_bytes=INTEGER,
        pictures=INTEGER | {"description": "Number of images."},
        pixels=INTEGER | {"description": "Number of pixels of one image."},
    ),
    "Models": _object(
        "Models that the server runs.",
        version=STRING,
        default=STRING,
        limits=_reference("Limits"),
        models=_list(_reference("ModelDescription")),
    ),
}

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
    form = _object("Files of a form.", images=_list(file) | limits)
    document = _object("Files in base64.", images=_list(base64) | limits)
    content: dict[str, Any] = {media_type: {"schema": file} for media_type in IMAGE_TYPES}
    content[FORM] = {"schema": form | {"additionalProperties": False}}
    content[JSON] = {
        "schema": document | {"additionalProperties": False},
        "example": {"images": [EXAMPLE_IMAGE_BASE64]},
    }
    return {"required": True, "content": content}
