"""What every request passes, whatever it asks for: who may call, how much, and what is noted.

An ASGI application around another one. It answers by itself what does not get through.
"""

import asyncio
import hmac
import ipaddress
import math
import time
import traceback
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import INTERNAL_ERROR, RequestProblem
from ankleboot.server.http.access_log import Journal
from ankleboot.server.http.prometheus import Measures
from ankleboot.server.http.rate_limit import RateLimit
from ankleboot.server.http.security_headers import SECURITY, request_id

UNLOGGED_PATHS = frozenset(("/healthz", "/readyz"))  # probes; a line each would fill the log
PROTECTED_PREFIXES = ("/v1/", "/metrics")  # subject to the rate limit and the API key
_SHUTDOWN_ERROR = RequestProblem(
    503, "draining", "The server has ended before this was answered.", retry_after=1
)
_LOCAL = frozenset(("localhost", "127.0.0.1", "::1"))


class Guard:
    """Lets requests through.

    Args:
        app: To whom.
        config: Hosts, key and rate limit.
        journal: Where requests are noted.
        measures: Where they are counted.
        is_draining: Whether the server is about to end: then every answer closes its connection.
    """

    def __init__(
        self,
        app: ASGIApp,
        config: ServerConfig,
        journal: Journal,
        measures: Measures,
        is_draining: Callable[[], bool],
    ) -> None:
        self._app, self._journal, self._measures = app, journal, measures
        self._rate = RateLimit(config)
        self._key = config.api_key.encode() if config.api_key else None
        self._hosts = Hosts(config)
        self.config = config
        self.is_draining = is_draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self)
        began = time.perf_counter()
        try:
            self._check(scope)
            await self._app(scope, exchange.receive, exchange.send)
        except RequestProblem as problem:
            await exchange.answer(problem)
        except asyncio.CancelledError:  # the server ends and has waited long enough
            await exchange.answer(_SHUTDOWN_ERROR, lingers=False)
        except Exception:  # a fault of ours
            self._journal("fault", request=exchange.id, trace=traceback.format_exc())
            await exchange.answer(INTERNAL_ERROR)
        seconds = time.perf_counter() - began
        route = _route(scope)
        self._measures.answered(route, exchange.status or 0, seconds)
        if scope["path"] not in UNLOGGED_PATHS:
            self._journal.request(
                request_id=exchange.id,
                method=scope["method"],
                route=route,
                status=exchange.status,
                seconds=seconds,
                bytes_in=exchange.bytes_in,
                client=_client(scope),
            )

    def _check(self, scope: Scope) -> None:
        """Raise what stands against this request."""
        headers = dict(scope["headers"])
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not self._hosts.allows(hosts[0]):
            raise RequestProblem(
                400, "unknown_host", "This server does not answer by that name; see --allowed-host."
            )
        if not scope["path"].startswith(PROTECTED_PREFIXES):
            return
        if wait := self._rate.wait(_client(scope)):
            raise RequestProblem(
                429, "rate_limited", "Too many requests; wait.", retry_after=math.ceil(wait)
            )
        if self._key is not None:
            scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
            is_right = hmac.compare_digest(key.strip(), self._key)
            if scheme.lower() != b"bearer" or not is_right:
                raise RequestProblem(
                    401, "unauthorized", "Send the API key as Authorization: Bearer KEY."
                )


class _Exchange:
    """A request and its answer, watched."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, guard: Guard) -> None:
        self._receive, self._send, self._guard = receive, send, guard
        self._has_all = scope["method"] in ("GET", "HEAD")
        self.id = request_id(scope["headers"]).decode()
        self.status: int | None = None
        self.bytes_in = 0
        self._lingers = True

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self.bytes_in += len(message.get("body", b""))
            self._has_all = not message.get("more_body", False)
        else:
            self._has_all = True  # there will be no more
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._lingers = self.status != 408  # that one had its time
            headers = [*message["headers"], *SECURITY, (b"x-request-id", self.id.encode())]
            if self._guard.is_draining() or not self._has_all:
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        elif self._lingers and not self._has_all and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _linger(self) -> None:
        """Read what remains of a body that nobody wants, so that its sender hears the answer.

        A connection that is closed with bytes unread is reset, and the answer may be lost with it.
        """
        config = self._guard.config
        until = max(self.bytes_in, config.max_body_bytes) + config.discard_margin_bytes
        try:
            async with asyncio.timeout(config.discard_timeout_s):
                while not self._has_all and self.bytes_in < until:
                    await self.receive()
        except TimeoutError:
            pass

    async def answer(self, problem: RequestProblem, *, lingers: bool = True) -> None:
        """Say what is wrong, unless something was said already."""
        if self.status is not None:
            return
        start = {"type": "http.response.start", "status": problem.status}
        await self.send(start | {"headers": problem.headers})
        self._lingers = self._lingers and lingers
        await self.send({"type": "http.response.body", "body": problem.body})


class Hosts:
    """By which names the server may be called, so that no other site's name leads here.

    A page elsewhere could let its own name point to this machine (DNS rebinding) and then read the
    answers. Addresses in numbers cannot be turned like that.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._names = {name.lower() for name in (*config.allowed_hosts, config.host)} | _LOCAL
        self._is_public = not is_local(config.host)

    def allows(self, header: str) -> bool:
        """Judge a Host header."""
        name = header.rpartition("]")[0].lstrip("[") if header.startswith("[") else ""
        name = (name or header.partition(":")[0]).lower()
        return name in self._names or (self._is_public and _is_address(name))


def is_local(host: str) -> bool:
    """Whether only this machine can reach an address to listen on."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _client(scope: Scope) -> str:
    client: Any = scope.get("client")
    return client[0] if client else ""


def _route(scope: Scope) -> str:
    """The route's own words: what a client wrote in their place does not get into the figures."""
    route = scope.get("route")
    return getattr(route, "path", "none")
