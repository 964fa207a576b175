"""Adversarial tests of worker processes: concurrency, crashes, hangs, faults."""

import io
import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ankleboot.inference.router import load_router
from ankleboot.server.config import ServerConfig
from ankleboot.server.workers.handler import InferenceHandler, InferenceRequest
from helpers.adversarial import (
    FORM,
    PNG,
    LoadClients,
    MisbehavingServers,
    encode,
    file_headers,
    form_body,
    predict_seconds,
    read_response,
)
from helpers.server import (
    Server,
    kill,
    num_open_files,
    predict_request,
    running_server,
    send,
    statuses,
)


def noisy_boots(number: int) -> list[bytes]:
    """Return different images of one boot."""
    generator = np.random.default_rng(16)
    boot = np.asarray(Image.open(io.BytesIO(PNG))).astype(int)
    shades = generator.integers(-60, 60, (number, *boot.shape)) + boot
    return [
        encode(Image.fromarray(np.clip(entry, 0, 255).astype(np.uint8)), "PNG") for entry in shades
    ]


def _check_predictions_equal(server: Server, calls: int) -> None:
    bodies = [PNG, *noisy_boots(31)]
    handler = InferenceHandler({"pretrained": load_router(Path("pretrained"))}, ServerConfig())
    expected = [
        json.loads(
            handler.respond([InferenceRequest("predict", "pretrained", "image/png", body)])[0].body
        )
        for body in bodies
    ]
    assert len({json.dumps(entry) for entry in expected}) == len(bodies)

    def call(thread: int) -> int:
        with closing(server.client()) as client:
            for call_index in range(calls // 16):
                index = (thread * 7 + call_index) % len(bodies) if thread % 2 else 0
                response = send(
                    client, "POST", "/v1/predict", bodies[index], content_type="image/png"
                )
                assert response.status == 200 and are_equal(response.json, expected[index])
        return calls // 16

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(call, range(16))) == calls


def are_equal(response: Any, expected: Any) -> bool:
    """Compare predictions; probabilities may differ by rounding, which depends on the batch."""
    if response == expected:
        return True
    entry, other = response["predictions"][0], expected["predictions"][0]
    first, second = (
        np.array([each["probs"][label] for label in other["probs"]]) for each in (entry, other)
    )
    rest = [
        {k: v for k, v in each.items() if k not in ("probs", "confidence")}
        for each in (entry, other)
    ]
    return rest[0] == rest[1] and bool(np.abs(first - second).max() < 1e-6)


def test_sixteen_threads_get_the_predictions_of_a_single_caller(
    server: Server, no_type_checks: None
) -> None:
    _check_predictions_equal(server, 3_200)


@pytest.mark.slow
def test_sixteen_threads_get_the_predictions_of_a_single_caller_100_000_times(
    server: Server, no_type_checks: None
) -> None:
    _check_predictions_equal(server, 100_000)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV], ids=lambda number: number.name)
def test_a_dying_worker_fails_no_request(number: signal.Signals) -> None:
    with running_server("--workers", "2", "--log", "json") as server:
        server.wait_for_workers(2)
        load = LoadClients(server, 6)
        try:
            while sum(load.statuses.values()) < 50:
                time.sleep(0.01)
            for lost in (1, 2):
                kill(server.worker_pids()[0], number)
                start = time.monotonic()
                server.wait_for_event("worker_ready", 2 + lost)
                assert time.monotonic() - start < 5
                assert server.metric("ankleboot_workers_ready") == 2
                assert server.metric("ankleboot_workers_lost") == lost
        finally:
            load.stop()
        assert set(load.statuses) == {200}, load.statuses
        assert [entry["code"] for entry in server.events() if entry["event"] == "worker_died"] == [
            -number,
            -number,
        ]


@pytest.mark.slow
def test_all_workers_restart_after_dying_at_once() -> None:
    """A request meanwhile waits for them."""
    with running_server("--workers", "2", "--log", "json") as server:
        server.wait_for_workers(2)
        for worker in server.worker_pids():
            kill(worker)
        start = time.monotonic()
        assert server.post(PNG).status == 200
        assert time.monotonic() - start < 5


