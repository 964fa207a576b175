"""Adversarial tests of slow clients."""

import socket
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from types import SimpleNamespace
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl

from ankleboot.server.http.protocol import TimeoutHttpProtocol
from helpers.adversarial import predict_seconds
from helpers.server import Server, config, num_open_files, request_head, wait_until


def closes_within(connection: socket.socket, seconds: float, drip: bytes = b"") -> bool:
    """Return whether the server closes, while the client sends bytes now and then."""
    connection.settimeout(0.2)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if not connection.recv(65_536):
                return True
        except TimeoutError:
            with suppress(OSError):
                connection.sendall(drip)
        except OSError:
            return True
    return False


SLOW_CLIENTS = {
    "silent": (b"", b""),
    "line breaks alone": (b"", b"\r\n"),
    "slow headers": (b"POST /v1/predict HTTP/1.1\r\nhost: loc", b"a"),
    "slow body": (request_head(content_type="image/png", content_length="9999"), b"x"),
    "slow chunks": (
        request_head(content_type="image/png", transfer_encoding="chunked"),
        b"1\r\nx\r\n",
    ),
    "slow body of a GET": (request_head("GET", "/healthz", content_length="9999"), b"x"),
    "slow body for an unknown path": (request_head("POST", "/none", content_length="9999"), b"x"),
    "idle": (request_head("GET", "/healthz"), b""),
    "idle with line breaks": (request_head("GET", "/healthz"), b"\r\n"),
    "slow headers of a second request": (request_head("GET", "/healthz") + b"GET /", b"a"),
}


def test_slow_clients_are_disconnected(short_timeouts_server: Server) -> None:
    """25 clients of each kind; an ordinary client is served at full speed meanwhile."""
    with ExitStack() as stack:
        held = []
        for kind, (first, drip) in SLOW_CLIENTS.items():
            for _ in range(25):
                connection = stack.enter_context(short_timeouts_server.connect())
                connection.sendall(first)
                held.append((kind, connection, drip))
        with ThreadPoolExecutor(len(held)) as pool:
            left = pool.map(lambda client: closes_within(client[1], 4.0, client[2]), held)
            took = [predict_seconds(short_timeouts_server) for _ in range(50)]
            remaining = Counter(
                kind for (kind, _, _), is_left in zip(held, left, strict=True) if not is_left
            )
    assert not remaining
    assert sorted(took)[-2] < 0.25  # includes the time of the 250 client threads


def test_a_client_that_reads_nothing_is_disconnected(short_timeouts_server: Server) -> None:
    time.sleep(0.2)  # connections of other tests close
    files = num_open_files(short_timeouts_server.pid)
    with short_timeouts_server.connect(1) as connection:
        with suppress(TimeoutError):  # the server stops reading while it cannot write
            connection.sendall(request_head("GET", "/openapi.json") * 2_000)
        wait_until(lambda: num_open_files(short_timeouts_server.pid) <= files, 5)


def test_a_client_that_reads_slowly_stays_connected() -> None:
    """The client must read `min_read_bytes` within each period, but not everything."""
    waiting, due, left = [10**6], list[Callable[[], None]](), list[bool]()

    def call_later(_: float, act: Callable[..., None], *given: Any) -> SimpleNamespace:
        due.append(lambda: act(*given))
        return SimpleNamespace(cancel=due.clear)

    connection = TimeoutHttpProtocol.__new__(TimeoutHttpProtocol)
    connection.limits = config(min_read_bytes=1_000)
    connection.loop = SimpleNamespace(call_later=call_later)  # type: ignore[assignment]
    connection.flow = FlowControl(SimpleNamespace())  # type: ignore[arg-type]
    connection.transport = SimpleNamespace(  # type: ignore[assignment]
        get_write_buffer_size=lambda: waiting[0], abort=lambda: left.append(True)
    )
    connection.pause_writing()
    for _ in range(6):
        waiting[0] -= 1_000
        due.pop()()
    assert not left and due
    waiting[0] -= 999
    due.pop()()
    assert left
    connection.pause_writing()
    connection.resume_writing()
    assert not due
