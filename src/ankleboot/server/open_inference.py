"""Adapter for the open inference protocol, version 2, with JSON (`ankleboot serve --v2`).

Clients of KServe, Triton and MLServer speak it. The version of a model is the SHA-256 of what it
was exported from, so a client that names a version gets that model or an error. The extension for
binary tensors is not supported; "extensions" of `GET /v2` names none.

Specification: https://github.com/kserve/open-inference-protocol
"""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ankleboot import __version__
from ankleboot.server.body_parser import JSON
from ankleboot.server.error_responses import ApiError
from ankleboot.server.services import Route, Services, json_response
from ankleboot.server.workers.tensor_names import (
    INPUT,
    LABEL,
    OUTPUT_TYPES,
    PROBS,
    unknown_version_error,
)

PLATFORMS = {
    "litert": "litert_flatbuffer",
    "onnx": "onnx_onnxv1",
    "openvino": "openvino_ir",
}
"""Names of the protocol, <project>_<format>, by the first word of the export format."""

BINARY_HEADER = "inference-header-content-length"
MAX_TYPE_CHARS = 512  # of Content-Type


async def server_metadata(request: Request, services: Services) -> Response:  # noqa: ARG001
    """Describe the server."""
    return json_response({"name": "ankleboot", "version": __version__, "extensions": []})


async def live(request: Request, services: Services) -> Response:  # noqa: ARG001
    """Report that the process is alive."""
    return json_response({"live": True})


async def ready(request: Request, services: Services) -> Response:  # noqa: ARG001
    """Report whether the server takes requests."""
    services.check_ready()
    return json_response({"ready": True})


async def model_ready(request: Request, services: Services) -> Response:
    """Report whether a model takes requests."""
    model = _described_model(request, services)
    services.check_ready()
    return json_response({"name": model["name"], "ready": True})


async def model_metadata(request: Request, services: Services) -> Response:
    """Describe the tensors of a model."""
    model = _described_model(request, services)
    shapes = {LABEL: [-1], PROBS: [-1, len(model["classes"])]}
    return json_response(
        {
            "name": model["name"],
            "versions": [model["sha256"]],
            "platform": PLATFORMS.get(model["format"].partition("-")[0], model["format"]),
            "inputs": [{"name": INPUT, "datatype": "UINT8", "shape": [-1, *model["input_shape"]]}],
            "outputs": [
                {"name": name, "datatype": datatype, "shape": shapes.get(name, [-1])}
                for name, datatype in OUTPUT_TYPES.items()
            ],
        }
    )


async def infer(request: Request, services: Services) -> Response:
    """Predict the images of a tensor."""
    model = _described_model(request, services)
    _check_type(request)
    head = {"kind": "infer", "model": model["name"], "type": JSON}
    head["version"] = request.path_params["version"] or ""  # the worker has the last word
    status, document = await services.inference.upload(head, request)
    return json_response(document, status)


ROUTES: dict[str, dict[str, Route]] = {
    "/v2": {"GET": server_metadata},
    "/v2/health/live": {"GET": live, "HEAD": live},
    "/v2/health/ready": {"GET": ready, "HEAD": ready},
}
MODEL_ROUTES: dict[str, dict[str, Route]] = {
    "": {"GET": model_metadata},
    "/ready": {"GET": model_ready},
    "/infer": {"POST": infer},
}
"""Functions by the end of a model's path, and by method."""

_MODEL_PATH = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?(/ready|/infer)?")


def find(path: str) -> tuple[str, dict[str, str | None], dict[str, Route] | None]:
    """Return the template of a path, its parameters, and its functions by method, if any."""
    if match := _MODEL_PATH.fullmatch(path):
        model, version, end = match.groups()
        template = "/v2/models/{model}" + ("/versions/{version}" if version else "") + (end or "")
        return template, {"model": model, "version": version}, MODEL_ROUTES[end or ""]
    constant = path.removesuffix("/") if path == "/v2/" else path
    return constant, {}, ROUTES.get(constant)


def _described_model(request: Request, services: Services) -> dict[str, Any]:
    """Return the description of the model in the path.

    Raises:
        ApiError: If there is no such model or version, or it is not loaded yet.
    """
    name, version = request.path_params["model"], request.path_params["version"]
    model = next((each for each in services.described_models() if each["name"] == name), None)
    if model is None:
        names = ", ".join(services.model_names)
        raise ApiError(404, "not_found", f"The models of this server are {names}.")
    request.scope["model"] = name  # label of the metrics
    if version not in (None, model["sha256"]):
        raise unknown_version_error(model["sha256"])
    return model


def _check_type(request: Request) -> None:
    """Check that a body is JSON; several clients leave the type out.

    Raises:
        ApiError: If it is of another type, or has binary tensors.
    """
    media_type = request.headers.get("content-type", JSON)[:MAX_TYPE_CHARS].partition(";")[0]
    if BINARY_HEADER in request.headers or media_type.strip().lower() != JSON:
        message = f"Content-Type must be {JSON}; tensors in binary are not supported."
        raise ApiError(415, "unsupported_type", message)
