"""HTTP routes of the label page, and who may use them.

Whoever has the key in the page's address may label: other users of the machine do not have it, and
other web pages can neither read it nor send it. Foreign host names and origins are refused as well.
"""

import asyncio
import hmac
import json
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ankleboot.core.errors import AnklebootError
from ankleboot.server.config import MIB, ServerConfig
from ankleboot.server.error_responses import INTERNAL_ERROR, ApiError
from ankleboot.server.http.access_log import AccessLog
from ankleboot.server.http.hosts import HostAllowlist
from ankleboot.server.http.security_headers import SECURITY_HEADERS
from ankleboot.server.http.static_files import load_static_files
from ankleboot.server.labeling.images import SIDES
from ankleboot.server.labeling.session import LabelSession

MAX_BODY_BYTES = MIB
JSON = "application/json"

Route = Callable[[Request], Awaitable[Response]]


class LabelApp:
    """ASGI application of the label page."""

    def __init__(
        self, session: LabelSession, config: ServerConfig, key: str, log: AccessLog
    ) -> None:
        self._session, self._log = session, log
        self._key, self._hosts = key.encode(), HostAllowlist(config)
        self._static_files = load_static_files("label_page")
        self._refitting = asyncio.Lock()
        self._routes: dict[tuple[str, str], Route] = {
            ("GET", "/api/session"): self._describe,
            ("GET", "/api/items"): self._items,
            ("GET", "/api/neighbors"): self._neighbors,
            ("GET", "/api/image"): self._image,
            ("GET", "/api/predictions.csv"): self._predictions,
            ("POST", "/api/decide"): self._decide,
            ("POST", "/api/undo"): self._undo,
            ("POST", "/api/refit"): self._refit,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request and respond to it."""
        try:
            response = await self._respond(Request(scope, receive))
        except ApiError as error:
            response = self._error(error)
        except AnklebootError as error:  # the label file cannot be written
            response = self._error(ApiError(507, "not_stored", str(error)))
        except Exception:  # a fault of the server
            self._log("fault", trace=traceback.format_exc())
            response = self._error(INTERNAL_ERROR)
        response.raw_headers.extend(SECURITY_HEADERS)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        self._check_source(request)
        path, method = request.url.path, request.method
        if method == "GET" and (file := self._static_files.get(path)):
            return file.respond(request)
        if not path.startswith("/api/"):
            raise ApiError(404, "not_found", "Nothing has this path.")
        self._check_key(request)
        if (route := self._routes.get((method, path))) is None:
            raise ApiError(404, "not_found", "Nothing has this path and method.")
        return await route(request)

    def _check_source(self, request: Request) -> None:
        """Refuse requests of other pages, and those to other names of this machine."""
        hosts = request.headers.getlist("host")
        if not self._hosts.allows(hosts):
            raise ApiError(400, "unknown_host", "The Host header names another server.")
        origin = request.headers.get("origin")
        if origin is not None and origin != f"http://{hosts[0]}":
            raise ApiError(403, "foreign_origin", "Another web page sent this request.")

    def _check_key(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        is_right = hmac.compare_digest(key.encode(), self._key)
        if scheme.lower() != "bearer" or not is_right:
            message = "Open the address that ankleboot label printed; it holds the key."
            raise ApiError(401, "unauthorized", message, www_authenticate="Bearer")

    async def _describe(self, request: Request) -> Response:  # noqa: ARG002
        return _json(self._session.describe())

    async def _items(self, request: Request) -> Response:
        class_name = request.query_params.get("class")
        is_open = request.query_params.get("open") == "1"
        start, count = _number(request, "start"), _number(request, "count")
        return _json(self._session.items(start, count, class_name, is_open=is_open))

    async def _neighbors(self, request: Request) -> Response:
        return _json(self._session.neighbors(_number(request, "row")))

    async def _image(self, request: Request) -> Response:
        images = self._session.images.get(request.query_params.get("set", "shown"))
        row, side = _number(request, "row"), _number(request, "side")
        if images is None or side not in SIDES or row >= images.count:
            raise ApiError(422, "unknown_image", "There is no such image.")
        content, media_type = await asyncio.to_thread(images.encoded, row, side)
        headers = {"cache-control": "private, max-age=3600"}
        return Response(content, 200, headers, media_type=media_type)

    async def _predictions(self, request: Request) -> Response:  # noqa: ARG002
        return Response(self._session.predictions_csv(), media_type="text/csv; charset=utf-8")

    async def _decide(self, request: Request) -> Response:
        document = await _document(request)
        rows, label = document.get("rows"), document.get("label")
        if not isinstance(rows, list) or not isinstance(label, str):
            raise ApiError(422, "bad_request", "Expected rows (numbers) and a label (text).")
        if any(type(row) is not int for row in rows):
            raise ApiError(422, "bad_request", "Expected rows (numbers) and a label (text).")
        return _json(self._session.decide(rows, label))

    async def _undo(self, request: Request) -> Response:  # noqa: ARG002
        return _json(self._session.undo())

    async def _refit(self, request: Request) -> Response:  # noqa: ARG002
        async with self._refitting:
            return _json(await asyncio.to_thread(self._session.refit))

    def _error(self, error: ApiError) -> Response:
        response = Response(error.body, error.status)
        response.raw_headers[:] = error.headers
        return response


def _json(document: Any) -> Response:
    return Response(json.dumps(document), 200, {"cache-control": "no-store"}, media_type=JSON)


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ApiError(422, "bad_request", f"Expected a number as {name}.")
    return int(text)


async def _document(request: Request) -> dict[str, Any]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise ApiError(413, "too_large", f"Expected at most {MAX_BODY_BYTES} bytes.")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ApiError(422, "bad_request", "Expected a JSON document.") from error
    if not isinstance(document, dict):
        raise ApiError(422, "bad_request", "Expected a JSON object.")
    return document
