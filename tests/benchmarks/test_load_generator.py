"""The load generator against servers of known behavior."""

import asyncio
import io
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ankleboot.core.errors import EnvironmentFailure
from lib import load_generator, payloads
from lib.load_generator import LoadGenerator
from lib.load_spec import LoadRequest, LoadSpec, record_expected, run_load, send_times
from lib.load_stats import FAILURES, quantiles
from lib.server_baselines import SERVER_BASELINES
from lib.server_process import ServerProcess, process_tree

Respond = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]
"""Respond to the request that was just read; the number counts the requests before it."""

ECHO = LoadRequest("/", "text/plain", b"as sent", b"as sent")


@contextmanager
def server(respond: Respond, *, reads: bool = True) -> Iterator[int]:
    """Run a server on a thread of its own; yield its port."""
    loop, ready, count = asyncio.new_event_loop(), threading.Event(), iter(range(1_000_000))
    port = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                if reads:
                    head = (await reader.readuntil(b"\r\n\r\n")).lower()
                    size = int(head.split(b"content-length:")[1].split(b"\r")[0])
                    body[writer] = await reader.readexactly(size)
                await respond(reader, writer, next(count))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def main() -> None:
        nonlocal port
        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        ready.set()
        await stopped.wait()
        listening.close()

    stopped = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    ready.wait()
    yield port
    loop.call_soon_threadsafe(stopped.set)
    thread.join()
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()


body: dict[asyncio.StreamWriter, bytes] = {}
"""Body of the last request on each connection."""


def write_response(writer: asyncio.StreamWriter, status: int, content: bytes, *lines: str) -> None:
    head = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(content)}", *lines]
    writer.write("\r\n".join([*head, "", ""]).encode() + content)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
    write_response(writer, 200, body[writer])


def send(port: int, *requests: LoadRequest, **load: Any) -> dict[str, Any]:
    wanted = {"connections": 4, "requests": 100} | load
    return LoadGenerator(LoadSpec(port=port, **wanted), requests or [ECHO]).run()


def no_failures() -> dict[str, int]:
    return dict.fromkeys(FAILURES, 0)


def test_every_request_is_answered_on_few_connections() -> None:
    with server(echo) as port:
        result = send(port)
        assert result["sent"] == 100 and result["statuses"] == {"200": 100}
        assert result["failures"] == no_failures() and result["wrong"] == 0
        assert result["connections_opened"] == 4
        assert send(port, keep_alive=False)["connections_opened"] == 100


def test_generator_runs_in_its_own_process_and_returns_recorded_bodies() -> None:
    requests = [LoadRequest("/", "text/plain", b"%d" % number) for number in range(3)]
    with server(echo) as port:
        result = run_load(LoadSpec(port=port, connections=1, requests=3, record=True), requests)
    assert result["statuses"] == {"200": 3}
    assert result["bodies"] == ["MA==", "MQ==", "Mg=="]  # 0, 1, 2


