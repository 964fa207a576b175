"""A load client that leaves the processor to the server it measures.

    result = drive(Load(port=8000, connections=8, seconds=5.0), [Request(path, kind, body)])

runs `python -m lib.client` in a process of its own: one thread, non-blocking sockets,
the bytes of all requests made beforehand, the body of every 200 compared with the one expected. A
closed loop keeps some connections busy. An open loop sends at a rate whatever the server does, and
a latency counts from the moment its request was due, so that a server that stalls answers for
everybody who had to wait. Standard library only.
"""

import base64
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ankleboot.core.errors import EnvironmentFailure

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Request:
    """A POST, and the body that a 200 must have (None: any)."""

    path: str
    content_type: str
    body: bytes
    expected: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is to be sent.

    Attributes:
        port: Of a server on this machine.
        connections: Kept busy in a closed loop; in an open one the most there may be.
        requests: A closed loop ends after so many,
        seconds: or after so long; an open loop lasts so long, and a second more for requests that
            wait for a connection then.
        rate: Requests per second of an open loop; None for a closed one.
        poisson: Whether the requests of an open loop come at random moments, as from many people.
        keep_alive: Whether connections are used again; else each request has its own.
        until_refused: End when the server takes no more connections.
        record: Return the bodies, in the order of the answers.
        timeout: Seconds that an answer may take.
        seed: Of the random moments.
    """

    port: int
    connections: int
    requests: int | None = None
    seconds: float | None = None
    rate: float | None = None
    poisson: bool = False
    keep_alive: bool = True
    until_refused: bool = False
    record: bool = False
    timeout: float = 30.0
    seed: int = 0


def wire(request: Request, load: Load) -> bytes:
    """The bytes of a request."""
    lines = [
        f"POST {request.path} HTTP/1.1",
        f"Host: {HOST}:{load.port}",
        f"Content-Type: {request.content_type}",
        f"Content-Length: {len(request.body)}",
        *([] if load.keep_alive else ["Connection: close"]),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + request.body


def schedule(load: Load) -> list[float]:
    """When the requests of an open loop are due, in seconds from the start."""
    if load.rate is None or load.seconds is None:
        return []
    if not load.poisson:
        return [index / load.rate for index in range(int(load.rate * load.seconds))]
    chance, found, at = random.Random(load.seed), [], 0.0
    while (at := at + chance.expovariate(load.rate)) < load.seconds:
        found.append(at)
    return found


def start(load: Load, requests: Sequence[Request]) -> "subprocess.Popen[str]":
    """Start the client in a process of its own."""
    bodies = [
        [r.path, r.content_type, text(r.body), None if r.expected is None else text(r.expected)]
        for r in requests
    ]
    with tempfile.TemporaryFile("w+") as file:
        json.dump({"load": asdict(load), "requests": bodies}, file)
        file.seek(0)
        command = [sys.executable, "-m", "lib.client"]
        return subprocess.Popen(
            command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )


def finish(client: "subprocess.Popen[str]") -> dict[str, Any]:
    """Wait for a client's result.

    Raises:
        EnvironmentFailure: If it failed; its last words are in the message.
    """
    out, errors = client.communicate()
    if client.returncode:
        words = (errors.strip().splitlines() or ["no message"])[-1]
        raise EnvironmentFailure(f"load client: {words}")
    found: dict[str, Any] = json.loads(out)
    return found


def drive(load: Load, requests: Sequence[Request]) -> dict[str, Any]:
    """Send a load and return what became of it: the keys of `Tally.to_json`, and "bodies"."""
    return finish(start(load, requests))


def alone(port: int, requests: Sequence[Request]) -> list[Request]:
    """The requests with the answers that the server gives to each of them when nobody else asks.

    Raises:
        EnvironmentFailure: If one is not answered with 200.
    """
    load = Load(port=port, connections=1, requests=len(requests), record=True)
    result = drive(load, requests)
    if result["statuses"] != {"200": len(requests)}:
        told = {"statuses": result["statuses"], "failures": result["failures"]}
        raise EnvironmentFailure(f"{len(requests)} requests, one by one: {told}")
    bodies = [base64.b64decode(body) for body in result["bodies"]]
    return [replace(one, expected=body) for one, body in zip(requests, bodies, strict=True)]


def text(content: bytes) -> str:
    """Bytes as JSON can hold them."""
    return base64.b64encode(content).decode()
