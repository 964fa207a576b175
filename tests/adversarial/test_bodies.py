"""Adversarial tests of request bodies: too large, chunked, malformed forms, base64 and JSON."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest

from ankleboot.server.config import MIB
from ankleboot.server.schemas import EXAMPLE_IMAGE_BASE64
from helpers.adversarial import (
    FORM,
    JSON,
    MAX_BODY_BYTES,
    PNG,
    chunked,
    file_headers,
    form_body,
    json_body,
    memory_growth,
    read_response,
)
from helpers.server import (
    Server,
    config,
    cpu_seconds,
    memory_mib,
    request_head,
    running_server,
    statuses,
)


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, MAX_BODY_BYTES + 5 * MIB])
def test_a_body_declared_too_large_is_rejected_without_reading_it(
    server: Server, size: int
) -> None:
    def send(_: int) -> None:
        head = request_head(content_type="image/png", content_length=str(size))
        data = server.send_raw(head, b"x" * size)
        assert statuses(data) == [413] and b"too_large" in data and b"connection: close" in data

    def send_eight() -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(send, range(8)))

    assert memory_growth(send_eight, server.pid, *server.worker_pids()) < 20


def test_ordinary_clients_receive_the_reason_of_a_rejection(server: Server) -> None:
    """http.client raises if it cannot send the whole body, and then reads no response."""
    assert server.post(b"x" * (MAX_BODY_BYTES + 1)).code == "too_large"
    assert server.post(b"x" * 5 * MIB, "text/plain").code == "unsupported_type"


def test_the_server_reads_no_more_than_the_limit(server: Server) -> None:
    """The buffers of both sockets hold what the client can send beyond the limit."""
    sent, piece = 0, b"x" * 65_536
    with server.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        connection.sendall(
            request_head(content_type="image/png", content_length=str(10 * MAX_BODY_BYTES))
        )
        with suppress(OSError):
            while True:
                connection.sendall(piece)
                sent += len(piece)
    assert MAX_BODY_BYTES / 2 < sent < MAX_BODY_BYTES + 8 * MIB


def test_a_chunked_body_is_rejected_once_it_is_too_large() -> None:
    limit = 256 * 1024
    with running_server("--workers", "1", "--max-body", str(limit), "--log", "off") as server:
        headers = {"content_type": "image/png", "transfer_encoding": "chunked"}
        head, last_head = request_head(**headers), request_head(**headers, connection="close")
        server.post(PNG)

        def send() -> None:
            for _ in range(10):
                assert statuses(server.send_raw(head, chunked(b"x" * 4 * MIB))) == [413]
            assert statuses(server.send_raw(last_head, chunked(b"x" * limit))) == [422]  # just fits

        assert memory_growth(send, server.pid, *server.worker_pids()) < 10


def test_memory_does_not_grow_with_the_largest_bodies(server: Server) -> None:
    """Each process keeps the memory of item body for the next item."""
    body = PNG + bytes(MAX_BODY_BYTES - len(PNG))
    for _ in range(6):
        assert server.post(body).status == 200
    before = memory_mib(server.pid, *server.worker_pids())
    for _ in range(4):
        assert server.post(body).status == 200
    assert memory_mib(server.pid, *server.worker_pids()) - before < 20


def test_arriving_bodies_share_one_memory_limit() -> None:
    """Each body is within the limit and unfinished; small ones are read all the time."""
    small_queue = config(max_queue_bytes=4 * MIB)
    with running_server(config=small_queue) as server, ExitStack() as stack:
        server.post(PNG)
        head = request_head(content_type="image/png", content_length=str(MIB)) + bytes(MIB - 1)

        def send() -> None:
            for _ in range(8):
                connection = stack.enter_context(server.connect())
                connection.sendall(head)
                held.append(connection)

        held: list[socket.socket] = []
        assert memory_growth(send, server.pid) < 20
        time.sleep(0.2)
        data = b"".join(received(connection) for connection in held)
        assert statuses(data) == [503] * 4 and data.count(b"overloaded") == 4
        assert server.post(PNG).status == 200
        stack.close()
        time.sleep(0.1)
        assert server.post(PNG + bytes(2 * MIB)).status == 200  # after the others are gone


def received(connection: socket.socket) -> bytes:
    """Return the bytes that have arrived."""
    connection.setblocking(False)
    with suppress(BlockingIOError):
        return connection.recv(65_536)
    return b""


def test_trailers_and_chunk_extensions_are_limited(short_timeouts_server: Server) -> None:
    """They are not part of the body, so its limit does not count them."""
    head = request_head(content_type="image/png", transfer_encoding="chunked")
    for rest in (b"0\r\n" + b"x: y\r\n" * 10**6, b"0\r\nx: " + b"y" * 10**6, b"5;" + b"x" * 10**6):
        start = time.monotonic()
        data = short_timeouts_server.send_raw(head, rest)
        assert statuses(data) == [431] and time.monotonic() - start < 0.5


DATA_URL = f"data:image/png;base64,{EXAMPLE_IMAGE_BASE64}"
FIELD = 'Content-Disposition: form-data; name="x"'
NESTED = file_headers(type="multipart/mixed; boundary=c")
MALFORMED_FORMS = {
    "no boundary in the type": (b"--b\r\n\r\n\r\n--b--\r\n", "multipart/form-data"),
    "an empty boundary": (b"--\r\n\r\n\r\n----\r\n", "multipart/form-data; boundary="),
    "a boundary of 400": (b"", "multipart/form-data; boundary=" + "b" * 400),
    "no closing boundary": (form_body((file_headers(), PNG))[:-8], FORM),
    "headers without an end": (b"--b\r\n" + file_headers().encode(), FORM),
    "10,000 parts": (form_body(*[(file_headers(), b"x")] * 10_000), FORM),
    "10,000 fields": (
        form_body(*[(FIELD, b"")] * 10_000),
        FORM,
    ),
    "headers of 1 MB": (form_body((file_headers() + "\r\nX: " + "x" * MIB, PNG)), FORM),
    "1,000 headers": (form_body((file_headers() + "\r\nX: x" * 1_000, PNG)), FORM),
    "a header without a name": (b"--b\r\n: x\r\n\r\nx\r\n--b--\r\n", FORM),
    "junk before the form": (b"junk\r\n" * 200_000 + form_body((file_headers(), PNG)), FORM),
    "line breaks before the form": (b"\r\n" * 500_000, FORM),
    "another boundary": (form_body((file_headers(), PNG)).replace(b"--b", b"--c"), FORM),
    "almost boundaries": (b"--b\r\n\r\n" + b"\r\n--" * 300_000, FORM),
    "a nested form": (
        form_body((NESTED, b"--c\r\n\r\n\r\n--c--\r\n")),
        FORM,
    ),
    "a field in place of a file": (
        form_body((FIELD, PNG)),
        FORM,
    ),
    "no Content-Disposition": (form_body(("Content-Type: image/png", PNG)), FORM),
    "only the closing boundary": (b"--b--\r\n", FORM),
    "empty": (b"", FORM),
}


@pytest.mark.parametrize("kind", MALFORMED_FORMS)
def test_a_malformed_form_is_rejected_at_little_cost(server: Server, kind: str) -> None:
    body, type = MALFORMED_FORMS[kind]
    before = cpu_seconds(server.pid, *server.worker_pids())
    response = server.post(body, type)
    took = cpu_seconds(server.pid, *server.worker_pids()) - before
    assert response.status in (400, 413, 415, 422) and response.json["error"]["message"]
    assert took <= 0.1


def test_bytes_after_a_form_are_ignored_without_a_log_line(server: Server) -> None:
    before = len(server.log_text())
    response = server.post(form_body((file_headers(), PNG)) + b"more" * 100_000, FORM)
    assert response.status in (200, 400)
    assert "boundary" not in server.log_text()[before:]


@pytest.mark.parametrize(
    "text",
    [
        "####",
        "AAA",
        "=AAA",
        "A=AA",
        "AA AA",
        "AAAA\n",
        "é" * 4,
        "",
        f"data:image/png;base64,{EXAMPLE_IMAGE_BASE64}",
    ]
    + [EXAMPLE_IMAGE_BASE64[:-2], EXAMPLE_IMAGE_BASE64 + "AAAA="],
)
def test_invalid_base64_gets_422(server: Server, text: str) -> None:
    response = server.post(json_body(text), JSON)
    assert response.status == 422 and response.code in ("bad_base64", "not_a_picture")


def test_the_error_for_a_data_url_names_the_text_to_leave_out(server: Server) -> None:
    response = server.post(json_body(DATA_URL), JSON)
    assert "before the comma" in response.json["error"]["message"]


def test_a_hundred_megabytes_of_base64_are_rejected(server: Server) -> None:
    head = request_head(content_type=JSON, content_length=str(100 * MIB))
    with server.connect() as connection:
        connection.sendall(head + b'{"images": ["' + b"A" * MIB)
        assert statuses(read_response(connection)) == [413]


def test_the_largest_base64_string_takes_little_time(server: Server) -> None:
    body = json_body("A" * (MAX_BODY_BYTES - 100))
    before = cpu_seconds(*server.worker_pids())
    assert server.post(body, JSON).code == "not_a_picture"
    assert cpu_seconds(*server.worker_pids()) - before < 1


MALFORMED_JSON = {
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"images":' * 100_000,
    "deep and closed": b'{"images":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "NaN": b'{"images": [NaN]}',
    "Infinity": b'{"images": [-Infinity]}',
    "a huge integer": b'{"images": [' + b"9" * 100_000 + b"]}",
    "a huge exponent": b'{"images": [1e999999999]}',
    "a key twice": b'{"images": [""], "images": [""]}',
    "another key": b'{"images": ["%b"], "image": 1}' % EXAMPLE_IMAGE_BASE64.encode(),
    "a byte order mark": b"\xef\xbb\xbf" + json_body(EXAMPLE_IMAGE_BASE64),
    "UTF-16": json_body(EXAMPLE_IMAGE_BASE64).decode().encode("utf-16"),
    "latin-1": b'{"images": ["\xe9"]}',
    "a lone surrogate": b'{"images": ["\\ud800"]}',
    "values that are not strings": json_body(1, None, True, [], {}),
    "a string in place of the list": b'{"images": "%b"}' % EXAMPLE_IMAGE_BASE64.encode(),
    "a list in place of the object": b'["%b"]' % EXAMPLE_IMAGE_BASE64.encode(),
    "an empty list": json_body(),
    "null": b"null",
    "empty": b"",
    "text after the document": json_body(EXAMPLE_IMAGE_BASE64) + b"{}",
    "a URL-encoded form": b"images=1",
    "NUL": b'{"images": ["\x00"]}',
}


@pytest.mark.parametrize("kind", MALFORMED_JSON)
def test_malformed_json_is_rejected(server: Server, kind: str) -> None:
    response = server.post(MALFORMED_JSON[kind], JSON)
    assert response.status in (400, 422) and response.json["error"]["message"]


@pytest.mark.parametrize("value", [b"1", b"[]", b"{}", b'"AAAA"', b'{"a":1}'])
def test_millions_of_json_values_are_rejected_before_parsing(server: Server, value: bytes) -> None:
    body = (
        b'{"images":[' + (value + b",") * (MAX_BODY_BYTES // (len(value) + 1) - 10) + value + b"]}"
    )
    workers = server.worker_pids()
    before = cpu_seconds(*workers)
    codes = []
    assert memory_growth(lambda: codes.append(server.post(body, JSON).code), *workers) < 100
    assert codes == ["too_many"] and cpu_seconds(*workers) - before < 0.3
