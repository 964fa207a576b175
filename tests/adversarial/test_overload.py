"""Adversarial tests of a full queue."""

import json
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress

import pytest

from helpers.adversarial import PNG, read_response
from helpers.server import Server, predict_request, read_all, request_head, send, statuses


def flood(server: Server, number: int, request: bytes) -> tuple[Counter[int | str], list[bytes]]:
    """Send a request on many connections; return the statuses, and the bodies of those with 200."""
    with ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in range(number)]

        def send(connection: socket.socket) -> None:
            with suppress(OSError):
                connection.sendall(request)

        with ThreadPoolExecutor(32) as pool:
            list(pool.map(send, connections))
            responses = list(pool.map(read_response, connections))
    counts: Counter[int | str] = Counter()
    for response in responses:
        status = statuses(response)[0] if statuses(response) else response[-20:].decode()
        counts[status] += 1
        assert status != 503 or b"\r\nretry-after: 1\r\n" in response
        assert b"\r\nx-request-id: " in response or not statuses(response)
    return counts, [
        response.partition(b"\r\n\r\n")[2] for response in responses if statuses(response) == [200]
    ]


@pytest.mark.parametrize("more", [0, 300_000], ids=["small", "300 kB"])
def test_each_of_a_thousand_clients_gets_a_response(small_queue_server: Server, more: int) -> None:
    """Also clients that still send when they are rejected; a reset would lose the response."""
    expected = small_queue_server.post(PNG).json
    counts, bodies = flood(
        small_queue_server, 1_000 if not more else 200, predict_request(PNG + bytes(more))
    )
    assert set(counts) <= {200, 503} and counts[200] >= 9 and counts[503] > 10
    assert all(json.loads(body) == expected for body in bodies)
    assert small_queue_server.metric("ankleboot_requests_waiting") == 0


def test_a_rejection_takes_a_few_milliseconds(stalled_server: Server) -> None:
    with closing(stalled_server.client()) as client:
        took = []
        for _ in range(200):
            start = time.monotonic()
            response = send(client, "POST", "/v1/predict", PNG, content_type="image/png")
            took.append(time.monotonic() - start)
            assert (response.status, response.code) == (503, "overloaded")
    assert sorted(took)[-4] < 0.05


def test_a_rejection_keeps_to_the_rules_of_http(stalled_server: Server) -> None:
    """The connection rejects requests without the application, with the same results."""
    predict = predict_request(PNG)
    alive = request_head("GET", "/healthz", connection="close")
    # responses in the order of a pipeline of any depth
    data = stalled_server.send_raw(request_head("GET", "/healthz") + predict * 1_500 + alive)
    assert statuses(data) == [200] + [503] * 1_500 + [200]
    # a body in two chunks; the connection stays open
    with stalled_server.connect() as connection:
        for _ in range(3):
            connection.sendall(predict[:-50])
            assert statuses(read_response(connection)) == [503]
            connection.sendall(predict[-50:])
        connection.sendall(alive)
        assert statuses(read_all(connection)) == [200]
    # the connection closes on request, and for a client that waits for "100 Continue"
    for header in ({"connection": "close"}, {"expect": "100-continue"}):
        data = stalled_server.send_raw(predict_request(PNG, **header))
        assert statuses(data) == [503] and b"\r\nconnection: close\r\n" in data
    # only predictions are rejected
    assert stalled_server.get("/v1/predict").status == 405
    assert stalled_server.request("HEAD", "/v1/predict", b"").body == b""
    response = stalled_server.post(PNG, x_request_id="mine")
    assert (
        response.headers["x-request-id"] == "mine" and "content-security-policy" in response.headers
    )
