"""The load client against servers whose behaviour is known, and the arithmetic of `bench serve`."""

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

from ankleboot.cli import output
from ankleboot.core.errors import EnvironmentFailure, UsageError
from lib import client, payloads, serve
from lib.client import Client
from lib.load import Load, Request, alone, drive, schedule
from lib.peers import PEERS
from lib.servers import Server, tree
from lib.tally import FAILURES, quantiles

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]
"""Answers the request that was just read; the number is how many came before it."""

ECHO = Request("/", "text/plain", b"as sent", b"as sent")


@contextmanager
def server(answer: Answer, *, reads: bool = True) -> Iterator[int]:
    """A server on a thread of its own; gives its port."""
    loop, ready, count = asyncio.new_event_loop(), threading.Event(), iter(range(1_000_000))
    port = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                if reads:
                    head = (await reader.readuntil(b"\r\n\r\n")).lower()
                    size = int(head.split(b"content-length:")[1].split(b"\r")[0])
                    body[writer] = await reader.readexactly(size)
                await answer(reader, writer, next(count))
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
"""Of the request that came last on each connection."""


def say(writer: asyncio.StreamWriter, status: int, content: bytes, *lines: str) -> None:
    head = [f"HTTP/1.1 {status} Some words", f"Content-Length: {len(content)}", *lines]
    writer.write("\r\n".join([*head, "", ""]).encode() + content)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
    say(writer, 200, body[writer])


def send(port: int, *requests: Request, **load: Any) -> dict[str, Any]:
    wanted = {"connections": 4, "requests": 100} | load
    return Client(Load(port=port, **wanted), requests or [ECHO]).run()


def no_failures() -> dict[str, int]:
    return dict.fromkeys(FAILURES, 0)


def test_every_request_is_answered_on_few_connections() -> None:
    with server(echo) as port:
        found = send(port)
        assert found["sent"] == 100 and found["statuses"] == {"200": 100}
        assert found["failures"] == no_failures() and found["wrong"] == 0
        assert found["connections_opened"] == 4
        assert send(port, keep_alive=False)["connections_opened"] == 100


def test_the_client_runs_in_a_process_of_its_own_and_gives_the_bodies() -> None:
    requests = [Request("/", "text/plain", b"%d" % number) for number in range(3)]
    with server(echo) as port:
        found = drive(Load(port=port, connections=1, requests=3, record=True), requests)
    assert found["statuses"] == {"200": 3}
    assert found["bodies"] == ["MA==", "MQ==", "Mg=="]  # 0, 1, 2


