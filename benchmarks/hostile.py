"""Requests of people who mean harm, for `serving_attack.py`: each returns how it was answered."""

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

PATIENCE = 20.0  # seconds that an answer may take
PIECE = 1 << 16
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
LEAVERS = 100  # clients that leave, each time


def shoot(port: int, pieces: Iterable[bytes]) -> str:
    """Send bytes whatever comes back meanwhile; the status of the answer, or how it ended."""
    with socket.create_connection((HOST, port), PATIENCE) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except TimeoutError:
            return "the server no longer reads"
        except OSError:
            pass  # it has heard enough; perhaps it said so
        try:
            start = connection.recv(PIECE)
        except TimeoutError:
            return "silence"
        except OSError:
            return "reset"
    return start[9:12].decode("latin-1") if start.startswith(b"HTTP/1.") else "closed"


def head(kind: str, *lines: str, size: int | None = None) -> bytes:
    """The head of a POST."""
    length = [] if size is None else [f"Content-Length: {size}"]
    first = [f"POST {PATH} HTTP/1.1", f"Host: {HOST}", f"Content-Type: {kind}", "Connection: close"]
    return "\r\n".join([*first, *length, *lines, "", ""]).encode()


def post(port: int, kind: str, body: bytes) -> str:
    """A request of ordinary form."""
    return shoot(port, [head(kind, size=len(body)), body])


def declared(port: int) -> str:
    """A body that calls itself 10 GB."""
    return shoot(port, [head("image/png", size=10**10), bytes(PIECE)])


def declared_and_sent(port: int) -> str:
    """A body of 64 MB that comes."""
    size = 64 << 20
    return shoot(port, [head("image/png", size=size), *[bytes(1 << 20)] * 64])


def chunked(port: int) -> str:
    """A body of 200 MB that does not tell its size."""

    def pieces() -> Iterator[bytes]:
        yield head("image/png", "Transfer-Encoding: chunked")
        chunk = b"%x\r\n" % (1 << 20) + bytes(1 << 20) + b"\r\n"
        for _ in range(200):
            yield chunk
        yield b"0\r\n\r\n"

    return shoot(port, pieces())


def many_parts(port: int) -> str:
    """10,000 parts."""
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nx\r\n'
    return post(port, MULTIPART, (part * 10_000 + f"--{BOUNDARY}--\r\n").encode())


def part_header(port: int) -> str:
    """A part whose header has 1 MB."""
    text = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{"n" * (1 << 20)}"\r\n\r\nx\r\n'
    return post(port, MULTIPART, (text + f"--{BOUNDARY}--\r\n").encode())


def no_end(port: int) -> str:
    """Parts without an end, after 1 MB of no part."""
    return post(port, MULTIPART, b"-" * (1 << 20) + f"\r\n--{BOUNDARY}\r\n\r\nx".encode())


def deep_json(port: int) -> str:
    """Lists in lists, 100,000 deep."""
    return post(port, "application/json", b'{"images": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def long_list(port: int) -> str:
    """A list of a million nothings."""
    items = b'"",' * 999_999 + b'""'
    return post(port, "application/json", b'{"images": [' + items + b"]}")


def bad_base64(port: int) -> str:
    """5 MB of what is no base64."""
    return post(port, "application/json", b'{"images": ["' + b"%" * (5 << 20) + b'"]}')


def noise(port: int) -> str:
    """A megabyte of noise that calls itself a PNG."""
    return post(port, "image/png", b"\x89PNG\r\n\x1a\n" + random.Random(0).randbytes(1 << 20))


def long_header(port: int) -> str:
    """A header line of 10 MB."""
    return shoot(port, [head("image/png", "X-Long: " + "x" * (10 << 20), size=1), b"x"])


def two_lengths(port: int) -> str:
    """A size and chunks at once, by which requests are smuggled past proxies."""
    lines = ("Transfer-Encoding: chunked",)
    return shoot(port, [head("image/png", *lines, size=4), b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n"])


def one_color(side: int, mode: str) -> bytes:
    """A PNG file that is small on the wire and large in memory."""
    file = io.BytesIO()
    Image.new(mode, (side, side)).save(file, "PNG", optimize=False, compress_level=9)
    return file.getvalue()


def bombs() -> dict[str, Callable[[int], str]]:
    """Pictures that would fill the memory: 170 megapixels, alone and sixteen at once."""
    grey, color = one_color(13_000, "L"), one_color(13_000, "RGB")
    part = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'.encode()
    )
    together = (part + color + b"\r\n") * 16 + f"--{BOUNDARY}--\r\n".encode()
    return {
        "13000 x 13000, grey": lambda port: post(port, "image/png", grey),
        "13000 x 13000, color": lambda port: post(port, "image/png", color),
        "16 of them": lambda port: post(port, MULTIPART, together),
    }


def leavers(port: int, body: bytes) -> str:
    """Clients that leave: halfway through the request or before the answer, some by a reset."""
    request = head("image/jpeg", size=len(body)) + body
    for number in range(LEAVERS):
        with socket.create_connection((HOST, port), PATIENCE) as connection:
            try:
                connection.sendall(request[: len(request) // (1 + number % 2)])
            except OSError:
                continue
            if number % 4 > 1:  # a reset instead of an orderly end
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    return "left"


class Slow:
    """Connections on which a byte comes every second, some in the header and some in the body."""

    def __init__(self, port: int, num: int) -> None:
        self.port = port
        self.ended: dict[str, list[float]] = {}  # seconds until the server closed one
        self._open: list[Dripping] = []
        self._num = num

    def step(self) -> None:
        """Send a byte on each, and put new ones in the place of those that were closed."""
        for one in self._open:
            if one.is_closed():
                self.ended.setdefault(one.where, []).append(time.perf_counter() - one.since)
                one.connection.close()
        self._open = [one for one in self._open if one.connection.fileno() >= 0]
        kinds = ("header", "body")
        while len(self._open) < self._num:
            self._open.append(Dripping(self.port, kinds[len(self._open) % len(kinds)]))

    def close(self) -> None:
        """Leave."""
        for one in self._open:
            one.connection.close()


class Dripping:
    """A connection that takes its time."""

    def __init__(self, port: int, where: str) -> None:
        self.where = where
        self.since = time.perf_counter()
        self.connection = socket.create_connection((HOST, port), PATIENCE)
        start = head("image/png", size=1000)
        if where == "body":
            self.connection.sendall(start)
        self._unsent = bytes(1000) if where == "body" else start
        self.connection.setblocking(False)

    def is_closed(self) -> bool:
        """Send a byte; whether the server has had enough."""
        try:
            self.connection.send(self._unsent[:1])
            self._unsent = self._unsent[1:]
            while self.connection.recv(PIECE):
                pass  # it says why
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True


USUAL: dict[str, Callable[[int], str]] = {
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
"""By what they are called in the result."""
