"""Middleware applied to every request: host check, rate limit, API key, metrics, access log.

It also turns every error into a response.
"""

import asyncio
import hmac
import time
import traceback
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import INTERNAL_ERROR, ApiError, OpenInferenceError
from ankleboot.server.http.access_log import AccessLog
from ankleboot.server.http.draining_server import DrainingServer
from ankleboot.server.http.hosts import HostAllowlist
from ankleboot.server.http.prometheus import ServerMetrics
from ankleboot.server.http.rate_limit import RateLimit
from ankleboot.server.http.security_headers import SECURITY_HEADERS, request_id

# probes; a line each would fill the log
UNLOGGED_PATHS = frozenset(("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"))
PROTECTED_PREFIXES = ("/v1/", "/v2/models/", "/metrics")  # subject to rate limit and API key
UNKNOWN_ROUTE = "none"  # label of requests that match no route
_SHUTDOWN_ERROR = ApiError(
    503, "draining", "The server stopped before it could respond.", retry_after=1
)


class AccessMiddleware:
    """ASGI application around another one, which gets the requests that pass all checks.

    The other one sets "route" in the scope, and "model" where a request has one. Every response of
    a draining server closes its connection.
    """

    def __init__(
        self,
        app: ASGIApp,
        config: ServerConfig,
        log: AccessLog,
        metrics: ServerMetrics,
        server: DrainingServer,
    ) -> None:
        self._app, self._log, self._metrics = app, log, metrics
        self._rate_limit = RateLimit(config)
        self._api_key = config.api_key.encode() if config.api_key else None
        self._hosts = HostAllowlist(config)
        self.config, self.server = config, server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request, pass it on, count and log the response."""
        context = _RequestContext(scope, receive, send, self)
        start = time.perf_counter()
        try:
            self._check(scope)
            await self._app(scope, context.receive, context.send)
        except ApiError as error:
            await context.send_error(error)
        except asyncio.CancelledError:  # the grace period of the shutdown is over
            await context.send_error(_SHUTDOWN_ERROR, reads_rest=False)
        except Exception:  # a fault of the server
            self._log("fault", request=context.id, trace=traceback.format_exc())
            await context.send_error(INTERNAL_ERROR)
        seconds = time.perf_counter() - start
        route = scope.get("route", UNKNOWN_ROUTE)
        model = scope.get("model", "")
        self._metrics.count_request(route, context.status or 0, seconds, model)
        if scope["path"] not in UNLOGGED_PATHS:
            self._log.request(
                request_id=context.id,
                method=scope["method"],
                route=route,
                status=context.status,
                seconds=seconds,
                bytes_in=context.bytes_in,
                client=_client(scope),
            )

    def _check(self, scope: Scope) -> None:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if not self._hosts.allows(hosts):
            message = "The Host header names another server; see --allowed-host."
            raise ApiError(400, "unknown_host", message)
        if not scope["path"].startswith(PROTECTED_PREFIXES):
            return
        self._rate_limit.check(_client(scope))
        if self._api_key is not None:
            authorization = dict(scope["headers"]).get(b"authorization", b"")
            scheme, _, key = authorization.partition(b" ")
            is_right = hmac.compare_digest(key.strip(), self._api_key)
            if scheme.lower() != b"bearer" or not is_right:
                message = "Send the API key as Authorization: Bearer KEY."
                raise ApiError(401, "unauthorized", message, www_authenticate="Bearer")


class _RequestContext:
    """Messages of one request and its response."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, middleware: AccessMiddleware
    ) -> None:
        self._receive, self._send, self._middleware = receive, send, middleware
        self._is_body_read = scope["method"] in ("GET", "HEAD")
        self._reads_rest = True
        self._is_open_inference = middleware.config.v2 and f"{scope['path']}/".startswith("/v2/")
        self.id = request_id(scope["headers"]).decode()
        self.status: int | None = None
        self.bytes_in = 0

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self.bytes_in += len(message.get("body", b""))
            self._is_body_read = not message.get("more_body", False)
        else:
            self._is_body_read = True  # the client has disconnected
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._reads_rest = self.status != 408  # that body has had its time
            headers = [*message["headers"], *SECURITY_HEADERS, (b"x-request-id", self.id.encode())]
            if self._middleware.server.is_draining or not self._is_body_read:
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        elif self._reads_rest and not self._is_body_read and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._discard_body()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _discard_body(self) -> None:
        """Read the rest of a rejected body, so that its sender gets the response.

        The system resets a connection that is closed with bytes unread, and the response is lost.
        """
        config = self._middleware.config
        max_bytes = max(self.bytes_in, config.max_body_bytes) + config.discard_margin_bytes
        with suppress(TimeoutError):
            async with asyncio.timeout(config.discard_timeout_s):
                while not self._is_body_read and self.bytes_in < max_bytes:
                    await self.receive()

    async def send_error(self, error: ApiError, *, reads_rest: bool = True) -> None:
        """Send an error, unless a response has started already."""
        if self.status is not None:
            return
        if self._is_open_inference:
            error = OpenInferenceError.of(error)
        start = {"type": "http.response.start", "status": error.status}
        await self.send(start | {"headers": error.headers})
        self._reads_rest = self._reads_rest and reads_rest
        await self.send({"type": "http.response.body", "body": error.body})


def _client(scope: Scope) -> str:
    client: tuple[str, int] | None = scope.get("client")
    return client[0] if client else ""