def test_statuses_are_counted_each_with_its_latencies() -> None:
    async def answer(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        if number % 4 == 3:
            say(writer, 503, b"busy", "Retry-After: 1")
        elif number % 4 == 2:
            say(writer, 422, b"no")
        else:
            say(writer, 200, body[writer])

    with server(answer) as port:
        found = send(port)
    assert found["statuses"] == {"200": 50, "422": 25, "503": 25}
    assert found["with_retry_after"] == 25 and found["wrong"] == 0
    assert set(found["latency_ms"]) == {"200", "422", "503"}
    assert found["goodput"] == pytest.approx(found["answers_per_second"] / 2, rel=0.01)


def test_a_wrong_answer_is_seen() -> None:
    async def answer(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        say(writer, 200, b"AS SENT" if number == 5 else body[writer])

    with server(answer) as port:
        found = send(port)
    assert found["wrong"] == 1
    assert found["wrong_samples"] == [{"request": 0, "body": "AS SENT"}]


def test_answers_in_pieces_and_large_ones_are_put_together() -> None:
    large = Request("/", "text/plain", bytes(2_000_000), bytes(2_000_000))

    async def answer(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        for piece in (b"HTTP/1.1 200 OK\r\ncontent-le", b"ngth: %d\r\n\r" % len(body[writer])):
            writer.write(piece)
            await asyncio.sleep(0.002)
        writer.write(b"\n" + body[writer])

    with server(answer) as port:
        found = send(port, ECHO, large, requests=10, connections=2)
    assert found["statuses"] == {"200": 10} and found["wrong"] == 0


def test_a_polite_close_costs_a_connection_and_no_request() -> None:
    async def answer(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        say(writer, 200, body[writer], "Connection: close")
        writer.close()

    with server(answer) as port:
        found = send(port)
    assert found["statuses"] == {"200": 100} and found["connections_opened"] == 100
    assert found["failures"] == no_failures()


def test_a_connection_that_was_closed_while_idle_is_no_failure() -> None:
    async def answer(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        say(writer, 200, body[writer])
        await writer.drain()
        writer.close()

    with server(answer) as port:
        found = send(port, rate=4.0, seconds=1.0, connections=1)
    assert found["statuses"] == {"200": 4} and found["connections_opened"] == 4


@pytest.mark.parametrize(
    ("said", "reset", "how"),
    [
        (b"", False, "lost"),
        (b"", True, "lost"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", False, "cut_short"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nas", False, "cut_short"),
        (b"SSH-2.0-Server\r\n\r\n", False, "garbled"),
    ],
)
def test_early_ends_are_told_apart(said: bytes, reset: bool, how: str) -> None:
    async def answer(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(said)
        if reset:
            writer.transport.abort()
        else:
            writer.close()

    with server(answer) as port:
        found = send(port, requests=6, connections=2)
    assert found["failures"] == no_failures() | {how: 6}
    assert found["sent"] == 6 and found["statuses"] == {}


def test_a_reset_is_counted_as_one() -> None:
    """Closing a socket with unread bytes sends a reset, which is how servers lose requests."""

    async def answer(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(0.02)
        writer.transport.abort()

    with server(answer, reads=False) as port:
        found = send(port, Request("/", "text/plain", bytes(500_000)), requests=2)
    assert found["resets"] == 2
    assert found["failures"]["lost"] + found["failures"]["unsent"] == 2


def test_a_request_lost_on_a_kept_connection_is_told_apart() -> None:
    async def answer(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        if number == 1:
            writer.close()
        else:
            say(writer, 200, body[writer])

    with server(answer) as port:
        found = send(port, requests=4, connections=1)
    assert found["failures"] == no_failures() | {"lost_on_kept": 1}
    assert found["statuses"] == {"200": 3}


def test_an_early_answer_to_a_large_request_counts() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        await reader.readuntil(b"\r\n\r\n")
        say(writer, 413, b"too large", "Connection: close")
        await writer.drain()
        while await reader.read(1 << 20):  # lingering, as a careful server does
            pass
        writer.close()

    with server(answer, reads=False) as port:
        found = send(port, Request("/", "text/plain", bytes(20_000_000)), requests=2)
    assert found["statuses"] == {"413": 2} and found["failures"] == no_failures()


def test_nobody_listening_is_refused() -> None:
    with server(echo) as port:
        pass
    found = send(port, requests=3, connections=1)
    assert found["failures"] == no_failures() | {"refused": 3}
    found = send(port, requests=1_000_000, until_refused=True)
    assert found["failures"]["refused"] == found["sent"] <= 4


def test_silence_ends_after_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LONGEST_WAIT", 0.05)

    async def answer(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(60)

    with server(answer) as port:
        found = send(port, requests=1, timeout=0.2)
    assert found["failures"] == no_failures() | {"timed_out": 1}


def test_latency_counts_from_when_a_request_was_due() -> None:
    """A server that stalls 0.3 s makes everybody wait who would have come meanwhile."""

    async def answer(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        if number == 20:
            import time

            time.sleep(0.3)  # the whole server, not this request alone
        say(writer, 200, body[writer])

    with server(answer) as port:
        found = send(port, rate=200.0, seconds=0.5, connections=1)
    assert found["sent"] == 100
    took = found["latency_ms"]["200"]
    assert 290 < took["max"] < 2000
    assert took["p50"] > 30, "most requests came during the stall"
    assert took["p50"] < took["p90"] < took["max"]


def test_an_open_loop_ends_although_the_server_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LONGEST_BEHIND", 0.3)

    async def answer(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(0.05)
        say(writer, 200, body[writer])

    with server(answer) as port:
        found = send(port, rate=1000.0, seconds=0.1, connections=2)
    assert 4 < found["sent"] < 40 and found["never_sent"] == 100 - found["sent"]
    assert found["since_sent_ms"]["200"]["p50"] < 100 < found["latency_ms"]["200"]["p50"]


def test_the_schedule_of_an_open_loop() -> None:
    steady = Load(port=1, connections=1, rate=10.0, seconds=0.5)
    assert schedule(steady) == [0.0, 0.1, 0.2, 0.3, 0.4]
    random = schedule(Load(port=1, connections=1, rate=1000.0, seconds=5.0, poisson=True))
    assert len(random) == pytest.approx(5000, abs=300)
    assert random == sorted(random) and 0 < random[0] and random[-1] < 5
    assert schedule(Load(port=1, connections=1, seconds=5.0)) == []


def test_quantiles_are_in_milliseconds() -> None:
    found = quantiles(number / 1000 for number in range(100, 0, -1))
    assert found == {"p50": 51.0, "p90": 91.0, "p99": 100.0, "max": 100.0}
    assert quantiles([]) is None


def test_requests_take_the_answers_that_they_get_alone() -> None:
    requests = [Request("/", "text/plain", b"%d" % number) for number in range(3)]
    with server(echo) as port:
        assert [one.expected for one in alone(port, requests)] == [b"0", b"1", b"2"]

    async def answer(reader: Any, writer: asyncio.StreamWriter, number: int) -> None:
        say(writer, 500, b"oh")

    with server(answer) as port, pytest.raises(EnvironmentFailure, match="'500': 3"):
        alone(port, requests)


ANNOUNCES = """
import json, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(json.dumps({"url": "http://127.0.0.1:8123", "workers": 2}, indent=2), flush=True)
try:
    time.sleep(60)
finally:
    child.kill()
"""


def test_a_server_is_started_weighed_and_stopped() -> None:
    with Server([sys.executable, "-c", ANNOUNCES]) as started:
        assert started.port == 8123 and started.announced["workers"] == 2
        assert 0 < started.ready_seconds < 30
        processes = tree(started.process.pid)
        assert len(processes) == 2
        memory = started.memory()
        assert memory is not None and memory["processes"] == 2
        assert 5 < memory["pss_mib"] <= memory["rss_mib"] < 200
    assert not started.is_alive
    subprocess.run(["kill", str(processes[1])], check=False, capture_output=True)


def test_a_server_that_does_not_start_is_quoted() -> None:
    with pytest.raises(EnvironmentFailure, match="ended before it was ready: the port is in use"):
        Server([sys.executable, "-c", "import sys; sys.exit('the port is in use')"])


def test_what_is_sent_are_pictures() -> None:
    images, (photo, other) = payloads.images(20), payloads.photographs(2)
    assert len(set(images)) == 20 and photo != other
    for image in images:
        assert np.asarray(Image.open(io.BytesIO(image))).shape == (28, 28)
    opened = Image.open(io.BytesIO(photo))
    assert opened.format == "JPEG" and opened.size == (640, 480)
    kind, body = payloads.multipart([("files", "a.png", "image/png", images[0])] * 3)
    assert body.count(images[0]) == 3 and body.count(kind.partition("boundary=")[2].encode()) == 4


def test_peers_are_asked_in_their_own_way() -> None:
    upload, direct = (peer.request(b"PNG") for peer in PEERS.values())
    assert upload.path == "/predict" and b'name="file"' in upload.body
    assert direct.path == "/gradio_api/run/predict"
    assert b"data:image/png;base64,UE5H" in direct.body
    assert PEERS["fastapi-keras"].label({"label": "Bag"}) == "Bag"
    assert PEERS["gradio"].label({"data": [{"label": "Bag", "confidences": []}]}) == "Bag"


def row(name: str, round_: int, rate: float, **figures: float) -> dict[str, Any]:
    usual = {"ready_seconds": 1.0, "p50_ms": 2.0, "p99_ms": 3.0, "requests_per_second": rate}
    load = {
        "sent": 10,
        "statuses": {"200": 7, "503": 2},
        "wrong": 1,
        "failures": no_failures() | {"lost": 1},
        "resets": 1,
        "with_retry_after": 1,
    }
    return {"name": name, "round": round_, "figures": usual | figures, "exit_code": 0} | {
        "loads": {"images": load, "uploads": load}
    }


def rows() -> list[dict[str, Any]]:
    ours = [row("ankleboot", r, rate) for r, rate in enumerate((1000.0, 2000.0, 1200.0))]
    theirs = [row("gradio", r, rate) for r, rate in enumerate((10.0, 10.0, 30.0))]
    return ours + theirs


def test_servers_are_compared_round_by_round() -> None:
    ours, theirs = serve.summary(rows())
    assert ours["ratio"] == 1 and ours["requests_per_second"] == 1200
    assert theirs["ratios"] == [100, 200, 40] and theirs["ratio"] == 100
    assert theirs["requests_per_second"] == 10 and theirs["runs"] == 3
    (alone,) = serve.summary([row("gradio", 0, 10.0)])
    assert alone["ratio"] is None


def test_faults_are_those_of_our_server_alone() -> None:
    found = serve.faults(rows())
    assert found["sent"] == 60 and found["statuses"] == {"200": 42, "503": 12}
    assert found["wrong"] == 6 and found["resets"] == 6 and found["without_retry_after"] == 6
    assert found["failures"] == no_failures() | {"lost": 6}
    assert found["exit_codes"] == [0]


def test_the_table_of_servers(capsys: pytest.CaptureFixture[str]) -> None:
    loaded = {
        "steady_rate": 840.0,
        "steady_p50_ms": 1.5,
        "steady_p99_ms": 9.0,
        "modest_rate": 560.0,
        "modest_p50_ms": 1.2,
        "modest_p99_ms": 7.0,
        "batched_images_per_second": 12_000.0,
        "listed_images_per_second": 11_000.0,
        "photos_per_second": 90.0,
        "pss_mib_at_end": 150.0,
    }
    for name in ("double", "overload", "photo_overload"):
        loaded |= {f"{name}_offered_per_second": 5000.0, f"{name}_goodput_share": 0.93}
        loaded |= {f"{name}_p99_ms": 20.0}
    ours = row("ankleboot", 0, 1200.0, overload_503_p99_ms_since_sent=4.5, **loaded)
    found = [ours, row("gradio", 0, 12.0)]
    document = {"summary": serve.summary(found), "faults": serve.faults(found)}
    checked: dict[str, Any] = {"sent": 100_000, "pictures": 2_525, "wrong": 0}
    checked |= {"labels_as_in_process": 2_525, "largest_difference_of_probs": 3e-7}
    output.bench_serve(document | {"correctness": checked})
    shown = capsys.readouterr().out
    assert "100.0 x" in shown and "at 840 requests/s: p50 1.50 ms, p99 9.00 ms" in shown
    assert (
        "93 % of the peak answered, p99 20.0 ms; turned away (503) within 4.5 ms of being sent"
        in shown
    )
    assert "12,000 uploaded" in shown and "probabilities within 3e-07" in shown
    output.bench_serve(document | {"correctness": None})
    assert "alone" not in capsys.readouterr().out


def test_contenders_are_refused_or_left_out_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="unknown contender 'gardio'; valid: ankleboot, fastapi"):
        serve.run(1, ["gardio"], 0, [], print)
    said: list[str] = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    document = serve.run(1, ["gradio"], 0, [], said.append)
    assert said == ["gradio is left out: gradio is not installed"]
    assert document["left_out"] == ["gradio"] and document["runs"] == []
