"""Questions about pictures: the body is read, a worker answers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from ankleboot.server.body_parser import check_type
from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import RequestProblem, overloaded
from ankleboot.server.http.protocol import CONNECTION, PREDICT
from ankleboot.server.workers.pool import Pool

EXPLAIN = "/v1/explain"

Facts = Callable[..., None]


class Asking:
    """Asks the workers.

    Args:
        config: Limits of a request body.
        pool: The workers.
        note: Called with a fault of a worker's.
    """

    def __init__(self, config: ServerConfig, pool: Pool, note: Facts) -> None:
        self._config, self._pool, self._note = config, pool, note
        self._coming_bytes = 0  # of bodies of which a part is here, of all requests

    async def __call__(
        self, kind: str, model: str, scope: Scope, receive: Receive
    ) -> tuple[bytes, int]:
        """Answer a request.

        Returns:
            The document and the status.

        Raises:
            RequestProblem: If it cannot be answered.
        """
        content_type = _header(scope, b"content-type")
        check_type(content_type)
        body = await self._body(scope, receive)
        return await self.worker(kind, scope, model=model, content_type=content_type, body=body)

    async def worker(
        self,
        kind: str,
        scope: Scope,
        *,
        model: str = "",
        content_type: str = "",
        body: bytes | bytearray = b"",
    ) -> tuple[bytes, int]:
        """Have a worker answer."""
        head = {"kind": kind, "model": model, "type": content_type}
        is_gone: Callable[[], bool] = scope["extensions"][CONNECTION]["is_closing"]
        status, document, trace = await self._pool.submit(head, body, is_gone)
        if trace:
            self._note("worker_fault", trace=trace)
        return document, status

    async def _body(self, scope: Scope, receive: Receive) -> bytearray:
        """The body, as long as it is not too long or too slow, and there is room for it."""
        config = self._config
        declared = _header(scope, b"content-length")
        if declared.isdigit() and int(declared) > config.max_body_bytes:
            raise self._too_large()
        content = bytearray()
        try:
            async with asyncio.timeout(config.body_timeout_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise RequestProblem(499, "client_left", "The client left.")
                    piece = message.get("body", b"")
                    self._coming_bytes += len(piece)
                    content += piece
                    if len(content) > config.max_body_bytes:
                        raise self._too_large()
                    has_room = self._coming_bytes <= config.max_queue_bytes
                    if not has_room and len(content) > config.always_read_body_bytes:
                        raise overloaded()
                    if not message.get("more_body", False):
                        return content
        except TimeoutError:
            raise RequestProblem(
                408,
                "too_slow",
                f"The body did not arrive within {config.body_timeout_s:g} seconds.",
            ) from None
        finally:
            self._coming_bytes -= len(content)

    def _too_large(self) -> RequestProblem:
        return RequestProblem(
            413,
            "too_large",
            f"The body has more than the allowed {self._config.max_body_bytes:,} bytes.",
        )


@dataclass(frozen=True)
class _Way:
    """Where a request goes; `path` is what the figures call it."""

    path: str
    kind: str
    model: str


class Shortcut:
    """The way of nearly all requests, past FastAPI to the workers.

    FastAPI's layers take longer than all else that this process does for a request. What is not
    plainly one of these questions goes through them, and hears from them what is wrong with it.

    Args:
        app: FastAPI's application, in which the same routes are described.
        asking: Answers.
        names: Of the models; the first one is the default.
    """

    def __init__(self, app: ASGIApp, asking: Asking, names: list[str]) -> None:
        self._app, self._asking = app, asking
        self._ways = {
            (path, query): _Way(path, kind, name)
            for path, kind in ((PREDICT, "predict"), (EXPLAIN, "explain"))
            for query, name in [
                (b"", names[0]),
                *((f"model={quote(name)}".encode(), name) for name in names),
            ]
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        way = None
        if scope["type"] == "http" and scope["method"] == "POST":
            way = self._ways.get((scope["path"], scope["query_string"]))
        if way is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = way
        document, status = await self._asking(way.kind, way.model, scope, receive)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(document)),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": document})


def _header(scope: Scope, name: bytes) -> str:
    """The first of this name, or nothing."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
