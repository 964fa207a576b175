"""Request bodies, load and faulty workers for the adversarial tests of the server."""

import base64
import http.client
import io
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from PIL import Image

from ankleboot.server.config import MIB, ServerConfig
from ankleboot.server.schemas import EXAMPLE_IMAGE_BASE64
from helpers.server import (
    Server,
    memory_mib,
    predict_request,
    request_head,
    running_server,
    send,
    start_server,
)

PNG = base64.b64decode(EXAMPLE_IMAGE_BASE64)
MAX_BODY_BYTES = ServerConfig.max_body_bytes
JSON = "application/json"
FORM = "multipart/form-data; boundary=b"


def chunked(body: bytes, size: int = MIB) -> bytes:
    """Encode a body in chunks."""
    chunks = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def form_body(*parts: tuple[str, bytes]) -> bytes:
    """Return a form of parts, each with its header lines."""
    lines = [f"--b\r\n{header}\r\n\r\n".encode() + content + b"\r\n" for header, content in parts]
    return b"".join(lines) + b"--b--\r\n"


def file_headers(name: str = "boot.png", type: str = "image/png") -> str:
    """Return the header lines of a file in a form."""
    return f'Content-Disposition: form-data; name="x"; filename="{name}"\r\nContent-Type: {type}'


def json_body(*images: object) -> bytes:
    return json.dumps({"images": images}).encode()


def encode(image: Image.Image, format: str, **options: Any) -> bytes:
    """Return an image file."""
    content = io.BytesIO()
    image.save(content, format, **options)
    return content.getvalue()


def memory_growth(action: Callable[[], object], *pids: int) -> float:
    """Return the largest growth of the processes' memory during an action, in MiB."""
    before, largest, stopped = memory_mib(*pids), [0.0], threading.Event()

    def watch() -> None:
        while not stopped.wait(0.02):
            largest[0] = max(largest[0], memory_mib(*pids))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        action()
    finally:
        stopped.set()
        watcher.join()
    return max(largest[0], memory_mib(*pids)) - before


def predict_seconds(server: Server) -> float:
    """Return the time of one prediction."""
    start = time.monotonic()
    assert server.post(PNG).status == 200
    return time.monotonic() - start


def read_response(connection: socket.socket) -> bytes:
    """Return the bytes up to the end of a JSON document, with a mark for an early end."""
    data = b""
    try:
        while b"\r\n\r\n" not in data or not data.endswith(b"}"):
            chunk = connection.recv(65_536)
            if not chunk:
                return data + b"<closed>"
            data += chunk
    except OSError as error:
        return data + type(error).__name__.encode()
    return data


def disconnect_clients(server: Server, number: int) -> None:
    """Send requests in part and disconnect, each at another point, every second with a reset."""
    explain_head = request_head(path="/v1/explain", content_type=JSON, content_length="99")
    for index in range(number):
        with server.connect() as connection:
            if index % 2:
                reset = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            data = explain_head if index % 4 == 3 else predict_request(PNG)
            connection.sendall(data[: len(data) * (1 + index % 8) // 8])


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


def damage(path: Path) -> Path:
    """Flip one bit of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


class LoadClients:
    """Threads that send predictions without a pause.

    Attributes:
        statuses: Number of responses by status; a failed connection counts by its exception.
    """

    def __init__(self, server: Server, num_clients: int) -> None:
        self.statuses: Counter[int | str] = Counter()
        self._server, self._stopped = server, threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(num_clients)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        """Send requests on one connection until a response closes it."""
        client = self._server.client()
        while not self._stopped.is_set():
            try:
                response = send(client, "POST", "/v1/predict", PNG, content_type="image/png")
            except ConnectionRefusedError:  # the server has stopped
                return
            except (OSError, http.client.HTTPException) as error:
                self.statuses[repr(error)] += 1
                return
            self.statuses[response.status] += 1
            if response.status == 200:
                assert response.json["predictions"][0]["label"] == "Ankle boot"
            if response.headers.get("connection") == "close":
                client.close()
                return
        client.close()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()


WORKER = """#!{python}
import sys
{code}
from ankleboot.server.workers import worker
worker.main(sys.argv[3:])
"""
"""Script in place of the interpreter that runs `-m ankleboot.server.workers.worker ...`."""


class MisbehavingServers:
    """Starter of servers whose workers run some code first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(
        self, code: str, *options: str, config: ServerConfig | None = None, server_code: str = ""
    ) -> AbstractContextManager[Server]:
        options = ("--log", "json", *options)
        return running_server(*options, config=config, code=self._patch(code) + server_code)

    def start(self, log: Path, code: str, *options: str) -> subprocess.Popen[bytes]:
        return start_server(log, "--log", "json", *options, code=self._patch(code))

    def _patch(self, code: str) -> str:
        """Return code for the server that makes it start other workers."""
        script = self._folder / "worker"
        script.write_text(WORKER.format(python=sys.executable, code=code))
        script.chmod(0o755)
        return (
            "import types\nfrom ankleboot.server.workers import process\n"
            f"process.sys = types.SimpleNamespace(executable={str(script)!r})\n"
        )
