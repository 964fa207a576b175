"""Promise of the server: no request, however wrong, brings a 500 or harms the next one."""

import json
import random
import socket
from typing import Any

from PIL import Image

from ankleboot.data.load import load_data
from helpers.server import Server, read_all, request_head, running_server, statuses
from soak.fuzz import request_seeds, seeds
from soak.fuzz.mutate import BYTES, mutate_json
from soak.promise import Broken, Cases, Outcome, Promise
from soak.threads import run_in_threads

NUM_CLIENTS = 4
TIMEOUT_S = 20.0
PROBE_EVERY = 50  # mutated requests to a good one
PATHS: tuple[str, ...] = (
    "/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/v1/model",
    "/v1/predict",
    "/docs",
)
PATHS += ("/openapi.json", "/v1/explain", "/none", "/static/app.js", "/v2", "/v2/health/ready")
INFER = "/v2/models/pretrained/infer"
PATHS += (INFER, INFER.removesuffix("/infer"), "/v2/models/\xff/versions/0/infer")
HEADERS = (
    "host: evil.example", "host: [::1].evil.com", "host:", "content-length: 10", "expect: x",
    "content-length: -1", "content-length: 99999999999999999999", "transfer-encoding: chunked",
    "transfer-encoding: gzip, chunked", "connection: upgrade", "upgrade: h2c", "range: bytes=0-9",
    "content-encoding: gzip", "accept: */*;q=x", "origin: null", "x-request-id: \x01",
    "content-type: multipart/form-data; boundary=", "content-type: image/png\r\n folded: x",
    "cookie: " + "a=b;" * 500, "authorization: Bearer \xff", "if-none-match: *", "te: trailers",
)  # fmt: skip


def check(cases: Cases) -> Outcome:
    good = seeds.encoded(Image.fromarray(load_data("sample").test.images[0]), "PNG")
    with running_server("--workers", "1", "--log", "off", "--v2") as server:
        expected = server.post(good).json["predictions"]
        workers = server.worker_pids()

        def send(number: int, draw: random.Random) -> str:
            failure = _failure(server, _mutated(draw, good))
            if not failure and number % PROBE_EVERY == 0:
                failure = _probe(server, good, expected)
            return failure

        outcome = run_in_threads(cases, [("requests", send)] * NUM_CLIENTS)
        with outcome.case(-1, "the server afterwards"):
            if failure := _probe(server, good, expected):
                raise Broken(failure)
            if server.worker_pids() != workers:
                raise Broken("a worker was replaced")
    return outcome


def _mutated(draw: random.Random, image: bytes) -> bytes:
    """Return the bytes of a request with mutations of its head, its body or both."""
    document = json.dumps({"images": ["aGVsbG8=", "QUJD"]}).encode()
    path, body, kind = draw.choice(
        [
            ("/v1/predict", image, "image/png"),
            ("/v1/predict", request_seeds.forms()[1], "multipart/form-data; boundary=b"),
            ("/v1/predict", document, "application/json"),
            (INFER, draw.choice(request_seeds.tensor_documents()), "application/json"),
        ]
    )
    if draw.random() < 0.5:
        body = mutate_json(body, draw) if kind == "application/json" else body
        body = draw.choice(BYTES)(body, image, draw)
    if draw.random() < 0.4:
        method = draw.choice(("GET", "HEAD", "PUT", "OPTIONS", "POST", "TRACE", "get", "\xff"))
        head = request_head(method, draw.choice(PATHS), content_length=str(len(body)))
        request = head + body
    elif draw.random() < 0.3:
        head = request_head("POST", path, content_type=kind, transfer_encoding="chunked")
        request = head + _chunks(body, draw)
    else:
        head = request_head("POST", path, content_type=kind, content_length=str(len(body)))
        request = head + body
    if draw.random() < 0.4:
        line = draw.choice(HEADERS).encode("latin-1") + b"\r\n"
        request = request.replace(b"\r\n\r\n", b"\r\n" + line + b"\r\n", 1)
    if draw.random() < 0.5:
        head, end, rest = request.partition(b"\r\n\r\n")
        request = draw.choice(BYTES)(head, request, draw) + end + rest
    return request * draw.choice((1, 1, 1, 2))


def _chunks(body: bytes, draw: random.Random) -> bytes:
    size = draw.choice((1, 7, 1000))
    pieces = [body[start : start + size] for start in range(0, min(len(body), 64 * size), size)]
    text = b"".join(b"%x\r\n" % len(piece) + piece + b"\r\n" for piece in pieces)
    return text + draw.choice((b"0\r\n\r\n", b"0\r\nx: y\r\n\r\n", b"-1\r\n", b"fffffffff\r\nx"))


def _failure(server: Server, request: bytes) -> str:
    """Send a request; return what is wrong with the response, or ""."""
    with server.connect(TIMEOUT_S) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused already
        answer = read_all(connection)
    if answer.endswith(b"<timeout>"):
        return f"no end of the response to {request[:80]!r}"
    if found := [status for status in statuses(answer) if status >= 500 and status != 503]:
        return f"status {found[0]} for {request[:200]!r}"
    return ""


def _probe(server: Server, image: bytes, expected: Any) -> str:
    response = server.post(image)
    if response.status != 200 or response.json["predictions"] != expected:
        return f"a good request gets {response.status} {response.body[:200]!r}"
    return ""


REQUESTS = Promise(
    "requests",
    "mutated requests without a 500, and the server right after them",
    check,
    weight=1,
    goal=5_000,
    short_goal=200,
)
