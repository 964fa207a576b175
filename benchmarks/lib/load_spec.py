"""Loads for a server, sent by a load generator in a process of its own.

    result = drive(Load(port=8000, connections=8, seconds=5.0), [Request(path, kind, body)])

runs `python -m lib.load_generator`: one thread, non-blocking sockets, requests encoded beforehand,
the body of every 200 compared with the expected one. A closed loop keeps some connections busy. An
open loop sends at a fixed rate. Its latencies count from the moment a request was due, so that a
stall of the server counts for every request that had to wait. Standard library only.
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
from ankleboot.core.subprocesses import child_environment

HOST = "127.0.0.1"


@dataclass(frozen=True)
class LoadRequest:
    """A POST request and the expected body of a 200 (None: any)."""

    path: str
    content_type: str
    body: bytes
    expected: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class LoadSpec:
    """A load to send.

    Attributes:
        port: Port of a server on this machine.
        connections: Number of busy connections (closed loop), or their maximum (open loop).
        requests: Number of requests after which a closed loop ends.
        seconds: Duration of a load. An open loop adds up to a second for requests that wait for a
            connection.
        rate: Requests per second of an open loop; None for a closed one.
        poisson: Whether the requests of an open loop come at random moments.
        keep_alive: Whether connections are reused; else each request has its own.
        until_refused: Whether to end when the server refuses a connection.
        record: Whether to return the bodies, in the order of the responses.
        timeout: Seconds until a request counts as timed out.
        seed: Seed of the random moments.
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


def encode_request(request: LoadRequest, load: LoadSpec) -> bytes:
    """Encode a request as HTTP/1.1."""
    lines = [
        f"POST {request.path} HTTP/1.1",
        f"Host: {HOST}:{load.port}",
        f"Content-Type: {request.content_type}",
        f"Content-Length: {len(request.body)}",
        *([] if load.keep_alive else ["Connection: close"]),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + request.body


def send_times(load: LoadSpec) -> list[float]:
    """Return when the requests of an open loop are due, in seconds from the start."""
    if load.rate is None or load.seconds is None:
        return []
    if not load.poisson:
        return [index / load.rate for index in range(int(load.rate * load.seconds))]
    generator, times, time = random.Random(load.seed), [], 0.0
    while (time := time + generator.expovariate(load.rate)) < load.seconds:
        times.append(time)
    return times


def start_load(load: LoadSpec, requests: Sequence[LoadRequest]) -> "subprocess.Popen[str]":
    """Start the load generator in a process of its own."""
    bodies = [
        [
            r.path,
            r.content_type,
            to_base64(r.body),
            None if r.expected is None else to_base64(r.expected),
        ]
        for r in requests
    ]
    with tempfile.TemporaryFile("w+") as file:
        json.dump({"load": asdict(load), "requests": bodies}, file)
        file.seek(0)
        command = [sys.executable, "-m", "lib.load_generator"]
        return subprocess.Popen(
            command,
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=child_environment(),
        )


def finish_load(client: "subprocess.Popen[str]") -> dict[str, Any]:
    """Wait for the result of a load generator.

    Raises:
        EnvironmentFailure: If it failed; the message holds its last line.
    """
    out, errors = client.communicate()
    if client.returncode:
        message = (errors.strip().splitlines() or ["no message"])[-1]
        raise EnvironmentFailure(f"load generator: {message}")
    result: dict[str, Any] = json.loads(out)
    return result


def run_load(load: LoadSpec, requests: Sequence[LoadRequest]) -> dict[str, Any]:
    """Send a load and return its statistics (`LoadStats.to_json`) and recorded bodies."""
    return finish_load(start_load(load, requests))


def record_expected(port: int, requests: Sequence[LoadRequest]) -> list[LoadRequest]:
    """Return the requests with the responses that the server gives to each alone as expected.

    Raises:
        EnvironmentFailure: If a response is not 200.
    """
    load = LoadSpec(port=port, connections=1, requests=len(requests), record=True)
    result = run_load(load, requests)
    if result["statuses"] != {"200": len(requests)}:
        counts = {"statuses": result["statuses"], "failures": result["failures"]}
        raise EnvironmentFailure(f"{len(requests)} sequential requests: {counts}")
    bodies = [base64.b64decode(body) for body in result["bodies"]]
    return [replace(r, expected=body) for r, body in zip(requests, bodies, strict=True)]


def to_base64(content: bytes) -> str:
    """Encode bytes for JSON."""
    return base64.b64encode(content).decode()