MISBEHAVING_DECODER = """
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


def test_a_request_that_kills_workers_fails_alone(misbehaving_server: MisbehavingServers) -> None:
    with misbehaving_server(MISBEHAVING_DECODER, "--workers", "2") as server:
        server.wait_for_workers(2)
        load = LoadClients(server, 6)
        try:
            for _ in range(2):
                response = server.post(PNG + b"DIE")
                assert (response.status, response.code) == (503, "worker_lost")
            mixed = server.post(
                form_body((file_headers(), PNG), (file_headers(), PNG + b"DIE")), FORM
            )
            assert mixed.code == "worker_lost"
            assert server.post(PNG + b"DIE", path="/v1/explain").code == "worker_lost"
        finally:
            load.stop()
        assert set(load.statuses) == {200}, load.statuses
        server.wait_for_event("worker_ready", 2 + 8)


@pytest.mark.slow
def test_a_request_that_hangs_times_out_alone(misbehaving_server: MisbehavingServers) -> None:
    """Other requests go to the worker that responds."""
    with misbehaving_server(MISBEHAVING_DECODER, "--workers", "2", "--timeout", "2") as server:
        server.wait_for_workers(2)
        with ThreadPoolExecutor(1) as pool:
            start = time.monotonic()
            hanging = pool.submit(server.post, PNG + b"HANG")
            time.sleep(0.5)
            for _ in range(20):
                assert predict_seconds(server) < 0.5
            response = hanging.result()
            assert (response.status, response.code) == (503, "timed_out")
            assert time.monotonic() - start < 3
        server.wait_for_event("worker_ready", 3)


@pytest.mark.slow
def test_a_paused_machine_costs_no_worker() -> None:
    """As in a paused container: the silent worker has not hung."""
    with running_server("--workers", "1", "--timeout", "2", "--log", "json") as server:
        (worker,) = server.worker_pids()
        with server.connect() as connection:
            os.kill(worker, signal.SIGSTOP)
            connection.sendall(predict_request(PNG))
            time.sleep(0.2)
            server.send_signal(signal.SIGSTOP)
            time.sleep(3)
            server.send_signal(signal.SIGCONT)
            time.sleep(0.3)
            os.kill(worker, signal.SIGCONT)
            assert statuses(read_response(connection))[0] in (200, 503)
        time.sleep(1.5)
        assert server.post(PNG).status == 200 and server.worker_pids() == [worker]


@pytest.mark.slow
def test_a_fault_is_logged_and_not_sent_to_the_client(
    misbehaving_server: MisbehavingServers,
) -> None:
    with misbehaving_server(MISBEHAVING_DECODER, "--workers", "1") as server:
        workers = server.worker_pids()
        with ThreadPoolExecutor(8) as pool:
            bodies = [PNG, PNG + b"FAULT"] * 20
            responses = list(pool.map(server.post, bodies))
        assert [response.status for response in responses] == [200, 500] * 20
        assert b"ZeroDivision" not in b"".join(response.body for response in responses)
        assert "ZeroDivisionError" in server.wait_for_event("worker_fault")["trace"]
        assert server.worker_pids() == workers
        assert len([entry for entry in server.events() if entry["event"] == "worker_fault"]) == 20
        server.clear_log()


@pytest.mark.slow
def test_explanations_do_not_starve_predictions(misbehaving_server: MisbehavingServers) -> None:
    """Six clients send explanations to the only worker all the time."""
    slow = "import time\nfrom ankleboot.server.workers import handler\n"
    slow += "reply = handler.InferenceReply(200, b'{}')\n"
    slow += "handler.InferenceHandler._explain = lambda *_: time.sleep(0.1) or reply"
    with misbehaving_server(slow, "--workers", "1") as server:
        stopped = threading.Event()

        def explain() -> None:
            while not stopped.is_set():
                assert server.post(PNG, path="/v1/explain").status == 200

        threads = [threading.Thread(target=explain) for _ in range(6)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(0.3)
            assert max(predict_seconds(server) for _ in range(10)) < 0.4
        finally:
            stopped.set()
            for thread in threads:
                thread.join()


@pytest.mark.slow
def test_a_worker_that_fails_to_start_is_started_again() -> None:
    """Connections may use up all file descriptors, so that none is left for a worker's pipes."""
    few = (
        "import resource\nfrom ankleboot.server import lifecycle\n"
        "lifecycle._raise_open_file_limit = "
        "lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))"
    )
    with running_server("--workers", "1", "--log", "json", code=few) as server:
        with ExitStack() as stack:
            held = []
            while num_open_files(server.pid) < 59:
                held.append(stack.enter_context(server.connect()))
                time.sleep(0.01)
            kill(server.worker_pids()[0])
            server.wait_for_event("worker_cannot_begin")
        time.sleep(0.1)
        server.wait_until_ready()
        assert server.post(PNG).status == 200


def test_sample_images_that_failed_are_drawn_again(misbehaving_server: MisbehavingServers) -> None:
    code = "import os\nfrom ankleboot.server.workers import handler\nreal = handler.sample_images\n"
    code += "def sample_images():\n    handler.sample_images = real\n"
    code += "    raise OSError('no such file')\n"
    code += "handler.sample_images = sample_images"
    with misbehaving_server(code, "--workers", "1") as server:
        assert server.get("/samples.png").status == 500
        strip = server.get("/samples.png")
        assert strip.status == 200 and strip.body.startswith(b"\x89PNG")
        server.wait_for_event("worker_fault")
        server.clear_log()
