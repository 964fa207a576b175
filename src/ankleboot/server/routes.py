"""The routes: thin, since workers do the work and the guard keeps the door."""

import enum
import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from ankleboot import __version__
from ankleboot.core.limits import MAX_PIXELS
from ankleboot.server import schemas
from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import INTERNAL_ERROR, RequestProblem
from ankleboot.server.http.prometheus import TYPE, Measures
from ankleboot.server.http.protocol import PREDICT
from ankleboot.server.http.static_files import PageFile, page_file, page_files
from ankleboot.server.inference_client import EXPLAIN, Asking
from ankleboot.server.workers.pool import Pool

SAMPLES = "/samples.png"


def make_api(
    config: ServerConfig,
    names: list[str],
    pool: Pool,
    asking: Asking,
    measures: Measures,
    is_draining: Callable[[], bool],
) -> FastAPI:
    """The application.

    Args:
        config: Limits, and whether there is a page.
        names: Of the models; the first one is the default.
        pool: Tells of the models and whether they can be asked.
        asking: Answers what is asked of them.
        measures: Shown at /metrics.
        is_draining: Whether the server is about to end.
    """
    app = FastAPI(
        title="Ankleboot",
        version=__version__,
        description="Says what garment a picture shows, and when it is not sure.",
        docs_url=None,  # they load code from elsewhere
        redoc_url=None,
    )
    members = {name: name for name in names}
    ModelName = enum.StrEnum("ModelName", members)  # type: ignore[misc]
    Model = Annotated[ModelName, Query(description="The model to ask.")]
    default = ModelName(names[0])
    guarded = (400, 429) + ((401,) if config.api_key else ())
    may_fail = schemas.problems(*guarded, 408, 413, 415, 422, 503)

    async def asked(kind: str, request: Request, model: str) -> Response:
        return _json(*await asking(kind, model, request.scope, request.receive))

    @app.post(
        PREDICT,
        summary="Say what garments pictures show",
        response_model=schemas.Predictions,
        responses=may_fail,
        openapi_extra=schemas.picture_body(config.max_images_per_request),
    )
    async def predict(request: Request, model: Model = default) -> Response:
        return await asked("predict", request, model)

    @app.post(
        EXPLAIN,
        summary="Show how the answer about one picture comes about",
        response_model=schemas.Explanation,
        responses=may_fail,
        openapi_extra=schemas.picture_body(1),
    )
    async def explain(request: Request, model: Model = default) -> Response:
        return await asked("explain", request, model)

    @app.get(
        "/v1/model",
        summary="What is served: classes, measured quality, model cards, limits",
        response_model=schemas.Models,
        responses=schemas.problems(*guarded, 503),
    )
    async def model() -> Response:
        if not pool.description:
            raise RequestProblem(503, "not_ready", f"Not ready: {pool.trouble}.", retry_after=1)
        limits = {
            "body_bytes": config.max_body_bytes,
            "pictures": config.max_images_per_request,
            "pixels": MAX_PIXELS,
        }
        document = {"version": __version__, "default": names[0], "limits": limits}
        return _json(json.dumps(document | {"models": json.loads(pool.description)}).encode())

    @app.get(
        "/healthz",
        summary="The process lives",
        response_model=schemas.Health,
        responses=schemas.problems(400),
    )
    async def healthz() -> Response:
        return _json(b'{"status": "ok"}')

    @app.get(
        "/readyz",
        summary="Requests are answered",
        response_model=schemas.Ready,
        responses=schemas.problems(400, 503),
    )
    async def readyz() -> Response:
        if is_draining():
            raise RequestProblem(503, "draining", "The server is about to end.", retry_after=1)
        if pool.trouble is not None:
            raise RequestProblem(503, "not_ready", f"Not ready: {pool.trouble}.", retry_after=1)
        return _json(json.dumps({"status": "ready", "workers": pool.num_ready}).encode())

    @app.get(
        "/metrics",
        summary="Figures for Prometheus",
        response_class=Response,
        responses=schemas.problems(*guarded) | {200: {"content": {TYPE: {}}}},
    )
    async def metrics() -> Response:
        return Response(measures.text(), media_type=TYPE)

    for path, route in (("/healthz", healthz), ("/readyz", readyz)):
        app.add_api_route(path, route, methods=["HEAD"], include_in_schema=False)
    if config.page:
        _add_page(app, asking)
    _add_problems(app)
    return app


def _json(document: bytes, status: int = 200) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(document, status, headers, media_type="application/json")


def _add_page(app: FastAPI, asking: Asking) -> None:
    files = page_files()

    async def file(request: Request) -> Response:
        path = request.scope["path"]
        if path == SAMPLES and path not in files:
            content, status = await asking.worker("samples", request.scope)
            if status != 200:
                return _json(content, status)
            files[path] = page_file(content, "image/png")
        return _file(files[path], request.headers.get("if-none-match"))

    for path in (*files, SAMPLES):
        app.add_route(path, file, methods=["GET"], include_in_schema=False)


def _file(file: PageFile, known: str | None) -> Response:
    headers = {"etag": file.etag, "cache-control": "no-cache"}  # asks each time, gets 304
    if known == file.etag:
        return Response(None, 304, headers)
    return Response(file.content, 200, headers, media_type=file.media_type)


def _add_problems(app: FastAPI) -> None:
    """Errors are documents, whoever found them."""

    def answered(problem: RequestProblem, **more: str) -> Response:
        response = Response(problem.body, problem.status)
        response.raw_headers = [
            *problem.headers,
            *((k.encode(), v.encode()) for k, v in more.items()),
        ]
        return response

    async def of_ours(_: Request, error: Exception) -> Response:
        return answered(error if isinstance(error, RequestProblem) else INTERNAL_ERROR)

    async def of_routing(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        code, words = _ROUTING.get(error.status_code, ("bad_request", str(error.detail)))
        return answered(RequestProblem(error.status_code, code, words), **(error.headers or {}))

    async def of_values(_: Request, error: Exception) -> Response:
        details: Any = error.errors() if isinstance(error, RequestValidationError) else []
        words = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in details)
        return answered(RequestProblem(422, "bad_request", f"{words}."))

    app.add_exception_handler(RequestProblem, of_ours)
    app.add_exception_handler(Exception, of_ours)
    app.add_exception_handler(HTTPException, of_routing)
    app.add_exception_handler(RequestValidationError, of_values)


_ROUTING = {
    404: ("not_found", "There is nothing here; GET /openapi.json lists what there is."),
    405: ("method_not_allowed", "This is not done by that method; see Allow."),
}
