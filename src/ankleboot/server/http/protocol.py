"""uvicorn's HTTP/1.1 protocol with timeouts for headers, refused bodies and stalled readers.

uvicorn alone waits without limit in these three cases; a few hundred such clients would hold all
its connections.
"""

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import ApiError, queue_full_error
from ankleboot.server.http.access_log import AccessLog
from ankleboot.server.http.middleware import UNKNOWN_ROUTE
from ankleboot.server.http.prometheus import ServerMetrics
from ankleboot.server.http.security_headers import SECURITY_HEADERS, request_id
from ankleboot.server.workers.dispatcher import Dispatcher

PREDICT_PATH = "/v1/predict"
CONNECTION = "ankleboot.connection"  # extension of the scope: {"is_closing": function}


class TimeoutHttpProtocol(HttpToolsProtocol):
    """One connection.

    Args:
        limits: Timeouts and sizes.
        dispatcher: Knows whether there is room for a prediction.
        log: Log of the requests that this class rejects before the application.
        metrics: Counter of these requests.
        uvicorn: Arguments of uvicorn's protocol.
    """

    _header_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None
    _active: RequestResponseCycle | None = None  # request that the application has
    _pending_error: ApiError | None = None  # sent after the responses to earlier requests
    _header_bytes = 0  # of this request
    _unparsed_bytes = 0  # since the parser last reported something
    _discarded_bytes = 0  # of this request's body
    _close_after_body = False

    def __init__(
        self,
        limits: ServerConfig,
        dispatcher: Dispatcher,
        log: AccessLog,
        metrics: ServerMetrics,
        *uvicorn: Any,
    ) -> None:
        super().__init__(*uvicorn)
        self.limits, self._dispatcher, self._log, self._metrics = limits, dispatcher, log, metrics

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_header_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers, and tell the active request that the client has disconnected."""
        for timer in (self._header_timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        if self._active is not None:  # uvicorn tells the newest request, which may wait for others
            self._active.disconnected = True
            self._active.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse bytes of requests.

        uvicorn's own method restarts the keep-alive timer with every byte, even between requests,
        and drops the bytes after a request to upgrade to another protocol.
        """
        if self._pending_error is not None or self.transport.is_closing():
            return
        self._unparsed_bytes += len(data)
        try:
            while data:
                try:
                    self.parser.feed_data(data)
                    break
                except httptools.HttpParserUpgrade as upgrade:  # stay with HTTP/1.1
                    data = data[upgrade.args[0] :]
        except httptools.HttpParserError:
            is_too_large = self._header_bytes > self.limits.max_header_bytes
            self.reject(_HEADERS_TOO_LARGE if is_too_large else _MALFORMED)
        else:
            if self._unparsed_bytes > self.limits.max_header_bytes:
                self.reject(_HEADERS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self.scope["extensions"] = {CONNECTION: {"is_closing": self.transport.is_closing}}
        self._header_bytes = self._discarded_bytes = 0
        self._close_after_body = False
        if self._header_timer is None:
            self._start_header_timer()

    def on_url(self, url: bytes) -> None:
        self._count_header_bytes(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; ignore trailers, which follow a body in chunks."""
        self._count_header_bytes(len(name) + len(value) + 4)
        if self._header_timer is not None:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._unparsed_bytes = 0
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None
        self._unset_keepalive_if_required()
        target, headers = self.url, self.headers
        if not target.startswith((b"/", b"*")):  # "http://host/path", as clients send it to proxies
            host = (b"host", target.partition(b"://")[2].partition(b"/")[0])
            if host not in headers:  # two different hosts, which the application refuses
                headers.append(host)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take bytes of a body; discard them if the response is complete."""
        self._unparsed_bytes = 0
        if self.cycle.response_complete:
            self._discarded_bytes += len(body)
            # the system resets a connection that is closed with bytes unread: the response is lost
            if self._discarded_bytes > self.limits.max_body_bytes:
                self.transport.close()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unparsed_bytes = 0
        super().on_message_complete()
        self.cycle.more_body = False
        if self._close_after_body:
            self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Start a request, or reject it at once.

        An overloaded server rejects most requests. A rejection here takes a small fraction of the
        time that the application would need for it.
        """
        self._active = cycle
        scope = cycle.scope
        is_prediction = scope["path"] == PREDICT_PATH and scope["method"] == "POST"
        if is_prediction and self._dispatcher.is_full:
            self._reject_active(cycle)
        else:
            super()._start_asgi_task(cycle, app)

    def _reject_active(self, cycle: RequestResponseCycle) -> None:
        # a client that waits for "100 Continue" may send the body or leave it out
        closes = not cycle.keep_alive or cycle.waiting_for_100_continue
        identifier = request_id(cycle.scope["headers"])
        self.transport.write((_QUEUE_FULL_CLOSE if closes else _QUEUE_FULL) % identifier)
        self._record(identifier, "POST", PREDICT_PATH, 503)
        cycle.response_complete = True
        if closes and not cycle.more_body:
            self.transport.close()
        self._close_after_body = closes
        if self.pipeline:  # a call would recurse once for each of hundreds of requests
            self.loop.call_soon(self.on_response_complete)
        else:
            self.on_response_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request of the pipeline, or send the pending error."""
        self._active = None
        super().on_response_complete()
        if self._active is None and self._pending_error is not None:
            self.reject(self._pending_error)

    def pause_writing(self) -> None:
        self._start_write_timer()
        super().pause_writing()

    def resume_writing(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
        super().resume_writing()

    def reject(self, error: ApiError) -> None:
        """Send an error after the responses to earlier requests, and close the connection."""
        active = self._active
        if active is not None and not active.more_body:
            self._pending_error = error
            return
        if self.transport.is_closing():
            return
        if active is None or not active.response_started:
            identifier = request_id([])
            self.transport.write(_response_template(error, closes=True) % identifier)
            self._record(identifier, "", UNKNOWN_ROUTE, error.status)
        self.transport.close()

    def _record(self, identifier: bytes, method: str, route: str, status: int) -> None:
        """Count and log a request that never reaches the application."""
        self._metrics.count_request(route, status, 0.0)
        self._log.request(
            request_id=identifier.decode(),
            method=method,
            route=route,
            status=status,
            client=self.client[0] if self.client else "",
        )

    def _count_header_bytes(self, num_bytes: int) -> None:
        """Count bytes of headers, and stop the parser, which would collect them without limit."""
        self._header_bytes += num_bytes
        if self._header_bytes > self.limits.max_header_bytes:
            raise ValueError("headers too large")

    def _start_header_timer(self) -> None:
        timeout_s = self.limits.header_timeout_s
        self._header_timer = self.loop.call_later(timeout_s, self.transport.abort)

    def _start_write_timer(self) -> None:
        waiting_bytes = self.transport.get_write_buffer_size()
        self._write_timer = self.loop.call_later(
            self.limits.write_stall_timeout_s, self._abort_if_stalled, waiting_bytes
        )

    def _abort_if_stalled(self, earlier_bytes: int) -> None:
        if self.transport.get_write_buffer_size() > earlier_bytes - self.limits.min_read_bytes:
            self.transport.abort()
        else:
            self._start_write_timer()


def _response_template(error: ApiError, *, closes: bool) -> bytes:
    """Return a whole response with a placeholder for the request id."""
    headers = [*SECURITY_HEADERS, *error.headers, (b"x-request-id", b"%b")]
    headers += [(b"connection", b"close")] * closes
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return httptools_impl.STATUS_LINE[error.status] + lines + b"\r\n" + error.body


_MALFORMED = ApiError(400, "bad_request", "The bytes are not a valid HTTP request.")
_HEADERS_TOO_LARGE = ApiError(431, "headers_too_large", "The headers are too large.")
_QUEUE_FULL = _response_template(queue_full_error(), closes=False)
_QUEUE_FULL_CLOSE = _response_template(queue_full_error(), closes=True)
