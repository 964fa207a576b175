"""Clients without manners, models that are damaged and workers that die; the row of each in braces.

The server is the real one, in a process of its own. Where its patience is tried, a wrapper has made
it shorter before the start; where a worker has to misbehave, its interpreter is a script that
teaches it.
"""

import base64
import http.client
import io
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from uvicorn.protocols.http.flow_control import FlowControl

from ankleboot.inference.predict import load_router
from ankleboot.models.pretrained import catalog
from ankleboot.server.config import MIB, ServerConfig
from ankleboot.server.http.protocol import Protocol
from ankleboot.server.schemas import EXAMPLE_IMAGE_BASE64
from ankleboot.server.workers.handler import Answerer, Request
from helpers.server import (
    PATIENCE,
    Answer,
    Server,
    asked,
    config,
    cpu_seconds,
    drained,
    end,
    ending,
    forget_log,
    head,
    memory,
    open_files,
    request,
    served,
    start,
    statuses,
)

if not Path("/proc/self/smaps_rollup").exists():
    pytest.skip("these look at processes through Linux' /proc", allow_module_level=True)

pytestmark = pytest.mark.adversarial

PNG = base64.b64decode(EXAMPLE_IMAGE_BASE64)
DATA_URL = f"data:image/png;base64,{EXAMPLE_IMAGE_BASE64}"
LIMIT = ServerConfig.max_body_bytes
JSON = "application/json"
FORM = "multipart/form-data; boundary=b"

