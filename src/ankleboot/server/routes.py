"""HTTP routes. Inference runs in worker processes, access control in `middleware`.

A route is a function of a request and the services; `ROUTES` lists them all.
"""

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ankleboot import __version__
from ankleboot.core.image_limits import MAX_PIXELS
from ankleboot.server import open_inference
from ankleboot.server.body_parser import JSON
from ankleboot.server.error_responses import ApiError
from ankleboot.server.http import prometheus
from ankleboot.server.http.protocol import PREDICT_PATH
from ankleboot.server.http.static_files import StaticFile, load_static_files
from ankleboot.server.schemas import openapi_document
from ankleboot.server.services import Route, Services, json_response

SAMPLES_PATH = "/samples.png"


async def predict(request: Request, services: Services) -> Response:
    """Classify the images of a request."""
    return await _infer("predict", request, services)


async def explain(request: Request, services: Services) -> Response:
    """Explain the prediction for an image."""
    return await _infer("explain", request, services)


async def models(request: Request, services: Services) -> Response:  # noqa: ARG001
    """Describe the served models and the limits of a request."""
    document = {
        "version": __version__,
        "default": services.model_names[0],
        "limits": {
            "body_bytes": services.config.max_body_bytes,
            "pictures": services.config.max_images_per_request,
            "pixels": MAX_PIXELS,
        },
        "models": services.described_models(),
    }
    return json_response(document)


async def healthz(request: Request, services: Services) -> Response:  # noqa: ARG001
    """Report that the process is alive."""
    return json_response({"status": "ok"})


async def readyz(request: Request, services: Services) -> Response:  # noqa: ARG001
    """Report whether the server takes requests."""
    services.check_ready()
    return json_response({"status": "ready", "workers": services.supervisor.num_ready})


async def metrics(request: Request, services: Services) -> Response:  # noqa: ARG001
    """Return metrics for Prometheus."""
    return Response(services.metrics.text(), media_type=prometheus.CONTENT_TYPE)


async def openapi(request: Request, services: Services) -> Response:  # noqa: ARG001
    """Return the OpenAPI document of these routes."""
    document = openapi_document(services.config, services.model_names)
    return Response(json.dumps(document), media_type=JSON)


async def static_file(request: Request, services: Services) -> Response:
    """Return a file of the page."""
    return services.static_files[request.scope["path"]].respond(request)


async def sample_images(request: Request, services: Services) -> Response:
    """Return the strip of sample images; a worker draws it for the first request."""
    if SAMPLES_PATH not in services.static_files:
        head = {"kind": "samples", "model": "", "type": ""}
        status, content = await services.inference.submit(head, request)
        if status != 200:
            return json_response(content, status)
        services.static_files[SAMPLES_PATH] = StaticFile(content, "image/png")
    return await static_file(request, services)


ROUTES: dict[str, dict[str, Route]] = {
    PREDICT_PATH: {"POST": predict},
    "/v1/explain": {"POST": explain},
    "/v1/model": {"GET": models},
    "/healthz": {"GET": healthz, "HEAD": healthz},
    "/readyz": {"GET": readyz, "HEAD": readyz},
    "/metrics": {"GET": metrics},
    "/openapi.json": {"GET": openapi},
}
"""Functions by path and method."""


class Router:
    """ASGI application that calls the route of a request.

    All paths of our own are constant, so one dictionary serves in place of a framework's search for
    a pattern.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._routes = dict(ROUTES)
        if services.config.page:
            services.static_files.update(load_static_files())
            page: dict[str, Route] = {"GET": static_file, "HEAD": static_file}
            self._routes |= dict.fromkeys(services.static_files, page)
            self._routes[SAMPLES_PATH] = {"GET": sample_images, "HEAD": sample_images}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a request; errors are raised for the middleware."""
        path, method = scope["path"], scope["method"]
        scope["route"], routes = path, self._routes.get(path)
        if routes is None and self._services.config.v2:
            scope["route"], scope["path_params"], routes = open_inference.find(path)
        if routes is None:
            del scope["route"]
            message = "Nothing has this path; GET /openapi.json lists the routes."
            raise ApiError(404, "not_found", message)
        if method not in routes:
            message = f"{path} does not accept {method}; see the header Allow."
            raise ApiError(405, "method_not_allowed", message, allow=", ".join(routes))
        response = await routes[method](Request(scope, receive), self._services)
        await response(scope, receive, send)


async def _infer(kind: str, request: Request, services: Services) -> Response:
    names = services.model_names
    model = request.query_params.get("model", names[0])
    if model not in names:
        raise ApiError(422, "bad_request", f"model must be one of {', '.join(names)}.")
    request.scope["model"] = model  # label of the metrics
    status, document = await services.inference.process(kind, model, request)
    return json_response(document, status)
