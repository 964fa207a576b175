"""Server processes for tests, and clients that send any bytes.

with running_server("--workers", "1") as server:  # the command
    server.post(PNG)                              # a well-behaved client
    server.send_raw(b"GET / HTTP/0.9\\r\\n\\r\\n")    # any bytes
with running_server(config=config(header_timeout_s=0.2)) as server:  # any field of ServerConfig
    ...
"""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ankleboot.server.config import ServerConfig

TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
TIMEOUT_S = 20.0  # for anything that should take far less

COMMAND = [sys.executable, "-m", "ankleboot"]

START = """
import sys
{code}
from ankleboot.cli.main import main
sys.argv[0] = "ankleboot"
main()
"""
"""The command, after code that replaces functions of the server."""

START_WITH_CONFIG = """
{code}
from ankleboot.cli.serve import run
from ankleboot.server.config import ServerConfig
run({config!r}, "json", as_json=True)
"""
"""A server with any configuration, after code that replaces functions of it."""


@dataclass
class Response:
    """HTTP response; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Code of the error."""
        code: str = self.json["error"]["code"]
        return code


@dataclass
class Server:
    """Running server."""

    process: subprocess.Popen[bytes]
    host: str
    port: int
    log: Path
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        return self.process.pid

    def connect(self, timeout: float = TIMEOUT_S) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout)

    def client(self, timeout: float = TIMEOUT_S) -> http.client.HTTPConnection:
        """Return a client that keeps its connection."""
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def request(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> Response:
        """Send a request on a new connection; underscores in headers become dashes."""
        client = self.client()
        try:
            return send(client, method, path, body, **headers)
        finally:
            client.close()

    def get(self, path: str, **headers: str) -> Response:
        return self.request("GET", path, None, **headers)

    def post(
        self, body: bytes, type: str = "image/png", path: str = "/v1/predict", **headers: str
    ) -> Response:
        return self.request("POST", path, body, **{"content-type": type} | headers)

    def send_raw(self, *chunks: bytes, timeout: float = TIMEOUT_S) -> bytes:
        """Send bytes, then read until the server closes or is silent for the timeout."""
        with self.connect(timeout) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):
                for chunk in chunks:
                    connection.sendall(chunk)
            return read_all(connection)

    def worker_pids(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in children]

    def metric(self, name: str) -> float:
        text = self.get("/metrics").body.decode()
        (value,) = re.findall(rf"^{re.escape(name)} (\S+)$", text, re.M)
        return float(value)

    def send_signal(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self) -> None:
        """Stop the server with SIGTERM; it must exit with 0."""
        self.send_signal(signal.SIGTERM)
        assert self.process.wait(TIMEOUT_S) == 0

    def log_text(self) -> str:
        """Return all that the server has written on stderr so far."""
        return self.log.read_text()

    def clear_log(self) -> None:
        """Remove expected tracebacks, which would fail the test at the end."""
        os.truncate(self.log, 0)

    def events(self) -> list[dict[str, Any]]:
        """Return the lines of the log of a server with --log json.

        The last one may be half written: it counts once its end is there.
        """
        lines = self.log_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line[-1] == "\n"]

    def wait_for_event(self, event: str, count: int = 1) -> dict[str, Any]:
        """Return the line of the event's `count`-th occurrence once it is there."""
        until = time.monotonic() + TIMEOUT_S
        while time.monotonic() < until:
            lines = [line for line in self.events() if line["event"] == event]
            if len(lines) >= count:
                return lines[count - 1]
            time.sleep(0.02)
        raise AssertionError(f"no {event} in {self.log_text()[-2000:]}")

    def wait_until_ready(self) -> None:
        def is_ready() -> bool:
            with suppress(OSError, http.client.HTTPException):
                return self.get("/readyz").status == 200
            return False

        wait_until(is_ready)

    def wait_for_workers(self, count: int) -> None:
        """Wait until so many workers are ready."""
        wait_until(lambda: self.metric("ankleboot_workers_ready") >= count)