IMPATIENT = config(
    keep_alive_s=1,
    header_timeout_s=1.0,
    body_timeout_s=1.0,
    write_stall_timeout_s=1.0,
    discard_timeout_s=1.0,
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """For all that should leave no trace; two workers."""
    with served("--workers", "2", "--log", "json") as one:
        one.until_all(2)
        yield one


@pytest.fixture(scope="module")
def hasty() -> Iterator[Server]:
    """One that waits a second where others wait ten or fifteen."""
    with served(config=IMPATIENT) as one:
        yield one


@pytest.fixture(scope="module")
def narrow() -> Iterator[Server]:
    """One that is overloaded soon."""
    with served("--workers", "1", "--queue", "8", "--timeout", "60", "--log", "off") as one:
        yield one


@pytest.fixture(autouse=True)
def _still_well(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did to a shared server: all workers are those of before, and answer."""
    shared = [one for one in ("server", "hasty", "narrow") if one in request.fixturenames]
    before = {name: request.getfixturevalue(name).workers() for name in shared}
    yield
    for name, workers in before.items():
        one = request.getfixturevalue(name)
        assert one.workers() == workers, "a worker died"
        assert one.post(PNG).json["predictions"][0]["label"] == "Ankle boot"


def chunked(body: bytes, size: int = MIB) -> bytes:
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def form(*parts: tuple[str, bytes]) -> bytes:
    """Parts, each with its header lines."""
    lines = [f"--b\r\n{header}\r\n\r\n".encode() + content + b"\r\n" for header, content in parts]
    return b"".join(lines) + b"--b--\r\n"


def file(name: str = "boot.png", type: str = "image/png") -> str:
    return f'Content-Disposition: form-data; name="x"; filename="{name}"\r\nContent-Type: {type}'


def images(*given: object) -> bytes:
    return json.dumps({"images": given}).encode()


def grown(change: Callable[[], object], *pids: int) -> float:
    """Megabytes that processes had more than before, at most, while something was done to them."""
    before, most, is_over = memory(*pids), [0.0], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.02):
            most[0] = max(most[0], memory(*pids))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        change()
    finally:
        is_over.set()
        watcher.join()
    return max(most[0], memory(*pids)) - before


# {S1} bodies


@pytest.mark.parametrize("size", [LIMIT + 1, LIMIT + 5 * MIB])
def test_s1_a_body_declared_too_long_is_refused_unread(server: Server, size: int) -> None:
    def send() -> None:
        with ThreadPoolExecutor(8) as pool:
            for _ in pool.map(lambda _: ask(), range(8)):
                pass

    def ask() -> None:
        said = server.raw(head(content_type="image/png", content_length=str(size)), b"x" * size)
        assert statuses(said) == [413] and b"too_large" in said and b"connection: close" in said

    assert grown(send, server.pid, *server.workers()) < 20


def test_s1_usual_clients_hear_why(server: Server) -> None:
    """http.client raises when it cannot send all, and does not look for an answer then."""
    assert server.post(b"x" * (LIMIT + 1)).code == "too_large"
    assert server.post(b"x" * 5 * MIB, "text/plain").code == "unsupported_type"


def test_s1_no_more_than_the_limit_is_read(server: Server) -> None:
    """What the client can send beyond the limit is what both systems' sockets hold."""
    sent, piece = 0, b"x" * 65_536
    with server.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        connection.sendall(head(content_type="image/png", content_length=str(10 * LIMIT)))
        with suppress(OSError):
            while True:
                connection.sendall(piece)
                sent += len(piece)
    assert LIMIT / 2 < sent < LIMIT + 8 * MIB


def test_s1_a_body_in_chunks_is_refused_once_it_is_too_long() -> None:
    limit = 256 * 1024
    with served("--workers", "1", "--max-body", str(limit), "--log", "off") as server:
        kind = {"content_type": "image/png", "transfer_encoding": "chunked"}
        start_, last = head(**kind), head(**kind, connection="close")
        server.post(PNG)

        def send() -> None:
            for _ in range(10):
                assert statuses(server.raw(start_, chunked(b"x" * 4 * MIB))) == [413]
            assert statuses(server.raw(last, chunked(b"x" * limit))) == [422]  # just fits

        assert grown(send, server.pid, *server.workers()) < 10


def test_s1_the_largest_bodies_leave_nothing_behind(server: Server) -> None:
    """But for memory that each process keeps for the next one."""
    body = PNG + bytes(LIMIT - len(PNG))
    for _ in range(6):
        assert server.post(body).status == 200
    before = memory(server.pid, *server.workers())
    for _ in range(4):
        assert server.post(body).status == 200
    assert memory(server.pid, *server.workers()) - before < 20


def test_s1_bodies_on_their_way_share_their_memory() -> None:
    """Each is within the limit and none is finished; small ones go through all the while."""
    few = config(max_queue_bytes=4 * MIB)
    with served(config=few) as server, ExitStack() as stack:
        server.post(PNG)
        begun = head(content_type="image/png", content_length=str(MIB)) + bytes(MIB - 1)

        def send() -> None:
            for _ in range(8):
                connection = stack.enter_context(server.connect())
                connection.sendall(begun)
                held.append(connection)

        held: list[socket.socket] = []
        assert grown(send, server.pid) < 20
        time.sleep(0.2)
        said = b"".join(waiting(connection) for connection in held)
        assert statuses(said) == [503] * 4 and said.count(b"overloaded") == 4
        assert server.post(PNG).status == 200
        stack.close()
        time.sleep(0.1)
        assert server.post(PNG + bytes(2 * MIB)).status == 200  # there is room again


def waiting(connection: socket.socket) -> bytes:
    """What has come, without waiting for more."""
    connection.setblocking(False)
    with suppress(BlockingIOError):
        return connection.recv(65_536)
    return b""


def test_s1_trailers_and_extensions_of_chunks_have_an_end(hasty: Server) -> None:
    """They belong to no body and would pass its limit."""
    begun = head(content_type="image/png", transfer_encoding="chunked")
    for rest in (b"0\r\n" + b"x: y\r\n" * 10**6, b"0\r\nx: " + b"y" * 10**6, b"5;" + b"x" * 10**6):
        began = time.monotonic()
        said = hasty.raw(begun, rest)
        assert statuses(said) == [431] and time.monotonic() - began < 0.5


# {S2} types


@pytest.mark.parametrize(
    "type", ["", "text/plain", "image/svg+xml", "image/tiff", "application/octet-stream", "image/*"]
)
def test_s2_another_type_is_415(server: Server, type: str) -> None:
    answer = server.post(PNG, type)
    assert (answer.status, answer.code) == (415, "unsupported_type")


@pytest.mark.parametrize("type", ["image/png", "image/jpeg", "image/webp", "image/gif"])
def test_s2_the_right_type_around_wrong_bytes_is_422(server: Server, type: str) -> None:
    for body in (b"GET / HTTP/1.1", PNG[: len(PNG) // 2], PNG[8:], bytes(1000)):
        answer = server.post(body, type)
        assert (answer.status, answer.code) == (422, "not_a_picture")
    assert server.post(b"", type).code == "no_picture"


def test_s2_a_type_that_takes_long_to_read_is_not_read(server: Server) -> None:
    """It is read in the one process that all wait for."""
    evil = 'multipart/form-data; x="' + ";" * 31_000
    before = cpu_seconds(server.pid)
    for _ in range(20):
        assert server.post(b"", evil).status == 415
    assert cpu_seconds(server.pid) - before < 0.2


# {S3} forms

BROKEN_FORMS = {
    "no boundary in the type": (b"--b\r\n\r\n\r\n--b--\r\n", "multipart/form-data"),
    "an empty boundary": (b"--\r\n\r\n\r\n----\r\n", "multipart/form-data; boundary="),
    "a boundary of 400": (b"", "multipart/form-data; boundary=" + "b" * 400),
    "no close": (form((file(), PNG))[:-8], FORM),
    "no end of a head": (b"--b\r\n" + file().encode(), FORM),
    "10,000 parts": (form(*[(file(), b"x")] * 10_000), FORM),
    "10,000 fields": (form(*[('Content-Disposition: form-data; name="x"', b"")] * 10_000), FORM),
    "a head of 1 MB": (form((file() + "\r\nX: " + "x" * MIB, PNG)), FORM),
    "1,000 heads": (form((file() + "\r\nX: x" * 1_000, PNG)), FORM),
    "a head without name": (b"--b\r\n: x\r\n\r\nx\r\n--b--\r\n", FORM),
    "junk before": (b"junk\r\n" * 200_000 + form((file(), PNG)), FORM),
    "line breaks before": (b"\r\n" * 500_000, FORM),
    "another boundary": (form((file(), PNG)).replace(b"--b", b"--c"), FORM),
    "boundaries nearly": (b"--b\r\n\r\n" + b"\r\n--" * 300_000, FORM),
    "nested": (form((file(type="multipart/mixed; boundary=c"), b"--c\r\n\r\n\r\n--c--\r\n")), FORM),
    "a field and no file": (form(('Content-Disposition: form-data; name="x"', PNG)), FORM),
    "no disposition": (form(("Content-Type: image/png", PNG)), FORM),
    "only the close": (b"--b--\r\n", FORM),
    "empty": (b"", FORM),
}


@pytest.mark.parametrize("kind", BROKEN_FORMS)
def test_s3_a_broken_form_is_refused_at_little_cost(server: Server, kind: str) -> None:
    body, type = BROKEN_FORMS[kind]
    before = cpu_seconds(server.pid, *server.workers())
    answer = server.post(body, type)
    took = cpu_seconds(server.pid, *server.workers()) - before
    assert answer.status in (400, 413, 415, 422) and answer.json["error"]["message"]
    assert took <= 0.1


def test_s3_what_follows_a_form_is_ignored_in_silence(server: Server) -> None:
    before = len(server.logged())
    answer = server.post(form((file(), PNG)) + b"more" * 100_000, FORM)
    assert answer.status in (200, 400)
    assert "boundary" not in server.logged()[before:]


# {S4} base64


@pytest.mark.parametrize(
    "text",
    ["####", "AAA", "=AAA", "A=AA", "AA AA", "AAAA\n", "é" * 4, "", DATA_URL]
    + [EXAMPLE_IMAGE_BASE64[:-2], EXAMPLE_IMAGE_BASE64 + "AAAA="],
)
def test_s4_what_is_no_base64_is_422(server: Server, text: str) -> None:
    answer = server.post(images(text), JSON)
    assert answer.status == 422 and answer.code in ("bad_base64", "not_a_picture")


def test_s4_only_a_data_url_is_told_what_to_leave_out(server: Server) -> None:
    answer = server.post(images(DATA_URL), JSON)
    assert "before the comma" in answer.json["error"]["message"]


def test_s4_a_hundred_megabytes_are_too_many(server: Server) -> None:
    begun = head(content_type=JSON, content_length=str(100 * MIB))
    with server.connect() as connection:
        connection.sendall(begun + b'{"images": ["' + b"A" * MIB)
        assert statuses(one_answer(connection)) == [413]


def test_s4_the_largest_string_is_no_trouble(server: Server) -> None:
    body = images("A" * (LIMIT - 100))
    before = cpu_seconds(*server.workers())
    assert server.post(body, JSON).code == "not_a_picture"
    assert cpu_seconds(*server.workers()) - before < 1


# {S5} JSON

BROKEN_JSON = {
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"images":' * 100_000,
    "deep and closed": b'{"images":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "NaN": b'{"images": [NaN]}',
    "Infinity": b'{"images": [-Infinity]}',
    "a huge integer": b'{"images": [' + b"9" * 100_000 + b"]}",
    "a huge exponent": b'{"images": [1e999999999]}',
    "a key twice": b'{"images": [""], "images": [""]}',
    "another key": b'{"images": ["%b"], "image": 1}' % EXAMPLE_IMAGE_BASE64.encode(),
    "a byte order mark": b"\xef\xbb\xbf" + images(EXAMPLE_IMAGE_BASE64),
    "UTF-16": images(EXAMPLE_IMAGE_BASE64).decode().encode("utf-16"),
    "latin-1": b'{"images": ["\xe9"]}',
    "a lone surrogate": b'{"images": ["\\ud800"]}',
    "no string": images(1, None, True, [], {}),
    "no list": b'{"images": "%b"}' % EXAMPLE_IMAGE_BASE64.encode(),
    "a list alone": b'["%b"]' % EXAMPLE_IMAGE_BASE64.encode(),
    "an empty list": images(),
    "null": b"null",
    "empty": b"",
    "something behind": images(EXAMPLE_IMAGE_BASE64) + b"{}",
    "no JSON": b"images=1",
    "NUL": b'{"images": ["\x00"]}',
}


@pytest.mark.parametrize("kind", BROKEN_JSON)
def test_s5_broken_json_is_refused(server: Server, kind: str) -> None:
    answer = server.post(BROKEN_JSON[kind], JSON)
    assert answer.status in (400, 422) and answer.json["error"]["message"]


@pytest.mark.parametrize("value", [b"1", b"[]", b"{}", b'"AAAA"', b'{"a":1}'])
def test_s5_millions_of_values_are_refused_before_they_are_made(
    server: Server, value: bytes
) -> None:
    body = b'{"images":[' + (value + b",") * (LIMIT // (len(value) + 1) - 10) + value + b"]}"
    workers = server.workers()
    before = cpu_seconds(*workers)
    codes = []
    assert grown(lambda: codes.append(server.post(body, JSON).code), *workers) < 100
    assert codes == ["too_many"] and cpu_seconds(*workers) - before < 0.3


# {S6} pictures


def png(width: int, height: int, *more: tuple[bytes, bytes]) -> bytes:
    """A black one, packed as well as it can be."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + width)) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), *more, (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def saved(picture: Image.Image, format: str, **options: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, format, **options)
    return content.getvalue()


@pytest.mark.parametrize("size", [(13_000, 13_000), (70_000, 1), (1, 70_000), (5_001, 5_000)])
def test_s6_a_bomb_is_refused_by_its_head(server: Server, size: tuple[int, int]) -> None:
    body = png(*size)
    workers = server.workers()
    codes = []
    assert grown(lambda: codes.append(server.post(body).code), *workers) < 20
    assert codes == ["too_large"] and len(body) < 300_000


def test_s6_a_bomb_among_a_jpegs_scans_is_refused(server: Server) -> None:
    """Each scan goes over all pixels again; ten bytes are enough for one."""
    plain = saved(Image.new("L", (4_000, 4_000), 128), "JPEG", progressive=True)
    scan = plain[plain.rindex(b"\xff\xda") : -2]
    bomb = plain[:-2] + scan * 20_000 + b"\xff\xd9"
    before = cpu_seconds(*server.workers())
    assert server.post(plain, "image/jpeg").status == 200
    assert server.post(bomb, "image/jpeg").code == "not_a_picture"
    assert cpu_seconds(*server.workers()) - before < 0.5


def test_s6_a_bomb_in_a_comment_is_not_unpacked(server: Server) -> None:
    comment = b"Comment\0\0" + zlib.compress(bytes(100 * MIB), 9)
    workers = server.workers()
    assert grown(lambda: server.post(png(28, 28, (b"zTXt", comment))), *workers) < 20


OTHER_FORMATS = {
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
    "PDF": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
    "FITS": b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800),
    "PSD": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 9, 9, 8, 3) + bytes(100),
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "XBM": b"#define x_width 9\n#define x_height 9\nstatic char x_bits[] = {0};",
    "TIFF": saved(Image.new("L", (9, 9)), "TIFF"),
    "ICO": saved(Image.new("L", (16, 16)), "ICO"),
    "PPM": saved(Image.new("L", (9, 9)), "PPM"),
    "JPEG2000": saved(Image.new("L", (9, 9)), "JPEG2000"),
    "TGA": saved(Image.new("L", (9, 9)), "TGA"),
    "PCX": saved(Image.new("L", (9, 9)), "PCX"),
    "DDS": saved(Image.new("RGB", (9, 9)), "DDS"),
    "SGI": saved(Image.new("L", (9, 9)), "SGI"),
    "WMF": b"\xd7\xcd\xc6\x9a" + bytes(40),
    "GZIP": zlib.compress(bytes(MIB)),
}


@pytest.mark.parametrize("format", OTHER_FORMATS)
def test_s6_other_decoders_are_not_asked(server: Server, format: str) -> None:
    for type in ("image/png", "image/bmp"):
        answer = server.post(OTHER_FORMATS[format], type)
        assert (answer.status, answer.code) == (422, "not_a_picture")


def test_s6_of_an_animation_the_first_frame_is_answered(server: Server) -> None:
    boot = Image.open(io.BytesIO(PNG))
    others = [Image.new("L", boot.size, shade) for shade in range(200)]
    moving = saved(boot, "GIF", save_all=True, append_images=others)
    answer = server.post(moving, "image/gif")
    assert answer.json["predictions"][0]["label"] == "Ankle boot"


@pytest.mark.slow
def test_s6_many_large_pictures_at_once_stay_within_their_bounds(server: Server) -> None:
    """Of 64 times 25 megapixels, as many as the time allows are answered."""
    body = form(*[(file(), png(5_000, 5_000))] * 64)
    began = time.monotonic()
    answers: list[Answer] = []
    more = grown(lambda: answers.append(server.post(body, FORM)), *server.workers())
    (answer,) = answers
    codes = Counter(one.get("error", {}).get("code") for one in answer.json["predictions"])
    assert answer.status == 200 and set(codes) <= {None, "too_slow"} and codes[None] > 4
    assert more < 400 and time.monotonic() - began < 9


# {S7} patience


def closes_within(connection: socket.socket, seconds: float, drip: bytes = b"") -> bool:
    """Whether the server hangs up, although a byte comes now and then."""
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


SLOW = {
    "that say nothing": (b"", b""),
    "that begin with line breaks": (b"", b"\r\n"),
    "slow with their heads": (b"POST /v1/predict HTTP/1.1\r\nhost: loc", b"a"),
    "slow with their bodies": (head(content_type="image/png", content_length="9999"), b"x"),
    "slow with their chunks": (
        head(content_type="image/png", transfer_encoding="chunked"),
        b"1\r\nx\r\n",
    ),
    "slow with a body that nobody wants": (head("GET", "/healthz", content_length="9999"), b"x"),
    "slow with a body for nobody": (head("POST", "/none", content_length="9999"), b"x"),
    "that rest": (head("GET", "/healthz"), b""),
    "that rest with line breaks": (head("GET", "/healthz"), b"\r\n"),
    "that rest in a second head": (head("GET", "/healthz") + b"GET /", b"a"),
}


def test_s7_clients_that_are_slow_are_left(hasty: Server) -> None:
    """25 of each kind, and a good client is answered meanwhile as fast as ever."""
    with ExitStack() as stack:
        held = []
        for kind, (first, drip) in SLOW.items():
            for _ in range(25):
                connection = stack.enter_context(hasty.connect())
                connection.sendall(first)
                held.append((kind, connection, drip))
        with ThreadPoolExecutor(len(held)) as pool:
            left = pool.map(lambda one: closes_within(one[1], 4.0, one[2]), held)
            took = [timed(hasty) for _ in range(50)]
            remaining = Counter(
                kind for (kind, _, _), is_left in zip(held, left, strict=True) if not is_left
            )
    assert not remaining
    assert sorted(took)[-2] < 0.25  # the clients' own 250 threads are part of it


def timed(server: Server) -> float:
    began = time.monotonic()
    assert server.post(PNG).status == 200
    return time.monotonic() - began


def test_s7_a_reader_that_reads_nothing_is_left(hasty: Server) -> None:
    time.sleep(0.2)  # for those of other tests to go
    files = open_files(hasty.pid)
    with hasty.connect(1) as connection:
        with suppress(TimeoutError):  # the server stops reading while it cannot write
            connection.sendall(head("GET", "/openapi.json") * 2_000)
        _wait_for(lambda: open_files(hasty.pid) <= files, 5)


def test_s7_a_reader_that_is_only_slow_is_not_left() -> None:
    """It must take something of what waits for it, again and again, and not all at once."""
    waiting, due, left = [10**6], list[Callable[[], None]](), list[bool]()

    def call_later(_: float, act: Callable[..., None], *given: Any) -> SimpleNamespace:
        due.append(lambda: act(*given))
        return SimpleNamespace(cancel=due.clear)

    connection = Protocol.__new__(Protocol)
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


# {S8} overload


def flood(server: Server, number: int, wanted: bytes) -> tuple[Counter[int | str], list[bytes]]:
    """As many clients at once; the statuses, and the bodies of those with 200."""
    with ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in range(number)]

        def send(connection: socket.socket) -> None:
            with suppress(OSError):
                connection.sendall(wanted)

        with ThreadPoolExecutor(32) as pool:
            list(pool.map(send, connections))
            said = list(pool.map(one_answer, connections))
    found: Counter[int | str] = Counter()
    for one in said:
        status = statuses(one)[0] if statuses(one) else one[-20:].decode()
        found[status] += 1
        assert status != 503 or b"\r\nretry-after: 1\r\n" in one
        assert b"\r\nx-request-id: " in one or not statuses(one)
    return found, [one.partition(b"\r\n\r\n")[2] for one in said if statuses(one) == [200]]


def one_answer(connection: socket.socket) -> bytes:
    """Its head and what came with it."""
    found = b""
    try:
        while b"\r\n\r\n" not in found or not found.endswith(b"}"):
            piece = connection.recv(65_536)
            if not piece:
                return found + b"<closed>"
            found += piece
    except OSError as error:
        return found + type(error).__name__.encode()
    return found


@pytest.mark.parametrize("more", [0, 300_000], ids=["small", "of 300 kB"])
def test_s8_a_thousand_clients_are_all_answered(narrow: Server, more: int) -> None:
    """Also those who still send when they are turned away; a reset would cost them the answer."""
    wanted = narrow.post(PNG).json
    found, bodies = flood(narrow, 1_000 if not more else 200, request(PNG + bytes(more)))
    assert set(found) <= {200, 503} and found[200] >= 9 and found[503] > 10
    assert all(json.loads(body) == wanted for body in bodies)
    assert narrow.metric("ankleboot_requests_waiting") == 0


@pytest.fixture
def stuck(narrow: Server) -> Iterator[Server]:
    """Its worker stands still, and its queue is full."""
    (worker,) = narrow.workers()
    os.kill(worker, signal.SIGSTOP)
    try:
        with ExitStack() as stack:
            for _ in range(ServerConfig.max_jobs_per_worker + 8):  # those of the worker, the queue
                stack.enter_context(narrow.connect()).sendall(request(PNG))
            _wait_for(lambda: narrow.metric("ankleboot_requests_waiting") == 8)
            yield narrow
    finally:
        os.kill(worker, signal.SIGCONT)
        _wait_for(lambda: narrow.metric("ankleboot_requests_waiting") == 0)


def _wait_for(happened: Callable[[], bool], seconds: float = PATIENCE) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


def test_s8_who_is_turned_away_hears_it_at_once(stuck: Server) -> None:
    with closing(stuck.client()) as client:
        took = []
        for _ in range(200):
            began = time.monotonic()
            answer = asked(client, "POST", "/v1/predict", PNG, content_type="image/png")
            took.append(time.monotonic() - began)
            assert (answer.status, answer.code) == (503, "overloaded")
    assert sorted(took)[-4] < 0.05


def test_s8_turned_away_or_not_http_goes_on(stuck: Server) -> None:
    """The short way out keeps to the rules of the long one."""
    turned = request(PNG)
    alive = head("GET", "/healthz", connection="close")
    # the order of a pipeline, and no depth of it is too great
    said = stuck.raw(head("GET", "/healthz") + turned * 1_500 + alive)
    assert statuses(said) == [200] + [503] * 1_500 + [200]
    # a body in a second piece, and the connection goes on
    with stuck.connect() as connection:
        for _ in range(3):
            connection.sendall(turned[:-50])
            assert statuses(one_answer(connection)) == [503]
            connection.sendall(turned[-50:])
        connection.sendall(alive)
        assert statuses(drained(connection)) == [200]
    # who asks for it is left, and who waits for "100 Continue"
    for header in ({"connection": "close"}, {"expect": "100-continue"}):
        said = stuck.raw(request(PNG, **header))
        assert statuses(said) == [503] and b"\r\nconnection: close\r\n" in said
    # what is no prediction is not turned away
    assert stuck.get("/v1/predict").status == 405
    assert stuck.ask("HEAD", "/v1/predict", b"").body == b""
    answer = stuck.post(PNG, x_request_id="mine")
    assert answer.headers["x-request-id"] == "mine" and "content-security-policy" in answer.headers


# {S9} clients that leave


def leave(server: Server, number: int) -> None:
    """In the midst of things, each at another point, half of them without good-bye."""
    whole = [request(PNG), head(path="/v1/explain", content_type=JSON, content_length="99")]
    for place in range(number):
        with server.connect() as connection:
            if place % 2:
                how = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)
            wanted = whole[place % 4 == 3]
            connection.sendall(wanted[: len(wanted) * (1 + place % 8) // 8])


def test_s9_who_leaves_leaves_nothing_behind(server: Server) -> None:
    leave(server, 50)
    _let_go(server, 300)


@pytest.mark.slow
def test_s9_ten_thousand_who_leave_leave_nothing_behind(server: Server) -> None:
    leave(server, 1_000)
    _let_go(server, 10_000)


def _let_go(server: Server, number: int) -> None:
    pids = (server.pid, *server.workers())
    time.sleep(0.2)
    files, before = open_files(server.pid), memory(*pids)
    leave(server, number)
    until = time.monotonic() + 5
    while open_files(server.pid) > files and time.monotonic() < until:
        time.sleep(0.05)
    assert open_files(server.pid) <= files
    assert server.metric("ankleboot_requests_waiting") == 0
    assert memory(*pids) - before < 5


def test_s9_nothing_is_done_for_who_has_left(stuck: Server) -> None:
    """The queue is full of them; they make room as soon as the worker goes on."""
    (worker,) = stuck.workers()
    before = cpu_seconds(worker)
    assert stuck.metric("ankleboot_requests_waiting") == 8
    os.kill(worker, signal.SIGCONT)
    until = time.monotonic() + 5
    while stuck.metric("ankleboot_requests_waiting") and time.monotonic() < until:
        time.sleep(0.01)
    assert stuck.post(PNG).status == 200 and cpu_seconds(worker) - before < 1


# {S10} paths


@pytest.mark.parametrize(
    "path",
    ["/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd"]
    + ["/..\\..\\etc\\passwd", "//etc/passwd", "/%00", "/app.js%00.png", "/style.css/../../api.py"]
    + ["/static/../api.py", "/page_files.py", "/.git/config", "/file:///etc/passwd", "/%ff%fe"]
    + ["/v1/../../etc/passwd", "/C:\\windows\\win.ini", "/~root", "/" + "../" * 1_000],
)
def test_s10_no_path_leads_out(server: Server, path: str) -> None:
    said = server.raw(head("GET", path, connection="close"))
    assert statuses(said)[0] in (400, 404) and b"root:" not in said


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "..\\\\..\\\\x", "a\x00b", "%2e%2e%2fx", "x" * 3000]
)
def test_s10_a_files_name_is_only_shown(server: Server, name: str, tmp_path: Path) -> None:
    answer = server.post(form((file(name), PNG)), FORM)
    (one,) = answer.json["predictions"]
    assert answer.status == 200 and one["label"] == "Ankle boot"
    assert len(one["name"]) <= 255 and one["name"].isprintable()


def test_s10_a_model_is_no_path(server: Server) -> None:
    for model in ("../pretrained", "/etc/passwd", "pretrained%00", "", "file:///etc/passwd"):
        answer = server.post(PNG, path=f"/v1/predict?model={model}")
        assert (answer.status, answer.code) == (422, "bad_request")
    assert server.post(PNG, path="/v1/predict?model=pretrained&model=zero-shot").status in (
        200,
        422,
    )


# {S11} addresses

ADDRESSES = ["http://127.0.0.1:1/x.png", "https://example.org/x.png", "file:///etc/passwd"]
ADDRESSES += ["gopher://127.0.0.1:1/x", "http://169.254.169.254/latest", "http://[::1]/", "//x.y"]

TELL_CONNECTIONS = """
import os, sys
def hook(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request"):
        if event != "socket.getaddrinfo" or args[0] != "127.0.0.1":  # to listen there
            os.write(2, f"CONNECTS {event} {args}\\n".encode())
sys.addaudithook(hook)
"""


def test_s11_addresses_are_no_pictures_and_nobody_calls_there(misbehaving: "Misbehaving") -> None:
    with misbehaving(TELL_CONNECTIONS, front=TELL_CONNECTIONS) as server:
        for address in ADDRESSES:
            assert server.post(images(address), JSON).code == "bad_base64"
            part = form(('Content-Disposition: form-data; name="url"', address.encode()))
            assert server.post(part, FORM).code == "no_file"
            assert server.post(form((file(address), b"x")), FORM).status == 422
            assert server.post(PNG, path=f"/v1/predict?model={address}").status == 422
            assert server.post(PNG, path=f"/v1/predict?url={address}").status == 200
            assert server.post(address.encode()).status == 422
        server.post(PNG, path="/v1/explain")
        end_well(server)
        assert "CONNECTS" not in server.logged()


def end_well(server: Server) -> None:
    server.signal(signal.SIGTERM)
    assert server.process.wait(PATIENCE) == 0


# {S12} headers

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


def test_s12_every_answer_is_guarded(server: Server, hasty: Server) -> None:
    said = server.raw(b"nonsense\r\n\r\n")
    lines = said.decode().split("\r\n")[1:-2]
    nonsense = Answer(400, dict(line.split(": ", 1) for line in lines), b"{}")
    answers = [server.get(path) for path in ("/", "/v1/model", "/healthz", "/metrics", "/none")]
    answers += [server.post(PNG), server.post(b""), server.post(PNG, "x/y"), nonsense]
    answers += [server.get("/", host="evil.example"), server.ask("PUT", "/v1/predict")]
    for answer in answers:
        assert answer.headers.items() >= HEADERS.items()
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-request-id"] and "server" not in answer.headers


def test_s12_what_a_client_wrote_is_never_a_page(server: Server) -> None:
    name = "<img src=x onerror=alert(1)>.png"
    for body in (PNG, b"<script>alert(1)</script>"):
        answer = server.post(form((file(name), body), (file(), PNG)), FORM)
        assert answer.headers["content-type"] == JSON
        assert answer.json["predictions"][0]["name"] == name
    for path in ("/<script>alert(1)</script>", "/v1/predict?model=<script>"):
        answer = server.post(PNG, path=path)
        assert answer.headers["content-type"] == JSON and answer.status in (404, 422)
    html = server.post(b"<html><script>", "text/html")
    assert (html.status, html.headers["content-type"]) == (415, JSON)


def test_s12_headers_cannot_be_smuggled_into_answers(server: Server) -> None:
    answer = server.post(PNG, x_request_id="a b<script>")
    assert "<" not in answer.headers["x-request-id"]
    said = server.raw(head("GET", "/healthz?a=%0d%0aX-Evil:%20yes", connection="close"))
    assert b"x-evil" not in said.lower()


# {S13} origins and hosts


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:9"])
def test_s13_other_origins_get_no_leave(server: Server, origin: str) -> None:
    answers = [server.post(PNG, origin=origin), server.get("/v1/model", origin=origin)]
    asks = {"origin": origin, "access_control_request_method": "POST"}
    answers.append(server.ask("OPTIONS", "/v1/predict", None, **asks))
    assert not any(name.startswith("access-control") for one in answers for name in one.headers)
    assert answers[-1].status == 405


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.1", "", "[::2]"]
)
def test_s13_other_names_are_refused(server: Server, host: str) -> None:
    for path in ("/", "/healthz", "/v1/model", "/metrics"):
        answer = server.get(path, host=host)
        assert (answer.status, answer.code) == (400, "unknown_host")
    assert server.post(PNG, host=host).code == "unknown_host"


def test_s13_a_host_is_named_once(server: Server) -> None:
    line = b"GET /healthz HTTP/1.1\r\nconnection: close\r\n"
    for hosts in (b"", b"host: evil\r\nhost: localhost\r\n", b"host: localhost\r\nhost: evil\r\n"):
        assert statuses(server.raw(line + hosts + b"\r\n")) == [400]
    evil = b"GET http://evil.example/healthz HTTP/1.1\r\nhost: evil.example\r\n\r\n"
    assert statuses(server.raw(evil, timeout=1)) == [400]
    assert server.get("/healthz", host="LOCALHOST:1234").status == 200


# {S14} the end


def hundred_in_flight(server: Server, stack: ExitStack) -> list[socket.socket]:
    """Accepted, and not answered: the workers stand still."""
    for worker in server.workers():
        os.kill(worker, signal.SIGSTOP)
    held = [stack.enter_context(server.connect()) for _ in range(100)]
    for connection in held:
        connection.sendall(request(PNG))
    time.sleep(0.2)
    return held


def test_s14_what_was_accepted_is_answered() -> None:
    options = ("--workers", "2", "--log", "json", "--drain-seconds", "0.5")
    with served(*options) as server, ExitStack() as stack:
        server.until_all(2)
        idle = stack.enter_context(server.connect())
        held = hundred_in_flight(server, stack)
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        time.sleep(0.05)
        assert server.get("/readyz").code == "draining"
        assert time.monotonic() - began < 0.3
        late = server.get("/healthz")  # still answered, and told to go
        assert late.status == 200 and late.headers["connection"] == "close"
        for worker in server.workers():
            os.kill(worker, signal.SIGCONT)
        said = [drained(connection) for connection in held]
        assert [statuses(one) for one in said] == [[200]] * 100
        assert all(b"connection: close" in one and b"Ankle boot" in one for one in said)
        assert drained(idle) == b""
        assert server.process.wait(PATIENCE) == 0 and time.monotonic() - began < 10


@pytest.mark.slow
def test_s14_who_cannot_be_answered_in_time_hears_so() -> None:
    """A worker that hangs and a client that never finishes; the end comes all the same."""
    with served(config=config(shutdown_grace_s=1)) as server, ExitStack() as stack:
        held = hundred_in_flight(server, stack)[:3]
        unfinished = stack.enter_context(server.connect())
        unfinished.sendall(request(PNG)[:-1])
        time.sleep(0.1)
        (worker,) = server.workers()
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        said = [drained(connection) for connection in (*held, unfinished)]
        assert [statuses(one) for one in said] == [[503]] * 4
        assert all(b"draining" in one for one in said)
        assert server.process.wait(PATIENCE) == 0 and time.monotonic() - began < 5
        assert is_dead(worker)


def is_dead(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return ") Z" in Path(f"/proc/{pid}/stat").read_text()
    return True


def test_s14_a_second_signal_ends_it_at_once() -> None:
    with served("--workers", "1", "--log", "json") as server, ExitStack() as stack:
        hundred_in_flight(server, stack)
        (worker,) = server.workers()
        server.signal(signal.SIGTERM)
        time.sleep(1)
        assert server.process.poll() is None
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0 and time.monotonic() - began < 3
        assert is_dead(worker)


@pytest.mark.slow
def test_s14_twenty_ends_under_load_lose_nothing() -> None:
    for _ in range(20):
        with served("--workers", "2", "--log", "off", "--drain-seconds", "0.3") as server:
            found = Load(server, 8)
            time.sleep(0.3)
            server.signal(signal.SIGTERM)
            assert server.process.wait(PATIENCE) == 0
            found.end()
            assert set(found.statuses) == {200}, found.statuses


def test_the_end_by_sigint_is_130() -> None:
    with served("--workers", "1", "--log", "off") as server:
        server.signal(signal.SIGINT)
        assert server.process.wait(PATIENCE) == 130


# {S15} the beginning


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def test_s15_alive_before_it_is_ready(misbehaving: "Misbehaving", tmp_path: Path) -> None:
    go = tmp_path / "go"
    late = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)"
    port = free_port()
    log = tmp_path / "log"
    with ending(misbehaving.start(log, late, "--port", str(port))) as process:
        server = Server(process, "127.0.0.1", port, log)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with suppress(OSError):
                assert server.get("/healthz").status == 200
                break
            time.sleep(0.02)
        for answer in (server.get("/readyz"), server.get("/v1/model"), server.post(PNG)):
            assert (answer.status, answer.code) == (503, "not_ready")
            assert "being loaded" in answer.json["error"]["message"]
            assert answer.headers["retry-after"] == "1"
        server.signal(signal.SIGHUP)  # comes too early, and does no harm
        go.touch()
        server.until_ready()
        assert server.post(PNG).status == 200
        end_well(server)


def damaged(path: Path) -> Path:
    """One bit of it is turned."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


def outcome(*options: str) -> tuple[int, str]:
    """Exit code and stderr of a server that cannot begin."""
    command = [sys.executable, "-m", "ankleboot", "serve", "--port", "0", "--log", "off", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_s15_a_model_that_cannot_be_loaded_is_one_line_and_exit_4(tmp_path: Path) -> None:
    model = damaged(Path(shutil.copy(catalog.FOLDER / "model.tflite", tmp_path)))
    for path, why in ((model, "damaged"), (tmp_path / "none.tflite", "no such model")):
        code, said = outcome("--model", str(path))
        assert code == 4 and said.startswith("error: ") and said.count("\n") == 1, said
        assert why in said


# {S16} threads


def noise(number: int) -> list[bytes]:
    """Garments, different ones."""
    generator = np.random.default_rng(16)
    boot = np.asarray(Image.open(io.BytesIO(PNG))).astype(int)
    shades = generator.integers(-60, 60, (number, *boot.shape)) + boot
    return [saved(Image.fromarray(np.clip(one, 0, 255).astype(np.uint8)), "PNG") for one in shades]


def _answers_equal(server: Server, calls: int) -> None:
    bodies = [PNG, *noise(31)]
    alone = Answerer({"pretrained": load_router(Path("pretrained"))}, ServerConfig())
    wanted = [
        json.loads(alone.answer([Request("predict", "pretrained", "image/png", body)])[0].body)
        for body in bodies
    ]
    assert len({json.dumps(one) for one in wanted}) == len(bodies)

    def call(thread: int) -> int:
        with closing(server.client()) as client:
            for place in range(calls // 16):
                which = (thread * 7 + place) % len(bodies) if thread % 2 else 0
                answer = asked(
                    client, "POST", "/v1/predict", bodies[which], content_type="image/png"
                )
                assert answer.status == 200 and same(answer.json, wanted[which])
        return calls // 16

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(call, range(16))) == calls


def same(found: Any, wanted: Any) -> bool:
    """But for the last digits, which depend on how many were computed together."""
    if found == wanted:
        return True
    one, other = found["predictions"][0], wanted["predictions"][0]
    first, second = (
        np.array([each["probs"][label] for label in other["probs"]]) for each in (one, other)
    )
    rest = [
        {k: v for k, v in each.items() if k not in ("probs", "confidence")} for each in (one, other)
    ]
    return rest[0] == rest[1] and bool(np.abs(first - second).max() < 1e-6)


def test_s16_sixteen_threads_get_what_one_gets(server: Server, no_type_checks: None) -> None:
    _answers_equal(server, 3_200)


@pytest.mark.slow
def test_s16_sixteen_threads_get_what_one_gets_100_000_times(
    server: Server, no_type_checks: None
) -> None:
    _answers_equal(server, 100_000)


# {S17} workers that die


class Load:
    """Clients that ask all the time.

    Attributes:
        statuses: Of their answers; a client that is left notes why.
    """

    def __init__(self, server: Server, clients: int, body: bytes = PNG) -> None:
        self.statuses: Counter[int | str] = Counter()
        self._server, self._body, self._is_over = server, body, threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        """Over one connection, until it is told that this was the last answer on it."""
        client = self._server.client()
        while not self._is_over.is_set():
            try:
                answer = asked(client, "POST", "/v1/predict", self._body, content_type="image/png")
            except ConnectionRefusedError:  # it has ended
                return
            except (OSError, http.client.HTTPException) as error:
                self.statuses[repr(error)] += 1
                return
            self.statuses[answer.status] += 1
            if answer.status == 200:
                assert answer.json["predictions"][0]["label"] == "Ankle boot"
            if answer.headers.get("connection") == "close":
                client.close()
                return
        client.close()

    def end(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV], ids=lambda one: one.name)
def test_s17_a_worker_that_dies_harms_nobody(number: signal.Signals) -> None:
    with served("--workers", "2", "--log", "json") as server:
        server.until_all(2)
        load = Load(server, 6)
        try:
            while sum(load.statuses.values()) < 50:
                time.sleep(0.01)
            for lost in (1, 2):
                end(server.workers()[0], number)
                began = time.monotonic()
                server.awaits("worker_ready", 2 + lost)
                assert time.monotonic() - began < 5
                assert server.metric("ankleboot_workers_ready") == 2
                assert server.metric("ankleboot_workers_lost") == lost
        finally:
            load.end()
        assert set(load.statuses) == {200}, load.statuses
        assert [one["code"] for one in server.events() if one["event"] == "worker_died"] == [
            -number,
            -number,
        ]


@pytest.mark.slow
def test_s17_all_workers_at_once_come_back() -> None:
    """Whoever asks meanwhile waits for them."""
    with served("--workers", "2", "--log", "json") as server:
        server.until_all(2)
        for worker in server.workers():
            end(worker)
        began = time.monotonic()
        assert server.post(PNG).status == 200
        assert time.monotonic() - began < 5


WORKER = """#!{python}
import sys
{code}
from ankleboot.server.workers import worker
worker.main(sys.argv[3:])
"""
"""In place of the interpreter that runs `-m ankleboot.server.workers.worker MODELS CONFIG`."""


class Misbehaving:
    """Servers whose workers were taught something."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(
        self, code: str, *options: str, config: ServerConfig | None = None, front: str = ""
    ) -> Any:
        options = ("--log", "json", *options)
        return served(*options, config=config, code=self._front(code) + front)

    def start(self, log: Path, code: str, *options: str) -> subprocess.Popen[bytes]:
        return start(log, "--log", "json", *options, code=self._front(code))

    def _front(self, code: str) -> str:
        script = self._folder / "worker"
        script.write_text(WORKER.format(python=sys.executable, code=code))
        script.chmod(0o755)
        return (
            "import types\nfrom ankleboot.server.workers import process\n"
            f"process.sys = types.SimpleNamespace(executable={str(script)!r})\n"
        )


@pytest.fixture
def misbehaving(tmp_path: Path) -> Misbehaving:
    return Misbehaving(tmp_path)


EVIL_PICTURES = """
import os, time
from ankleboot.server.workers import handler
real = handler.decode_bytes
def decode_bytes(content, *rest):
    if b"DIE" in content:
        os.kill(os.getpid(), 11)
    if b"HANG" in content:
        time.sleep(60)
    if b"FAULT" in content:
        raise ZeroDivisionError("a fault")
    return real(content, *rest)
handler.decode_bytes = decode_bytes
"""


def test_s17_a_request_that_ends_every_worker_suffers_alone(misbehaving: Misbehaving) -> None:
    with misbehaving(EVIL_PICTURES, "--workers", "2") as server:
        server.until_all(2)
        load = Load(server, 6)
        try:
            for _ in range(2):
                answer = server.post(PNG + b"DIE")
                assert (answer.status, answer.code) == (503, "worker_lost")
            mixed = server.post(form((file(), PNG), (file(), PNG + b"DIE")), FORM)
            assert mixed.code == "worker_lost"
            assert server.post(PNG + b"DIE", path="/v1/explain").code == "worker_lost"
        finally:
            load.end()
        assert set(load.statuses) == {200}, load.statuses
        server.awaits("worker_ready", 2 + 8)


@pytest.mark.slow
def test_s17_a_request_that_hangs_is_ended(misbehaving: Misbehaving) -> None:
    """Others go to workers that say something, even if they were asked later."""
    with misbehaving(EVIL_PICTURES, "--workers", "2", "--timeout", "2") as server:
        server.until_all(2)
        with ThreadPoolExecutor(1) as pool:
            began = time.monotonic()
            hanging = pool.submit(server.post, PNG + b"HANG")
            time.sleep(0.5)
            for _ in range(20):
                assert timed(server) < 0.5
            answer = hanging.result()
            assert (answer.status, answer.code) == (503, "timed_out")
            assert time.monotonic() - began < 3
        server.awaits("worker_ready", 3)


@pytest.mark.slow
def test_s17_a_machine_that_stood_still_costs_no_worker() -> None:
    """A container that was paused, say: nobody has hung, although nobody has said anything."""
    with served("--workers", "1", "--timeout", "2", "--log", "json") as server:
        (worker,) = server.workers()
        with server.connect() as connection:
            os.kill(worker, signal.SIGSTOP)
            connection.sendall(request(PNG))
            time.sleep(0.2)
            server.signal(signal.SIGSTOP)
            time.sleep(3)
            server.signal(signal.SIGCONT)
            time.sleep(0.3)
            os.kill(worker, signal.SIGCONT)
            assert statuses(one_answer(connection))[0] in (200, 503)
        time.sleep(1.5)
        assert server.post(PNG).status == 200 and server.workers() == [worker]


@pytest.mark.slow
def test_s17_a_fault_is_noted_and_not_told(misbehaving: Misbehaving) -> None:
    with misbehaving(EVIL_PICTURES, "--workers", "1") as server:
        workers = server.workers()
        with ThreadPoolExecutor(8) as pool:
            bodies = [PNG, PNG + b"FAULT"] * 20
            found = list(pool.map(server.post, bodies))
        assert [one.status for one in found] == [200, 500] * 20
        assert b"ZeroDivision" not in b"".join(one.body for one in found)
        assert "ZeroDivisionError" in server.awaits("worker_fault")["trace"]
        assert server.workers() == workers
        assert len([one for one in server.events() if one["event"] == "worker_fault"]) == 20
        forget_log(server)


@pytest.mark.slow
def test_s17_explanations_leave_predictions_their_turn(misbehaving: Misbehaving) -> None:
    """Of one worker, too, which six clients want for themselves all the time."""
    slow = "import time\nfrom ankleboot.server.workers import handler\n"
    slow += "handler.Answerer._explain = lambda *_: time.sleep(0.1) or handler.Reply(200, b'{}')"
    with misbehaving(slow, "--workers", "1") as server:
        is_over = threading.Event()

        def explain() -> None:
            while not is_over.is_set():
                assert server.post(PNG, path="/v1/explain").status == 200

        threads = [threading.Thread(target=explain) for _ in range(6)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(0.3)
            assert max(timed(server) for _ in range(10)) < 0.4
        finally:
            is_over.set()
            for thread in threads:
                thread.join()


@pytest.mark.slow
def test_s17_a_worker_that_cannot_be_started_is_tried_again() -> None:
    """Connections may have taken all files; then there are none for a worker's pipes."""
    few = (
        "import resource\nfrom ankleboot.server import lifecycle\n"
        "lifecycle._allow_many_connections = "
        "lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))"
    )
    with served("--workers", "1", "--log", "json", code=few) as server:
        with ExitStack() as stack:
            held = []
            while open_files(server.pid) < 59:
                held.append(stack.enter_context(server.connect()))
                time.sleep(0.01)
            end(server.workers()[0])
            server.awaits("worker_cannot_begin")
        time.sleep(0.1)
        server.until_ready()
        assert server.post(PNG).status == 200


# {S18} staying up


@pytest.mark.slow
def test_s18_a_soak_leaves_all_flat() -> None:
    """Two minutes of everything; growth is looked for in the second one."""
    with served("--workers", "2", "--log", "off") as server:
        pids = (server.pid, *server.workers())
        is_over = threading.Event()

        def everything() -> None:
            place = 0
            kinds = [
                (PNG, "image/png"),
                (images(EXAMPLE_IMAGE_BASE64, "x"), JSON),
                (b"x", "image/jpeg"),
            ]
            kinds += [(form((file(), PNG)), FORM), (b"{", JSON), (PNG + bytes(MIB), "image/png")]
            while not is_over.is_set():
                server.post(*kinds[place % len(kinds)])
                if place % 50 == 0:
                    server.post(PNG, path="/v1/explain")
                    server.get("/metrics")
                    leave(server, 4)
                place += 1

        threads = [threading.Thread(target=everything) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(60)
            before = memory(*pids)
            time.sleep(60)
            after = memory(*pids)
        finally:
            is_over.set()
            for thread in threads:
                thread.join()
        time.sleep(0.5)
        assert after - before < 3 and open_files(server.pid) < 40
        assert (server.pid, *server.workers()) == pids


# {S19} HTTP


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_s19_other_methods_are_405_and_other_paths_404(server: Server, method: str) -> None:
    for path in ("/v1/predict", "/v1/model", "/healthz", "/openapi.json"):
        answer = server.ask(method, path, None)
        assert answer.status == 405 and answer.headers["allow"], path
    assert server.ask(method, "/none", None).status == 404
    assert server.get("/v1/predict").headers["allow"] == "POST"
    assert server.ask("POST", "/healthz", b"").status == 405


def test_s19_head_is_get_without_its_body(server: Server) -> None:
    for path in ("/healthz", "/readyz", "/", "/none"):
        with server.connect() as connection:
            connection.sendall(head("HEAD", path) + head("GET", "/healthz", connection="close"))
            said = drained(connection)
        first, _, second = said.partition(b"\r\n\r\n")
        assert second.startswith(b"HTTP/1.1 200"), path


def test_s19_ten_thousand_ranges_are_ignored(server: Server) -> None:
    ranges = "bytes=" + ",".join(f"{n}-" for n in range(5_000))
    for path in ("/metrics", "/openapi.json", "/v1/model"):
        before = cpu_seconds(server.pid)
        answer = server.get(path, range=ranges)
        assert answer.status == 200 and "content-range" not in answer.headers
        assert cpu_seconds(server.pid) - before < 0.1


LINE = b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n"
NOT_HTTP = {
    "CL and TE": LINE + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "TE and CL": LINE + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
    "two CL": LINE + b"content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
    "a list of CL": LINE + b"content-length: 5, 5\r\n\r\nabcde",
    "CL with a sign": LINE + b"content-length: +5\r\n\r\nabcde",
    "CL below 0": LINE + b"content-length: -5\r\n\r\nabcde",
    "CL beyond 64 bits": LINE + b"content-length: " + b"9" * 30 + b"\r\n\r\nabcde",
    "CL in hex": LINE + b"content-length: 0x5\r\n\r\nabcde",
    "an unknown TE": LINE + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "TE with a blank": LINE + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    "a chunk's size below 0": LINE + b"transfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
    "a chunk of no hex": LINE + b"transfer-encoding: chunked\r\n\r\nxyz\r\n\r\n",
    "a chunk too long": LINE + b"transfer-encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n",
    "a folded header": LINE + b"x: a\r\n b\r\n\r\n",
    "a header without name": LINE + b": x\r\n\r\n",
    "NUL in a header": LINE + b"x: a\0b\r\n\r\n",
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


@pytest.mark.parametrize("kind", NOT_HTTP)
def test_s19_what_is_no_request_is_400_and_the_last_thing_said(server: Server, kind: str) -> None:
    said = server.raw(NOT_HTTP[kind] + SMUGGLED, timeout=2)
    assert statuses(said) == [400] and not said.endswith(b"<nothing more>")


def test_s19_nonsense_does_not_overtake_what_was_asked_before(server: Server) -> None:
    said = server.raw(request(PNG) * 3 + b"nonsense\r\n\r\n" + SMUGGLED)
    assert statuses(said) == [200, 200, 200, 400]


@pytest.mark.parametrize(
    "wanted",
    [
        b"GET /" + b"a" * MIB + b" HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"a" * MIB + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\n" + b"x: y\r\n" * 10_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\n" + b"x" * MIB,
    ],
    ids=["target", "header", "headers", "name"],
)
def test_s19_large_heads_are_431(server: Server, wanted: bytes) -> None:
    began = time.monotonic()
    assert statuses(server.raw(wanted)) == [431] and time.monotonic() - began < 0.5


def test_s19_a_head_may_be_cut_anywhere(server: Server) -> None:
    """Bytes of the body that come with its end are none of the head."""
    whole = request(PNG + bytes(60_000), x="y" * 20_000, connection="close")
    at = whole.index(b"\r\n\r\n")
    for cut in (1, at - 1, at + 1, at + 2, at + 3, at + 4):
        with server.connect() as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(whole[:cut])
            time.sleep(0.02)
            connection.sendall(whole[cut:])
            assert statuses(drained(connection)) == [200], cut


def test_s19_what_is_odd_but_right_is_answered(server: Server) -> None:
    last = head("GET", "/healthz", connection="close")
    upgrade = {"connection": "upgrade", "sec_websocket_key": "x", "sec_websocket_version": "13"}
    odd = [
        b"GET http://localhost/healthz HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"\r\n\r\n" + head("GET", "/healthz"),
        head("GET", "/healthz", upgrade="h2c", connection="upgrade"),
        head("GET", "/healthz", upgrade="websocket", **upgrade),
        head("GET", "/healthz", content_length="3") + b"abc",
        head("GET", "/healthz?" + "a=b&" * 5_000),
        head("GET", "/healthz") * 300,
    ]
    for one in odd:
        said = server.raw(one + last)
        assert set(statuses(said)) == {200} and len(statuses(said)) == one.count(b"GET ") + 1
    assert statuses(server.raw(b"GET /healthz HTTP/1.0\r\nhost: localhost\r\n\r\n")) == [200]
    assert statuses(server.raw(head("GET", "/healthz", connection="close") + SMUGGLED)) == [200]


def test_s19_who_waits_for_100_continue_is_told(server: Server) -> None:
    with server.connect() as connection:
        whole = request(PNG, expect="100-continue", connection="close")
        connection.sendall(whole[: -len(PNG)])
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(PNG)
        assert statuses(drained(connection)) == [200]
        refused = head(content_type="x/y", content_length="99", expect="100-continue")
    with server.connect() as connection:
        connection.sendall(refused)
        assert statuses(connection.recv(1_000)) == [415]


# {S20} where it listens


def test_s20_a_port_in_use_is_exit_5(server: Server) -> None:
    code, said = outcome("--port", str(server.port))
    assert code == 5 and "in use" in said and str(server.port) in said and said.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may")
def test_s20_a_privileged_port_is_exit_5() -> None:
    code, said = outcome("--port", "80")
    assert code == 5 and "permission" in said


def test_s20_an_address_that_is_not_here_is_exit_5() -> None:
    for host in ("192.0.2.1", "no-such-host.invalid", "x" * 300):
        code, said = outcome("--host", host)
        assert code == 5 and said.count("\n") == 1, said


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as found:
            found.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_s20_ipv6() -> None:
    with served("--workers", "1", "--host", "::1", "--log", "json") as server:
        assert server.document["url"] == f"http://[::1]:{server.port}"
        assert server.post(PNG).status == 200
        assert all(one["event"] != "public" for one in server.events())


def test_s20_who_listens_to_everybody_is_warned() -> None:
    with served("--workers", "1", "--host", "0.0.0.0", "--log", "json") as server:
        assert server.awaits("public")["note"]
        assert server.get("/healthz", host="127.0.0.1").status == 200
        assert server.get("/healthz", host="192.0.2.7").status == 200  # an address is no name
        assert server.get("/healthz", host="evil.example").code == "unknown_host"


def test_s20_it_listens_to_this_machine_alone(server: Server) -> None:
    assert server.document["url"] == f"http://127.0.0.1:{server.port}"


# {M13} models that are replaced


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copy(catalog.FOLDER / "model.tflite", tmp_path / "own.tflite"))


def sha256_of_served(server: Server) -> str:
    found: str = server.get("/v1/model").json["models"][0]["sha256"]
    return found


@pytest.mark.slow
def test_m13_what_happens_to_the_file_does_not_happen_to_the_server(model: Path) -> None:
    with served("--model", str(model), "--workers", "2", "--log", "json") as server:
        server.until_all(2)
        before = server.post(PNG).json
        damaged(model)
        assert server.post(PNG).json == before
        for worker in server.workers():
            end(worker)
        server.awaits("worker_ready", 4)
        assert server.post(PNG).json == before
        server.signal(signal.SIGHUP)
        refused = server.awaits("models_kept")
        assert "damaged" in refused["reason"]
        model.unlink()
        server.signal(signal.SIGHUP)
        assert "no such model" in server.awaits("models_kept", 2)["reason"]
        assert server.post(PNG).json == before
        assert server.get("/readyz").status == 200 and len(server.workers()) == 2
        assert server.metric('ankleboot_model_swaps_total{result="refused"}') == 2


def test_m13_a_good_model_is_taken_without_losing_a_request(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    options = ("--model", str(model), "--workers", "2", "--log", "json")
    with served(*options, TMPDIR=str(folder)) as server:
        server.until_all(2)
        old_sha, old_workers = sha256_of_served(server), server.workers()
        load = Load(server, 4)
        try:
            shutil.copy(catalog.FOLDER / "zero_shot" / "model.tflite", model)
            server.signal(signal.SIGHUP)
            server.awaits("models_replaced")
            _wait_for(lambda: not set(server.workers()) & set(old_workers))
        finally:
            load.end()
        assert set(load.statuses) == {200}, load.statuses
        assert sha256_of_served(server) != old_sha
        assert len(server.workers()) == 2
        assert len(list(folder.iterdir())) == 1
        end_well(server)
        assert list(folder.iterdir()) == []


WAITS_FOR_THE_SECOND_MODEL = """
import os, time
from ankleboot.server.workers import worker
real = worker._loaded
def _loaded(path, config):
    if open(path, "rb").read() != open({old!r}, "rb").read():
        while not os.path.exists({go!r}): time.sleep(0.01)
    return real(path, config)
worker._loaded = _loaded
"""


@pytest.mark.slow
def test_m13_a_worker_that_dies_meanwhile_gets_the_proven_model(
    misbehaving: Misbehaving, model: Path, tmp_path: Path
) -> None:
    old = shutil.copy(model, tmp_path / "old")
    go = tmp_path / "go"
    code = WAITS_FOR_THE_SECOND_MODEL.format(old=str(old), go=str(go))
    with misbehaving(code, "--model", str(model), "--workers", "1") as server:
        before = server.post(PNG).json
        (worker,) = server.workers()
        damaged(model)
        server.signal(signal.SIGHUP)
        while len(server.workers()) < 2:
            time.sleep(0.01)
        end(worker)
        server.awaits("worker_ready", 2)
        assert server.post(PNG).json == before
        go.touch()
        server.awaits("models_kept")
        assert server.post(PNG).json == before and len(server.workers()) == 1


@pytest.mark.slow
def test_m13_a_new_worker_that_dies_before_the_swap_is_replaced(
    misbehaving: Misbehaving, model: Path, tmp_path: Path
) -> None:
    """The first of two is lost while the second one loads."""
    old = shutil.copy(model, tmp_path / "old")
    go = tmp_path / "go"
    code = WAITS_FOR_THE_SECOND_MODEL.format(old=str(old), go=str(go))
    with misbehaving(code, "--model", str(model), "--workers", "2") as server:
        server.until_all(2)
        was = server.workers()
        shutil.copy(catalog.FOLDER / "zero_shot" / "model.tflite", model)
        server.signal(signal.SIGHUP)
        while len(server.workers()) < 3:
            time.sleep(0.01)
        go.touch()
        server.awaits("worker_ready", 3)
        go.unlink()
        first = next(one for one in server.workers() if one not in was)
        while len(server.workers()) < 4:
            time.sleep(0.005)
        end(first)
        time.sleep(0.1)
        go.touch()
        server.awaits("models_replaced")
        server.awaits("worker_ready", 5)
        assert server.metric("ankleboot_workers_ready") == 2
        assert server.post(PNG).status == 200


@pytest.mark.slow
def test_m13_a_new_worker_that_hangs_does_not_hold_up_the_next_swap(
    misbehaving: Misbehaving, model: Path, tmp_path: Path
) -> None:
    old = shutil.copy(model, tmp_path / "old")
    code = WAITS_FOR_THE_SECOND_MODEL.format(old=str(old), go=str(tmp_path / "never"))
    soon = config(models=(str(model),), model_load_timeout_s=1.5)
    with misbehaving(code, config=soon) as server:
        shutil.copy(catalog.FOLDER / "zero_shot" / "model.tflite", model)
        server.signal(signal.SIGHUP)
        server.awaits("models_kept")
        assert len(server.workers()) == 1 and server.post(PNG).status == 200
        shutil.copy(old, model)
        server.signal(signal.SIGHUP)
        server.awaits("models_replaced")
        assert server.post(PNG).status == 200


# beside the rows


def test_the_key_is_asked_for_everywhere_but_at_the_door() -> None:
    with served("--workers", "1", "--log", "json", ANKLEBOOT_API_KEY="s3cret") as server:
        for path in ("/v1/model", "/metrics"):
            assert server.get(path).code == "unauthorized"
            assert server.get(path, authorization="Bearer s3cret").status == 200
        for wrong in ("Bearer s3cre", "Bearer", "Basic s3cret", "Bearer s3cret x", "Bearer \xe9"):
            assert server.post(PNG, authorization=wrong).status == 401
        long = server.post(b"x" * 5 * MIB)  # heard although all of it is sent
        assert long.headers["www-authenticate"] == "Bearer"
        assert server.post(PNG, authorization="bearer  s3cret").status == 200
        assert server.get("/healthz").status == 200 and server.get("/readyz").status == 200
        assert "s3cret" not in server.logged()


def test_nothing_of_a_request_gets_into_the_journal(server: Server) -> None:
    before = len(server.logged())
    secret = "Sup3rSecret"
    server.get(f"/{secret}?{secret}={secret}", user_agent=secret, cookie=secret)
    server.post(form((file(f"{secret}.png"), PNG)), FORM)
    server.post(images(secret), JSON)
    server.post(PNG, f"image/{secret}")
    server.raw(f"{secret}\r\n\r\n".encode())
    assert secret not in server.logged()[before:] and len(server.logged()) > before


def test_samples_that_could_not_be_drawn_are_not_kept(misbehaving: Misbehaving) -> None:
    code = "import os\nfrom ankleboot.server.workers import handler\nreal = handler._samples\n"
    code += "def _samples():\n    handler._samples = real\n    raise OSError('no such file')\n"
    code += "handler._samples = _samples"
    with misbehaving(code, "--workers", "1") as server:
        assert server.get("/samples.png").status == 500
        found = server.get("/samples.png")
        assert found.status == 200 and found.body.startswith(b"\x89PNG")
        server.awaits("worker_fault")
        forget_log(server)


@pytest.mark.slow
@pytest.mark.parametrize("redirection", ["| head -n 1", ">&-", "> /dev/full"])
def test_where_the_first_line_goes_does_not_matter(redirection: str, tmp_path: Path) -> None:
    """To a reader that leaves after it, to nobody, to a full disk: that is exit 5."""
    port = free_port()
    command = f"exec {sys.executable} -m ankleboot serve --port {port} --workers 1 --log off"
    script = (
        f"({command}) {redirection}" if redirection.startswith("|") else f"{command} {redirection}"
    )
    process = subprocess.Popen(
        ["sh", "-c", script], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    with ending(process):
        server = Server(process, "127.0.0.1", port, tmp_path)
        if "full" in redirection:
            assert process.wait(PATIENCE) == 5
            return
        server.until_ready()
        time.sleep(0.2)
        assert server.post(PNG).status == 200
        text = server.get("/metrics").body.decode()
        assert "ankleboot_workers_ready 1.0" in text
        (listening,) = listeners(port)
        os.kill(listening, signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None and b"Traceback" not in process.stderr.read()


def listeners(port: int) -> list[int]:
    """The server of this test among the processes: the one whose arguments name its port."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if words[-1:] == [b""] and b"ankleboot" in words and str(port).encode() in words:
                found.append(int(folder.name))
    return found
