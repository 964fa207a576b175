"""Hostile requests for `serving_attack.py`; each function returns the outcome."""

import io
import random
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator

from PIL import Image

from lib.load_spec import HOST
from lib.payloads import BOUNDARY
from lib.server_process import PATH

TIMEOUT_S = 20.0  # for a response
CHUNK_BYTES = 1 << 16
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
NUM_DISCONNECTS = 100  # clients per call


def send_raw(port: int, chunks: Iterable[bytes]) -> str:
    """Send bytes without reading; return the status of the response, or how it ended."""
    with socket.create_connection((HOST, port), TIMEOUT_S) as connection:
        try:
            for chunk in chunks:
                connection.sendall(chunk)
        except TimeoutError:
            return "the server no longer reads"
        except OSError:
            pass  # the server has closed, perhaps after a response
        try:
            start = connection.recv(CHUNK_BYTES)
        except TimeoutError:
            return "silence"
        except OSError:
            return "reset"
    return start[9:12].decode("latin-1") if start.startswith(b"HTTP/1.") else "closed"


def head(kind: str, *lines: str, size: int | None = None) -> bytes:
    """Return the headers of a POST."""
    length = [] if size is None else [f"Content-Length: {size}"]
    first = [f"POST {PATH} HTTP/1.1", f"Host: {HOST}", f"Content-Type: {kind}", "Connection: close"]
    return "\r\n".join([*first, *length, *lines, "", ""]).encode()


def post(port: int, kind: str, body: bytes) -> str:
    """Send a well-formed request."""
    return send_raw(port, [head(kind, size=len(body)), body])


def declared(port: int) -> str:
    """Declare a body of 10 GB."""
    return send_raw(port, [head("image/png", size=10**10), bytes(CHUNK_BYTES)])


def declared_and_sent(port: int) -> str:
    """Declare and send a body of 64 MB."""
    size = 64 << 20
    return send_raw(port, [head("image/png", size=size), *[bytes(1 << 20)] * 64])


def chunked(port: int) -> str:
    """Send a body of 200 MB in chunks."""

    def chunks() -> Iterator[bytes]:
        yield head("image/png", "Transfer-Encoding: chunked")
        chunk = b"%x\r\n" % (1 << 20) + bytes(1 << 20) + b"\r\n"
        for _ in range(200):
            yield chunk
        yield b"0\r\n\r\n"

    return send_raw(port, chunks())


def many_parts(port: int) -> str:
    """Send a form of 10,000 parts."""
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nx\r\n'
    return post(port, MULTIPART, (part * 10_000 + f"--{BOUNDARY}--\r\n").encode())


def part_header(port: int) -> str:
    """Send a form whose part has a header of 1 MB."""
    text = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{"n" * (1 << 20)}"\r\n\r\nx\r\n'
    return post(port, MULTIPART, (text + f"--{BOUNDARY}--\r\n").encode())


def no_end(port: int) -> str:
    """Send 1 MB before the first boundary, and a part without an end."""
    return post(port, MULTIPART, b"-" * (1 << 20) + f"\r\n--{BOUNDARY}\r\n\r\nx".encode())