def test_statuses_and_their_latencies_are_counted() -> None:
    async def respond(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        if number % 4 == 3:
            write_response(writer, 503, b"busy", "Retry-After: 1")
        elif number % 4 == 2:
            write_response(writer, 422, b"no")
        else:
            write_response(writer, 200, body[writer])

    with server(respond) as port:
        result = send(port)
    assert result["statuses"] == {"200": 50, "422": 25, "503": 25}
    assert result["with_retry_after"] == 25 and result["wrong"] == 0
    assert set(result["latency_ms"]) == {"200", "422", "503"}
    assert result["goodput"] == pytest.approx(result["answers_per_second"] / 2, rel=0.01)


def test_wrong_body_is_counted() -> None:
    async def respond(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        write_response(writer, 200, b"AS SENT" if number == 5 else body[writer])

    with server(respond) as port:
        result = send(port)
    assert result["wrong"] == 1
    assert result["wrong_samples"] == [{"request": 0, "body": "AS SENT"}]


def test_large_and_fragmented_responses_are_reassembled() -> None:
    large = LoadRequest("/", "text/plain", bytes(2_000_000), bytes(2_000_000))

    async def respond(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        for piece in (b"HTTP/1.1 200 OK\r\ncontent-le", b"ngth: %d\r\n\r" % len(body[writer])):
            writer.write(piece)
            await asyncio.sleep(0.002)
        writer.write(b"\n" + body[writer])

    with server(respond) as port:
        result = send(port, ECHO, large, requests=10, connections=2)
    assert result["statuses"] == {"200": 10} and result["wrong"] == 0


def test_announced_close_loses_no_request() -> None:
    async def respond(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        write_response(writer, 200, body[writer], "Connection: close")
        writer.close()

    with server(respond) as port:
        result = send(port)
    assert result["statuses"] == {"200": 100} and result["connections_opened"] == 100
    assert result["failures"] == no_failures()


def test_close_of_an_idle_connection_is_no_failure() -> None:
    async def respond(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        write_response(writer, 200, body[writer])
        await writer.drain()
        writer.close()

    with server(respond) as port:
        result = send(port, rate=4.0, seconds=1.0, connections=1)
    assert result["statuses"] == {"200": 4} and result["connections_opened"] == 4


@pytest.mark.parametrize(
    ("content", "reset", "failure"),
    [
        (b"", False, "lost"),
        (b"", True, "lost"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", False, "cut_short"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nas", False, "cut_short"),
        (b"SSH-2.0-Server\r\n\r\n", False, "garbled"),
    ],
)
def test_early_ends_are_classified(content: bytes, reset: bool, failure: str) -> None:
    async def respond(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(content)
        if reset:
            writer.transport.abort()
        else:
            writer.close()

    with server(respond) as port:
        result = send(port, requests=6, connections=2)
    assert result["failures"] == no_failures() | {failure: 6}
    assert result["sent"] == 6 and result["statuses"] == {}


def test_reset_is_counted() -> None:
    """Closing a socket with unread bytes sends a reset, which is how servers lose requests."""

    async def respond(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(0.02)
        writer.transport.abort()

    with server(respond, reads=False) as port:
        result = send(port, LoadRequest("/", "text/plain", bytes(500_000)), requests=2)
    assert result["resets"] == 2
    assert result["failures"]["lost"] + result["failures"]["unsent"] == 2


def test_request_lost_on_a_reused_connection_is_classified() -> None:
    async def respond(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        if number == 1:
            writer.close()
        else:
            write_response(writer, 200, body[writer])

    with server(respond) as port:
        result = send(port, requests=4, connections=1)
    assert result["failures"] == no_failures() | {"lost_on_kept": 1}
    assert result["statuses"] == {"200": 3}


def test_early_response_to_a_large_request_counts() -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        await reader.readuntil(b"\r\n\r\n")
        write_response(writer, 413, b"too large", "Connection: close")
        await writer.drain()
        while await reader.read(1 << 20):  # lingering, as a careful server does
            pass
        writer.close()

    with server(respond, reads=False) as port:
        result = send(port, LoadRequest("/", "text/plain", bytes(20_000_000)), requests=2)
    assert result["statuses"] == {"413": 2} and result["failures"] == no_failures()


def test_closed_port_counts_as_refused() -> None:
    with server(echo) as port:
        pass
    result = send(port, requests=3, connections=1)
    assert result["failures"] == no_failures() | {"refused": 3}
    result = send(port, requests=1_000_000, until_refused=True)
    assert result["failures"]["refused"] == result["sent"] <= 4


def test_missing_response_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_generator, "TIMEOUT_CHECK_PERIOD_S", 0.05)

    async def respond(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(60)

    with server(respond) as port:
        result = send(port, requests=1, timeout=0.2)
    assert result["failures"] == no_failures() | {"timed_out": 1}


def test_latency_counts_from_the_due_time() -> None:
    """A stall of 0.3 s delays every request that was due during it."""

    async def respond(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        if number == 20:
            import time

            time.sleep(0.3)  # the whole server, not this request alone
        write_response(writer, 200, body[writer])

    with server(respond) as port:
        result = send(port, rate=200.0, seconds=0.5, connections=1)
    assert result["sent"] == 100
    took = result["latency_ms"]["200"]
    assert 290 < took["max"] < 2000
    assert took["p50"] > 30, "most requests were due during the stall"
    assert took["p50"] < took["p90"] < took["max"]


def test_open_loop_ends_with_a_slow_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_generator, "OVERTIME_S", 0.3)

    async def respond(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(0.05)
        write_response(writer, 200, body[writer])

    with server(respond) as port:
        result = send(port, rate=1000.0, seconds=0.1, connections=2)
    assert 4 < result["sent"] < 40 and result["never_sent"] == 100 - result["sent"]
    assert result["since_sent_ms"]["200"]["p50"] < 100 < result["latency_ms"]["200"]["p50"]


def test_send_times_of_an_open_loop() -> None:
    steady = LoadSpec(port=1, connections=1, rate=10.0, seconds=0.5)
    assert send_times(steady) == [0.0, 0.1, 0.2, 0.3, 0.4]
    random = send_times(LoadSpec(port=1, connections=1, rate=1000.0, seconds=5.0, poisson=True))
    assert len(random) == pytest.approx(5000, abs=300)
    assert random == sorted(random) and 0 < random[0] and random[-1] < 5
    assert send_times(LoadSpec(port=1, connections=1, seconds=5.0)) == []


def test_quantiles_are_in_milliseconds() -> None:
    result = quantiles(number / 1000 for number in range(100, 0, -1))
    assert result == {"p50": 51.0, "p90": 91.0, "p99": 100.0, "max": 100.0}
    assert quantiles([]) is None


def test_expected_bodies_are_recorded_from_sequential_requests() -> None:
    requests = [LoadRequest("/", "text/plain", b"%d" % number) for number in range(3)]
    with server(echo) as port:
        assert [request.expected for request in record_expected(port, requests)] == [
            b"0",
            b"1",
            b"2",
        ]

    async def respond(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        write_response(writer, 500, b"oh")

    with server(respond) as port, pytest.raises(EnvironmentFailure, match="'500': 3"):
        record_expected(port, requests)


ANNOUNCES = """
import json, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(json.dumps({"url": "http://127.0.0.1:8123", "workers": 2}, indent=2), flush=True)
try:
    time.sleep(60)
finally:
    child.kill()
"""


def test_server_process_starts_reports_memory_and_stops() -> None:
    with ServerProcess([sys.executable, "-c", ANNOUNCES]) as started:
        assert started.port == 8123 and started.announced["workers"] == 2
        assert 0 < started.ready_seconds < 30
        processes = process_tree(started.process.pid)
        assert len(processes) == 2
        memory = started.memory()
        assert memory is not None and memory["processes"] == 2
        assert 5 < memory["pss_mib"] <= memory["rss_mib"] < 200
    assert not started.is_alive
    subprocess.run(["kill", str(processes[1])], check=False, capture_output=True)


def test_failed_start_reports_the_last_line() -> None:
    with pytest.raises(EnvironmentFailure, match="ended before it was ready: the port is in use"):
        ServerProcess([sys.executable, "-c", "import sys; sys.exit('the port is in use')"])


def test_payloads_are_images() -> None:
    images, (photo, other) = payloads.images(20), payloads.photos(2)
    assert len(set(images)) == 20 and photo != other
    for image in images:
        assert np.asarray(Image.open(io.BytesIO(image))).shape == (28, 28)
    opened = Image.open(io.BytesIO(photo))
    assert opened.format == "JPEG" and opened.size == (640, 480)
    kind, body = payloads.multipart([("files", "a.png", "image/png", images[0])] * 3)
    assert body.count(images[0]) == 3 and body.count(kind.partition("boundary=")[2].encode()) == 4


def test_baselines_get_requests_in_their_own_format() -> None:
    upload, direct = (peer.request(b"PNG") for peer in SERVER_BASELINES.values())
    assert upload.path == "/predict" and b'name="file"' in upload.body
    assert direct.path == "/gradio_api/run/predict"
    assert b"data:image/png;base64,UE5H" in direct.body
    assert SERVER_BASELINES["fastapi-keras"].label({"label": "Bag"}) == "Bag"
    assert (
        SERVER_BASELINES["gradio"].label({"data": [{"label": "Bag", "confidences": []}]}) == "Bag"
    )
