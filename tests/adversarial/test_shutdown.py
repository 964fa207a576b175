"""Adversarial tests of the shutdown under load."""

import os
import signal
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from helpers.adversarial import PNG, LoadClients
from helpers.server import (
    TIMEOUT_S,
    Server,
    config,
    predict_request,
    read_all,
    running_server,
    statuses,
)


def send_hundred_requests(server: Server, stack: ExitStack) -> list[socket.socket]:
    """Send requests to stopped workers; the server accepts them and cannot respond."""
    for worker in server.worker_pids():
        os.kill(worker, signal.SIGSTOP)
    held = [stack.enter_context(server.connect()) for _ in range(100)]
    for connection in held:
        connection.sendall(predict_request(PNG))
    time.sleep(0.2)
    return held


def test_every_accepted_request_gets_its_response_at_shutdown() -> None:
    options = ("--workers", "2", "--log", "json", "--drain-seconds", "0.5")
    with running_server(*options) as server, ExitStack() as stack:
        server.wait_for_workers(2)
        idle = stack.enter_context(server.connect())
        held = send_hundred_requests(server, stack)
        start = time.monotonic()
        server.send_signal(signal.SIGTERM)
        time.sleep(0.05)
        assert server.get("/readyz").code == "draining"
        assert time.monotonic() - start < 0.3
        late = server.get("/healthz")  # still gets a response, which closes the connection
        assert late.status == 200 and late.headers["connection"] == "close"
        for worker in server.worker_pids():
            os.kill(worker, signal.SIGCONT)
        responses = [read_all(connection) for connection in held]
        assert [statuses(response) for response in responses] == [[200]] * 100
        assert all(
            b"connection: close" in response and b"Ankle boot" in response for response in responses
        )
        assert read_all(idle) == b""
        assert server.process.wait(TIMEOUT_S) == 0 and time.monotonic() - start < 10


@pytest.mark.slow
def test_requests_that_outlast_the_shutdown_get_503() -> None:
    """A worker that hangs and a client that never finishes its body."""
    with running_server(config=config(shutdown_grace_s=1)) as server, ExitStack() as stack:
        held = send_hundred_requests(server, stack)[:3]
        unfinished = stack.enter_context(server.connect())
        unfinished.sendall(predict_request(PNG)[:-1])
        time.sleep(0.1)
        (worker,) = server.worker_pids()
        start = time.monotonic()
        server.send_signal(signal.SIGTERM)
        responses = [read_all(connection) for connection in (*held, unfinished)]
        assert [statuses(response) for response in responses] == [[503]] * 4
        assert all(b"draining" in response for response in responses)
        assert server.process.wait(TIMEOUT_S) == 0 and time.monotonic() - start < 5
        assert is_dead(worker)


def is_dead(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return ") Z" in Path(f"/proc/{pid}/stat").read_text()
    return True


def test_a_second_signal_stops_the_server_at_once() -> None:
    with running_server("--workers", "1", "--log", "json") as server, ExitStack() as stack:
        send_hundred_requests(server, stack)
        (worker,) = server.worker_pids()
        server.send_signal(signal.SIGTERM)
        time.sleep(1)
        assert server.process.poll() is None
        start = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert server.process.wait(TIMEOUT_S) == 0 and time.monotonic() - start < 3
        assert is_dead(worker)


@pytest.mark.slow
def test_twenty_shutdowns_under_load_lose_no_request() -> None:
    for _ in range(20):
        with running_server("--workers", "2", "--log", "off", "--drain-seconds", "0.3") as server:
            load = LoadClients(server, 8)
            time.sleep(0.3)
            server.send_signal(signal.SIGTERM)
            assert server.process.wait(TIMEOUT_S) == 0
            load.stop()
            assert set(load.statuses) == {200}, load.statuses


def test_sigint_exits_with_130() -> None:
    with running_server("--workers", "1", "--log", "off") as server:
        server.send_signal(signal.SIGINT)
        assert server.process.wait(TIMEOUT_S) == 130
