"""Servers for tests, each in a process of its own, and clients that send any bytes.

with served("--workers", "1") as server:        # the command
    server.post(PNG)                            # a well-behaved client
    server.raw(b"GET / HTTP/0.9\\r\\n\\r\\n")     # any bytes
with served(config=config(header_timeout_s=0.2)) as server:  # any field of ServerConfig
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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ankleboot.server.config import ServerConfig

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PATIENCE = 20.0  # seconds for anything that should take far less

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
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of the error."""
        found: str = self.json["error"]["code"]
        return found


@dataclass
class Server:
    """A running one."""

    process: subprocess.Popen[bytes]
    host: str
    port: int
    log: Path
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        return self.process.pid

    def connect(self, timeout: float = PATIENCE) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout)

    def client(self, timeout: float = PATIENCE) -> http.client.HTTPConnection:
        """Keeps its connection."""
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request on a connection of its own; underscores in headers become dashes."""
        client = self.client()
        try:
            return asked(client, method, path, body, **headers)
        finally:
            client.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, None, **headers)

    def post(
        self, body: bytes, type: str = "image/png", path: str = "/v1/predict", **headers: str
    ) -> Answer:
        return self.ask("POST", path, body, **{"content-type": type} | headers)

    def raw(self, *pieces: bytes, timeout: float = PATIENCE) -> bytes:
        """Send bytes, then read until the server closes or nothing more comes for a while."""
        with self.connect(timeout) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):
                for piece in pieces:
                    connection.sendall(piece)
            return drained(connection)

    def workers(self) -> list[int]:
        """Their process ids."""
        found = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in found]

    def metric(self, name: str) -> float:
        text = self.get("/metrics").body.decode()
        (line,) = re.findall(rf"^{re.escape(name)} (\S+)$", text, re.M)
        return float(line)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def logged(self) -> str:
        """What it has written on stderr so far."""
        return self.log.read_text()

    def events(self) -> list[dict[str, Any]]:
        """The journal's lines, of a server with --log json."""
        lines = self.logged().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def awaits(self, event: str, count: int = 1, seconds: float = PATIENCE) -> dict[str, Any]:
        """The journal's line about an event, once it is there."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = [line for line in self.events() if line["event"] == event]
            if len(found) >= count:
                return found[count - 1]
            time.sleep(0.02)
        raise AssertionError(f"no {event} in {self.logged()[-2000:]}")

    def until_ready(self, seconds: float = PATIENCE) -> float:
        """Wait until it says so; returns how long that took."""
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            with suppress(OSError, http.client.HTTPException):
                if self.get("/readyz").status == 200:
                    return time.monotonic() - began
            time.sleep(0.01)
        raise AssertionError("never ready")

    def until_all(self, workers: int, seconds: float = PATIENCE) -> None:
        """Wait until the other workers are there, too."""
        until = time.monotonic() + seconds
        while self.metric("ankleboot_workers_ready") < workers:
            assert time.monotonic() < until, "not all workers came"
            time.sleep(0.02)


def config(**fields: Any) -> ServerConfig:
    """Return a configuration for tests: a free port, no draining, one worker."""
    return ServerConfig(**{"port": 0, "drain_s": 0.0, "workers": 1} | fields)


def start(
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
        command = [sys.executable, "-c", START.format(code=code)] if code else _COMMAND
        command = [*command, "serve", "--port", "0", "--drain-seconds", "0", "--json", *options]
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=file,
            env=os.environ | environment,
        )


@contextmanager
def served(
    *options: str, config: ServerConfig | None = None, code: str = "", **environment: str
) -> Iterator[Server]:
    """Yield a server that is ready; it must exit with 0 unless the test ended it."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        started = start(log, *options, config=config, code=code, **environment)
        with ending(started) as process:
            document = _said(process, log)
            host, _, port = document["url"].removeprefix("http://").rpartition(":")
            server = Server(process, host.strip("[]"), int(port), log, document)
            yield server
            if process.poll() is None:
                process.terminate()
                assert process.wait(PATIENCE) == 0, server.logged()[-2000:]
            assert "Traceback" not in server.logged(), server.logged()[-4000:]


@contextmanager
def ending(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """It does not outlive what is done with it."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _said(process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    """The document that it prints once it answers."""
    assert process.stdout is not None
    text = b""
    while not text.endswith(b"\n}\n"):
        line = process.stdout.readline()
        assert line, log.read_text()
        text += line
    document: dict[str, Any] = json.loads(text)
    return document


_COMMAND = [sys.executable, "-m", "ankleboot"]


def asked(
    client: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    **headers: str,
) -> Answer:
    """Ask on a connection that stays."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    client.request(method, path, body, named)
    response = client.getresponse()
    found = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, found, response.read())


def drained(connection: socket.socket) -> bytes:
    """All that comes until the other side closes; a reset is told by its name."""
    found = bytearray()
    while True:
        try:
            piece = connection.recv(2**16)
        except ConnectionResetError:
            return bytes(found) + b"<reset>"
        except TimeoutError:
            return bytes(found) + b"<nothing more>"
        if not piece:
            return bytes(found)
        found += piece


def statuses(said: bytes) -> list[int]:
    """Of the answers among the bytes that came."""
    return [int(number) for number in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]


def head(method: str = "POST", path: str = "/v1/predict", **headers: str) -> bytes:
    """A request's first lines, as many clients write them."""
    lines = {"host": "localhost"} | {k.replace("_", "-"): v for k, v in headers.items()}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{text}\r\n".encode()


def request(body: bytes, type: str = "image/png", **headers: str) -> bytes:
    """A prediction, whole."""
    return head(content_type=type, content_length=str(len(body)), **headers) + body


def memory(*pids: int) -> float:
    """Megabytes of the processes; what they share counts once (PSS)."""
    total = 0
    for pid in pids:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.findall(r"^Pss:\s+(\d+)", text, re.M)[0])
    return total / 1024


def cpu_seconds(*pids: int) -> float:
    """That the processes have worked so far."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def forget_log(server: Server) -> None:
    """For what is meant to be in it, and would be taken for a fault at the end."""
    os.truncate(server.log, 0)


def end(pid: int, number: int = signal.SIGKILL) -> None:
    """Harm a process that this test has started."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