def deep_json(port: int) -> str:
    """Send JSON lists nested 100,000 deep."""
    return post(port, "application/json", b'{"images": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def long_list(port: int) -> str:
    """Send a JSON list of a million empty strings."""
    items = b'"",' * 999_999 + b'""'
    return post(port, "application/json", b'{"images": [' + items + b"]}")


def bad_base64(port: int) -> str:
    """Send 5 MB of invalid base64."""
    return post(port, "application/json", b'{"images": ["' + b"%" * (5 << 20) + b'"]}')


def noise(port: int) -> str:
    """Send 1 MB of noise behind the signature of PNG."""
    return post(port, "image/png", b"\x89PNG\r\n\x1a\n" + random.Random(0).randbytes(1 << 20))


def long_header(port: int) -> str:
    """Send a header line of 10 MB."""
    return send_raw(port, [head("image/png", "X-Long: " + "x" * (10 << 20), size=1), b"x"])


def two_lengths(port: int) -> str:
    """Send Content-Length and Transfer-Encoding, as in request smuggling."""
    lines = ("Transfer-Encoding: chunked",)
    return send_raw(port, [head("image/png", *lines, size=4), b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n"])


def one_color(side: int, mode: str) -> bytes:
    """Return a PNG file that is small on the wire and large in memory."""
    file = io.BytesIO()
    Image.new(mode, (side, side)).save(file, "PNG", optimize=False, compress_level=9)
    return file.getvalue()


def bombs() -> dict[str, Callable[[int], str]]:
    """Return decompression bombs: 170 megapixels, alone and sixteen in one form."""
    gray, color = one_color(13_000, "L"), one_color(13_000, "RGB")
    part = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'.encode()
    )
    together = (part + color + b"\r\n") * 16 + f"--{BOUNDARY}--\r\n".encode()
    return {
        "13000 x 13000, grey": lambda port: post(port, "image/png", gray),
        "13000 x 13000, color": lambda port: post(port, "image/png", color),
        "16 of them": lambda port: post(port, MULTIPART, together),
    }


def disconnect(port: int, body: bytes) -> str:
    """Disconnect clients halfway through the request or before the response, some by a reset."""
    request = head("image/jpeg", size=len(body)) + body
    for number in range(NUM_DISCONNECTS):
        with socket.create_connection((HOST, port), TIMEOUT_S) as connection:
            try:
                connection.sendall(request[: len(request) // (1 + number % 2)])
            except OSError:
                continue
            if number % 4 > 1:  # closes with a reset
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    return "left"


class SlowClients:
    """Connections that send a byte per `step`, some in the headers and some in the body."""

    def __init__(self, port: int, num: int) -> None:
        self.port = port
        self.ended: dict[str, list[float]] = {}  # seconds until the server closed a connection
        self._open: list[SlowConnection] = []
        self._num = num

    def step(self) -> None:
        """Send a byte on each connection, and replace those that the server has closed."""
        for client in self._open:
            if client.is_closed():
                seconds = time.perf_counter() - client.since
                self.ended.setdefault(client.where, []).append(seconds)
                client.connection.close()
        self._open = [client for client in self._open if client.connection.fileno() >= 0]
        kinds = ("header", "body")
        while len(self._open) < self._num:
            self._open.append(SlowConnection(self.port, kinds[len(self._open) % len(kinds)]))

    def close(self) -> None:
        """Close all connections."""
        for client in self._open:
            client.connection.close()


class SlowConnection:
    """Connection that sends its request byte by byte."""

    def __init__(self, port: int, where: str) -> None:
        self.where = where
        self.since = time.perf_counter()
        self.connection = socket.create_connection((HOST, port), TIMEOUT_S)
        start = head("image/png", size=1000)
        if where == "body":
            self.connection.sendall(start)
        self._unsent = bytes(1000) if where == "body" else start
        self.connection.setblocking(False)

    def is_closed(self) -> bool:
        """Send a byte; return whether the server has closed the connection."""
        try:
            self.connection.send(self._unsent[:1])
            self._unsent = self._unsent[1:]
            while self.connection.recv(CHUNK_BYTES):
                pass  # the response with the reason
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True


REQUESTS: dict[str, Callable[[int], str]] = {
    "10 GB declared": declared,
    "64 MB declared and sent": declared_and_sent,
    "200 MB in chunks": chunked,
    "10,000 parts": many_parts,
    "1 MB in a part's header": part_header,
    "parts without an end": no_end,
    "JSON 100,000 deep": deep_json,
    "a list of 1,000,000": long_list,
    "bad base64": bad_base64,
    "noise": noise,
    "10 MB in a header line": long_header,
    "size and chunks": two_lengths,
}
"""Functions by their names in the stored result."""
