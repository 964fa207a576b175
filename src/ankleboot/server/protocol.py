"""HTTP as uvicorn speaks it, without patience for clients that never finish.

uvicorn waits for ever for a request's headers and for a reader that reads nothing; a few hundred
such clients would hold all its connections.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from ankleboot.server.headers import SECURITY
from ankleboot.server.problems import OVERLOADED, RequestProblem

HEADERS_WITHIN = 10.0  # seconds from a request's first byte, or the connection, to its headers' end
READ_WITHIN = 15.0  # seconds in which a client must take something of what waits for it
HEADER_BYTES = 32 * 1024  # of a request
IGNORED_BYTES = 64 * 1024  # of a body whose request was turned away
PREDICT = "/v1/predict"
CONNECTION = "ankleboot.connection"  # among a scope's extensions: {"is_closing": function}


class Protocol(HttpToolsProtocol):
    """One connection.

    Attributes:
        is_full: Whether predictions have to be turned away; set by who makes the class.
        turned_away: Called for each of them.
    """

    is_full: Callable[[], bool]
    turned_away: Callable[[], None]
    _headers_due: asyncio.TimerHandle | None = None
    _reading_due: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        super().connection_made(transport)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has left."""
        self._headers_came()
        self._has_read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes; those of a head are counted, since httptools would collect them without end."""
        if self._headers_due is not None:
            self._header_bytes += len(data)
            if self._header_bytes > HEADER_BYTES and not self._begins_with_a_head(data):
                self.refuse(RequestProblem(431, "headers_too_large", "The headers are too large."))
                return
        super().data_received(data)

    def _begins_with_a_head(self, data: bytes) -> bool:
        """Whether the head ends in these bytes; the rest of them is the body's begin."""
        return b"\r\n\r\n" in data and self._header_bytes - len(data) <= HEADER_BYTES

    def on_message_begin(self) -> None:
        """The first line of a request."""
        super().on_message_begin()
        self.scope["extensions"] = {CONNECTION: {"is_closing": self.transport.is_closing}}
        if self._headers_due is None:
            self._expect_headers()

    def on_headers_complete(self) -> None:
        """The request can be worked on."""
        self._headers_came()
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Begin to work on a request, or turn it away at once.

        Under overload most requests are turned away, and each should cost next to nothing: this
        takes a tenth of what the way through the application does.
        """
        if cycle.scope["path"] != PREDICT or not self.is_full():
            super()._start_asgi_task(cycle, app)
            return
        self.turned_away()
        self.transport.write(_TURNED_AWAY)
        cycle.response_complete = True
        if _is_long(cycle.scope["headers"]):
            self.transport.close()
        self.on_response_complete()

    def pause_writing(self) -> None:
        """The client reads more slowly than it is written to."""
        self._reading_due = self.loop.call_later(READ_WITHIN, self.transport.abort)
        super().pause_writing()

    def resume_writing(self) -> None:
        """It reads."""
        self._has_read()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Answer what is no HTTP."""
        self.refuse(RequestProblem(400, "bad_request", "This is no valid HTTP request."))

    def refuse(self, problem: RequestProblem) -> None:
        """Answer and hang up."""
        self.transport.write(_answer(problem, (b"connection", b"close")))
        self.transport.close()

    def _expect_headers(self) -> None:
        self._header_bytes = 0
        self._headers_due = self.loop.call_later(HEADERS_WITHIN, self.transport.abort)

    def _headers_came(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None

    def _has_read(self) -> None:
        if self._reading_due is not None:
            self._reading_due.cancel()
            self._reading_due = None


def _answer(problem: RequestProblem, *headers: tuple[bytes, bytes]) -> bytes:
    lines = b"".join(b"%b: %b\r\n" % line for line in (*SECURITY, *problem.headers, *headers))
    return b"%b%b\r\n%b" % (STATUS_LINE[problem.status], lines, problem.body)


_TURNED_AWAY = _answer(OVERLOADED)


def _is_long(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a body follows that is too long to be read for nothing."""
    declared = next((value for name, value in headers if name == b"content-length"), b"")
    return not declared.isdigit() or int(declared) > IGNORED_BYTES
