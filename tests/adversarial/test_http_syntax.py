"""Adversarial tests of HTTP: methods, malformed requests, large and unusual headers."""

import socket
import time

import pytest

from ankleboot.server.config import MIB
from helpers.adversarial import PNG
from helpers.server import Server, cpu_seconds, predict_request, read_all, request_head, statuses


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_get_405_and_unknown_paths_404(server: Server, method: str) -> None:
    for path in ("/v1/predict", "/v1/model", "/healthz", "/openapi.json"):
        response = server.request(method, path, None)
        assert response.status == 405 and response.headers["allow"], path
    assert server.request(method, "/none", None).status == 404
    assert server.get("/v1/predict").headers["allow"] == "POST"
    assert server.request("POST", "/healthz", b"").status == 405


def test_head_returns_no_body(server: Server) -> None:
    for path in ("/healthz", "/readyz", "/", "/none"):
        with server.connect() as connection:
            connection.sendall(
                request_head("HEAD", path) + request_head("GET", "/healthz", connection="close")
            )
            data = read_all(connection)
        first, _, second = data.partition(b"\r\n\r\n")
        assert second.startswith(b"HTTP/1.1 200"), path


def test_thousands_of_ranges_are_ignored(server: Server) -> None:
    ranges = "bytes=" + ",".join(f"{n}-" for n in range(5_000))
    for path in ("/metrics", "/openapi.json", "/v1/model"):
        before = cpu_seconds(server.pid)
        response = server.get(path, range=ranges)
        assert response.status == 200 and "content-range" not in response.headers
        assert cpu_seconds(server.pid) - before < 0.1


HEAD = b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\n"


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n"


MALFORMED_REQUESTS = {
    "CL and TE": HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "TE and CL": HEAD + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
    "two CL": HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
    "a list of CL": HEAD + b"content-length: 5, 5\r\n\r\nabcde",
    "CL with a sign": HEAD + b"content-length: +5\r\n\r\nabcde",
    "CL below 0": HEAD + b"content-length: -5\r\n\r\nabcde",
    "CL beyond 64 bits": HEAD + b"content-length: " + b"9" * 30 + b"\r\n\r\nabcde",
    "CL in hex": HEAD + b"content-length: 0x5\r\n\r\nabcde",
    "an unknown TE": HEAD + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "TE with a blank": HEAD + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    "a chunk's size below 0": HEAD + b"transfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
    "a chunk of no hex": HEAD + b"transfer-encoding: chunked\r\n\r\nxyz\r\n\r\n",
    "a chunk too long": HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n",
    "a folded header": HEAD + b"x: a\r\n b\r\n\r\n",
    "a header without name": HEAD + b": x\r\n\r\n",
    "NUL in a header": HEAD + b"x: a\0b\r\n\r\n",
    "bare LF": b"GET /healthz HTTP/1.1\nhost: localhost\n\n",
    "bare CR": b"GET /healthz HTTP/1.1\rhost: localhost\r\r",
    "no version": b"GET /healthz\r\n\r\n",
    "version 0.9": b"GET /healthz HTTP/0.9\r\n\r\n",
    "version 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an unknown method": b"FOO / HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "CONNECT": b"CONNECT evil:443 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303") + bytes(160),
    "NUL in the target": b"GET /\0 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "another alphabet": b"GET /\xff HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "nothing": bytes(1_000),
}


@pytest.mark.parametrize("kind", MALFORMED_REQUESTS)
def test_malformed_http_gets_400_and_closes_the_connection(server: Server, kind: str) -> None:
    data = server.send_raw(MALFORMED_REQUESTS[kind] + SMUGGLED, timeout=2)
    assert statuses(data) == [400] and not data.endswith(b"<timeout>")


def test_a_rejection_comes_after_the_responses_to_earlier_requests(server: Server) -> None:
    data = server.send_raw(predict_request(PNG) * 3 + b"nonsense\r\n\r\n" + SMUGGLED)
    assert statuses(data) == [200, 200, 200, 400]


@pytest.mark.parametrize(
    "expected",
    [
        b"GET /" + b"a" * MIB + b" HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"a" * MIB + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\n" + b"x: y\r\n" * 10_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\n" + b"x" * MIB,
    ],
    ids=["target", "header", "headers", "name"],
)
def test_large_headers_get_431(server: Server, expected: bytes) -> None:
    start = time.monotonic()
    assert statuses(server.send_raw(expected)) == [431] and time.monotonic() - start < 0.5


def test_headers_may_be_split_into_packets_anywhere(server: Server) -> None:
    """Bytes of the body that arrive with the end of the headers do not count as headers."""
    whole = predict_request(PNG + bytes(60_000), x="y" * 20_000, connection="close")
    at = whole.index(b"\r\n\r\n")
    for cut in (1, at - 1, at + 1, at + 2, at + 3, at + 4):
        with server.connect() as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(whole[:cut])
            time.sleep(0.02)
            connection.sendall(whole[cut:])
            assert statuses(read_all(connection)) == [200], cut


def test_unusual_but_valid_requests_get_responses(server: Server) -> None:
    last = request_head("GET", "/healthz", connection="close")
    upgrade = {"connection": "upgrade", "sec_websocket_key": "x", "sec_websocket_version": "13"}
    requests = [
        b"GET http://localhost/healthz HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"\r\n\r\n" + request_head("GET", "/healthz"),
        request_head("GET", "/healthz", upgrade="h2c", connection="upgrade"),
        request_head("GET", "/healthz", upgrade="websocket", **upgrade),
        request_head("GET", "/healthz", content_length="3") + b"abc",
        request_head("GET", "/healthz?" + "a=b&" * 5_000),
        request_head("GET", "/healthz") * 300,
    ]
    for request in requests:
        data = server.send_raw(request + last)
        assert set(statuses(data)) == {200} and len(statuses(data)) == request.count(b"GET ") + 1
    assert statuses(server.send_raw(b"GET /healthz HTTP/1.0\r\nhost: localhost\r\n\r\n")) == [200]
    assert statuses(
        server.send_raw(request_head("GET", "/healthz", connection="close") + SMUGGLED)
    ) == [200]


def test_100_continue_is_sent_when_expected(server: Server) -> None:
    with server.connect() as connection:
        whole = predict_request(PNG, expect="100-continue", connection="close")
        connection.sendall(whole[: -len(PNG)])
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(PNG)
        assert statuses(read_all(connection)) == [200]
        refused = request_head(content_type="x/y", content_length="99", expect="100-continue")
    with server.connect() as connection:
        connection.sendall(refused)
        assert statuses(connection.recv(1_000)) == [415]