def wait_until(condition: Callable[[], bool], timeout: float = TIMEOUT_S) -> None:
    until = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < until, "the condition was never true"
        time.sleep(0.01)


def config(**fields: Any) -> ServerConfig:
    """Return a configuration for tests: a free port, no draining, one worker."""
    return ServerConfig(**{"port": 0, "drain_s": 0.0, "workers": 1} | fields)


def start_server(
    log: Path,
    *options: str,
    config: ServerConfig | None = None,
    code: str = "",
    **environment: str,
) -> subprocess.Popen[bytes]:
    """Start a server whose stderr goes to a file.

    Args:
        log: The file.
        options: Options of the command, after those that all tests use.
        config: Configuration of a server that is not started by the command.
        code: Code that runs in the server's process first.
        environment: Additional variables.
    """
    if config is not None:
        command = [sys.executable, "-c", START_WITH_CONFIG.format(code=code, config=config)]
    else:
        command = [sys.executable, "-c", START.format(code=code)] if code else COMMAND
        command = [*command, "serve", "--port", "0", "--drain-seconds", "0", "--json", *options]
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=file,
            env=os.environ | environment,
        )


@contextmanager
def running_server(
    *options: str, config: ServerConfig | None = None, code: str = "", **environment: str
) -> Iterator[Server]:
    """Yield a server that is ready; it must exit with 0 unless the test has stopped it."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        started = start_server(log, *options, config=config, code=code, **environment)
        with killed_at_exit(started) as process:
            document = _read_document(process, log)
            host, _, port = document["url"].removeprefix("http://").rpartition(":")
            server = Server(process, host.strip("[]"), int(port), log, document)
            yield server
            if process.poll() is None:
                process.terminate()
                assert process.wait(TIMEOUT_S) == 0, server.log_text()[-2000:]
            assert "Traceback" not in server.log_text(), server.log_text()[-4000:]


@contextmanager
def killed_at_exit(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Kill the process at the end of the block."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _read_document(process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    """Return the document that the command prints once it is ready."""
    assert process.stdout is not None
    text = b""
    while not text.endswith(b"\n}\n"):
        line = process.stdout.readline()
        assert line, log.read_text()
        text += line
    document: dict[str, Any] = json.loads(text)
    return document


def send(
    client: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    **headers: str,
) -> Response:
    """Send a request on the client's connection."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    client.request(method, path, body, fields)
    response = client.getresponse()
    lower = {name.lower(): value for name, value in response.getheaders()}
    return Response(response.status, lower, response.read())


def read_all(connection: socket.socket) -> bytes:
    """Return all bytes until the server closes, with a mark for a reset or a timeout."""
    data = bytearray()
    while True:
        try:
            chunk = connection.recv(2**16)
        except ConnectionResetError:
            return bytes(data) + b"<reset>"
        except TimeoutError:
            return bytes(data) + b"<timeout>"
        if not chunk:
            return bytes(data)
        data += chunk


def statuses(data: bytes) -> list[int]:
    """Return the statuses of the responses in raw bytes."""
    return [int(number) for number in re.findall(rb"HTTP/1\.1 (\d{3}) ", data)]


def request_head(method: str = "POST", path: str = "/v1/predict", **headers: str) -> bytes:
    """Return the first line and the headers of a request."""
    lines = {"host": "localhost"} | {k.replace("_", "-"): v for k, v in headers.items()}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{text}\r\n".encode()


def predict_request(body: bytes, type: str = "image/png", **headers: str) -> bytes:
    """Return the bytes of a whole request for a prediction."""
    return request_head(content_type=type, content_length=str(len(body)), **headers) + body


def memory_mib(*pids: int) -> float:
    """Return the memory of the processes; shared pages count once (PSS)."""
    total = 0
    for pid in pids:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.findall(r"^Pss:\s+(\d+)", text, re.M)[0])
    return total / 1024


def cpu_seconds(*pids: int) -> float:
    """Return the CPU time that the processes have used so far."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_S


def num_open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process that the test has started."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
