"""uvicorn's HTTP/1.1 protocol with timeouts for headers, refused bodies and stalled readers.

uvicorn alone waits without limit in these three cases; a few hundred such clients would hold all
its connections.
"""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import httptools
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import RequestProblem, overloaded
from ankleboot.server.http.security_headers import SECURITY, request_id

PREDICT = "/v1/predict"
CONNECTION = "ankleboot.connection"  # among a scope's extensions: {"is_closing": function}


class Rejection(NamedTuple):
    """A request that the connection answers itself.

    Attributes:
        request_id: Identifier in the response.
        method: Method, or nothing where the bytes are no request.
        route: Route, or "none".
        status: Status of the response.
        client: Address and port of the client.
    """

    request_id: bytes
    method: str
    route: str
    status: int
    client: tuple[str, int] | None


class Protocol(HttpToolsProtocol):
    """One connection.

    Attributes:
        limits: Timeouts and sizes. `serve` sets this and the next two on a subclass, because
            uvicorn creates the connections.
        is_full: Return whether the queue has no room for a prediction.
        rejected: Count and log a request that is answered here and does not reach the application.
    """

    limits: ServerConfig
    is_full: Callable[[], bool]
    rejected: Callable[[Rejection], None]
    _headers_due: asyncio.TimerHandle | None = None
    _reading_due: asyncio.TimerHandle | None = None
    _working: RequestResponseCycle | None = None  # on this request
    _refusal: RequestProblem | None = None  # for when what was asked before it is answered
    _header_bytes = 0  # of this request
    _silent_bytes = 0  # since the parser has last found something in them
    _ignored_bytes = 0  # of this request
    _hangs_up = False  # once this request's body is through

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        super().connection_made(transport)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has left."""
        self._headers_came()
        self._has_read()
        if self._working is not None:  # uvicorn tells the newest request, which may wait for others
            self._working.disconnected = True
            self._working.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes.

        uvicorn's own would let any of them prolong a connection's rest, also such as begin no
        request, and would forget what follows a wish for another protocol.
        """
        if self._refusal is not None or self.transport.is_closing():
            return
        self._silent_bytes += len(data)
        try:
            while data:
                try:
                    self.parser.feed_data(data)
                    break
                except httptools.HttpParserUpgrade as upgrade:  # we stay with this one
                    data = data[upgrade.args[0] :]
        except httptools.HttpParserError:
            is_long = self._header_bytes > self.limits.max_header_bytes
            self.refuse(_TOO_MUCH if is_long else _NO_HTTP)
        else:
            if self._silent_bytes > self.limits.max_header_bytes:
                self.refuse(_TOO_MUCH)

    def on_message_begin(self) -> None:
        """The first line of a request."""
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self.scope["extensions"] = {CONNECTION: {"is_closing": self.transport.is_closing}}
        self._header_bytes = self._ignored_bytes = 0
        self._hangs_up = False
        if self._headers_due is None:
            self._expect_headers()

    def on_url(self, url: bytes) -> None:
        """A part of the request's target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; or one that follows a body in chunks, of which there is none that we heed."""
        self._count(len(name) + len(value) + 4)
        if self._headers_due is not None:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The request can be worked on."""
        self._silent_bytes = 0
        self._headers_came()
        self._unset_keepalive_if_required()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body, which may be without interest by now."""
        self._silent_bytes = 0
        if self.cycle.response_complete:
            self._ignored_bytes += len(body)
            # a connection closed with bytes unread is reset, and loses the response
            if self._ignored_bytes > self.limits.max_body_bytes:
                self.transport.close()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request."""
        self._silent_bytes = 0
        super().on_message_complete()
        self.cycle.more_body = False
        if self._hangs_up:
            self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Start a request, or reject it at once.

        Under overload the server rejects most requests. A rejection here takes a small part of the
        time of one by the application.
        """
        self._working = cycle
        scope = cycle.scope
        if scope["path"] != PREDICT or scope["method"] != "POST" or not self.is_full():
            super()._start_asgi_task(cycle, app)
            return
        # who waits for "100 Continue" may or may not send the body now
        hangs_up = not cycle.keep_alive or cycle.waiting_for_100_continue
        form = _QUEUE_FULL_CLOSE if hangs_up else _QUEUE_FULL
        identifier = request_id(scope["headers"])
        self.transport.write(form % identifier)
        self.rejected(Rejection(identifier, "POST", PREDICT, 503, self.client))
        cycle.response_complete = True
        if hangs_up and not cycle.more_body:
            self.transport.close()
        self._hangs_up = hangs_up
        if self.pipeline:  # of hundreds, each would be turned away inside of the one before
            self.loop.call_soon(self.on_response_complete)
        else:
            self.on_response_complete()

    def on_response_complete(self) -> None:
        """A request was answered; there may be others that came with it."""
        self._working = None
        super().on_response_complete()
        if self._working is None and self._refusal is not None:
            self.refuse(self._refusal)

    def pause_writing(self) -> None:
        """The client reads more slowly than it is written to."""
        self._expect_reading()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It reads."""
        self._has_read()
        super().resume_writing()

    def refuse(self, problem: RequestProblem) -> None:
        """Answer what is no request, after those before it, and hang up."""
        working = self._working
        if working is not None and not working.more_body:
            self._refusal = problem
            return
        if self.transport.is_closing():
            return
        if working is None or not working.response_started:
            identifier = request_id([])
            self.transport.write(_form(problem, closes=True) % identifier)
            self.rejected(Rejection(identifier, "", "none", problem.status, self.client))
        self.transport.close()

    def _count(self, num_bytes: int) -> None:
        """Note bytes of headers; the parser, which would collect them without end, is stopped."""
        self._header_bytes += num_bytes
        if self._header_bytes > self.limits.max_header_bytes:
            raise ValueError("headers too large")

    def _expect_headers(self) -> None:
        self._headers_due = self.loop.call_later(self.limits.header_timeout_s, self.transport.abort)

    def _headers_came(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None

    def _expect_reading(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        self._reading_due = self.loop.call_later(
            self.limits.write_stall_timeout_s, self._judge_reading, waiting
        )

    def _judge_reading(self, waited: int) -> None:
        if self.transport.get_write_buffer_size() > waited - self.limits.min_read_bytes:
            self.transport.abort()
        else:
            self._expect_reading()

    def _has_read(self) -> None:
        if self._reading_due is not None:
            self._reading_due.cancel()
            self._reading_due = None


def _form(problem: RequestProblem, *, closes: bool) -> bytes:
    """An answer, but for the request's number."""
    headers = [*SECURITY, *problem.headers, (b"x-request-id", b"%b")]
    if closes:
        headers.append((b"connection", b"close"))
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return STATUS_LINE[problem.status] + lines + b"\r\n" + problem.body


_NO_HTTP = RequestProblem(400, "bad_request", "This is no valid HTTP request.")
_TOO_MUCH = RequestProblem(431, "headers_too_large", "The headers are too large.")
_QUEUE_FULL = _form(overloaded(), closes=False)
_QUEUE_FULL_CLOSE = _form(overloaded(), closes=True)
