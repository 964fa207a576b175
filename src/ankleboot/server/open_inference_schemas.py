"""Part of the OpenAPI document that describes the open inference protocol."""

from typing import Any

from ankleboot.server.body_parser import JSON
from ankleboot.server.workers.tensor_names import INPUT, OUTPUT_TYPES

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
SHAPE: Schema = {"type": "array", "items": {"type": "integer"}}
PARAMETERS: Schema = {"type": ["object", "null"]}


def _object(description: str, required: str, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "description": description,
        "required": required.split(),
        "properties": properties,
    }


def _array(items: Schema, **limits: int) -> Schema:
    return {"type": "array", "items": items} | limits


def _datatypes(*names: str) -> Schema:
    return {"type": "string", "enum": list(names)}


_TENSOR = _object(
    "Tensor.", "name datatype shape", name=TEXT, datatype=_datatypes("UINT8"), shape=SHAPE
)
_OUTPUT_NAME: Schema = {"type": "string", "enum": list(OUTPUT_TYPES)}
_OUTPUT_TYPE = _datatypes(*dict.fromkeys(OUTPUT_TYPES.values()))
_OUTPUT_TENSOR = _object(
    "Tensor.", "name datatype shape", name=_OUTPUT_NAME, datatype=_OUTPUT_TYPE, shape=SHAPE
)

SCHEMAS: dict[str, Schema] = {
    "V2Error": _object("Error.", "error", error=TEXT),
    "V2Server": _object(
        "The server.", "name version extensions", name=TEXT, version=TEXT, extensions=_array(TEXT)
    ),
    "V2Live": _object("The process is alive.", "live", live={"const": True}),
    "V2Ready": _object("The server takes requests.", "ready", ready={"const": True}),
    "V2ModelReady": _object(
        "The model takes requests.", "name ready", name=TEXT, ready={"const": True}
    ),
    "V2Model": _object(
        "Tensors of a model.",
        "name versions platform inputs outputs",
        name=TEXT,
        versions=_array(TEXT),
        platform=TEXT,
        inputs=_array(_TENSOR),
        outputs=_array(_OUTPUT_TENSOR),
    ),
    "V2Request": _object(
        "Images as one tensor: UINT8 or FP32 (from 0 to 1) of the shape in the model's metadata, "
        "or BYTES, image files in base64.",
        "inputs",
        id={"type": ["string", "null"]},
        parameters=PARAMETERS,
        inputs=_array(
            _object(
                "Tensor.",
                "name shape datatype data",
                name={"const": INPUT},
                shape=SHAPE,
                datatype=_datatypes("UINT8", "FP32", "BYTES"),
                parameters=PARAMETERS,
                data={"type": "array"},
            ),
            minItems=1,
            maxItems=1,
        ),
        outputs={
            "type": ["array", "null"],
            "items": _object("Tensor.", "name", name=_OUTPUT_NAME, parameters=PARAMETERS),
        },
    ),
    "V2Response": _object(
        "Predictions in the order of the images.",
        "model_name model_version outputs",
        model_name=TEXT,
        model_version={"type": "string", "description": "SHA-256 of the model."},
        id=TEXT,
        outputs=_array(
            _object(
                "Tensor.",
                "name datatype shape data",
                name=_OUTPUT_NAME,
                datatype=_OUTPUT_TYPE,
                shape=SHAPE,
                data={"type": "array"},
            )
        ),
    ),
}
"""JSON Schema of every document, by name."""


def open_inference_paths(
    model_names: list[str], errors: dict[int, str], guarded: tuple[int, ...], example: Schema
) -> Schema:
    """Return the paths.

    Args:
        model_names: Names of the models.
        errors: Descriptions of all errors by status.
        guarded: Statuses that any protected route may have.
        example: Example of a request.
    """

    def response(schema: str, description: str = "") -> Schema:
        reference = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
        description = description or SCHEMAS[schema]["description"]
        return {"description": description, "content": {JSON: reference}}

    def operation(summary: str, schema: str, *statuses: int) -> Schema:
        failures = {str(status): response("V2Error", errors[status]) for status in sorted(statuses)}
        return {"summary": summary, "responses": {"200": response(schema)} | failures}

    def parameter(name: str, values: list[str] | None) -> Schema:
        schema = TEXT if values is None else {"type": "string", "enum": values}
        return {"name": name, "in": "path", "required": True, "schema": schema}

    model = [parameter("model", model_names)]
    version = [parameter("version", None)]
    body = {
        "required": True,
        "content": {
            JSON: {"schema": {"$ref": "#/components/schemas/V2Request"}, "example": example}
        },
    }
    paths: Schema = {
        "/v2": {"get": operation("Describe the server", "V2Server", 400)},
        "/v2/health/live": {"get": operation("Report that the process is alive", "V2Live", 400)},
        "/v2/health/ready": {
            "get": operation("Report whether requests are taken", "V2Ready", 400, 503)
        },
    }
    for end, parameters in (("", model), ("/versions/{version}", model + version)):
        path = "/v2/models/{model}" + end
        metadata = operation("Describe a model", "V2Model", *guarded, 404, 503)
        ready = operation("Report whether a model is ready", "V2ModelReady", *guarded, 404, 503)
        infer = operation(
            "Predict a tensor of images", "V2Response", *guarded, 404, 408, 413, 415, 422, 503
        )
        paths |= {
            path: {"get": metadata | {"parameters": parameters}},
            f"{path}/ready": {"get": ready | {"parameters": parameters}},
            f"{path}/infer": {"post": infer | {"parameters": parameters, "requestBody": body}},
        }
    return paths
