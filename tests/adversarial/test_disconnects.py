"""Adversarial tests of clients that disconnect, and of growth over time."""

import os
import signal
import threading
import time

import pytest

from ankleboot.server.config import MIB
from ankleboot.server.schemas import EXAMPLE_IMAGE_BASE64
from helpers.adversarial import (
    FORM,
    JSON,
    PNG,
    disconnect_clients,
    file_headers,
    form_body,
    json_body,
)
from helpers.server import Server, cpu_seconds, memory_mib, num_open_files, running_server


def test_clients_that_disconnect_leave_nothing_behind(server: Server) -> None:
    disconnect_clients(server, 50)
    _check_nothing_left(server, 300)


@pytest.mark.slow
def test_ten_thousand_clients_that_disconnect_leave_nothing_behind(server: Server) -> None:
    disconnect_clients(server, 1_000)
    _check_nothing_left(server, 10_000)


def _check_nothing_left(server: Server, number: int) -> None:
    pids = (server.pid, *server.worker_pids())
    time.sleep(0.2)
    files, before = num_open_files(server.pid), memory_mib(*pids)
    disconnect_clients(server, number)
    until = time.monotonic() + 5
    while num_open_files(server.pid) > files and time.monotonic() < until:
        time.sleep(0.05)
    assert num_open_files(server.pid) <= files
    assert server.metric("ankleboot_requests_waiting") == 0
    assert memory_mib(*pids) - before < 5


def test_no_work_is_done_for_clients_that_have_disconnected(stalled_server: Server) -> None:
    """Their requests fill the queue, which empties as soon as the worker goes on."""
    (worker,) = stalled_server.worker_pids()
    before = cpu_seconds(worker)
    assert stalled_server.metric("ankleboot_requests_waiting") == 8
    os.kill(worker, signal.SIGCONT)
    until = time.monotonic() + 5
    while stalled_server.metric("ankleboot_requests_waiting") and time.monotonic() < until:
        time.sleep(0.01)
    assert stalled_server.post(PNG).status == 200 and cpu_seconds(worker) - before < 1


@pytest.mark.slow
def test_memory_and_files_stay_flat_over_two_minutes_of_mixed_requests() -> None:
    """The first minute fills caches; the second item must not grow."""
    with running_server("--workers", "2", "--log", "off") as server:
        pids = (server.pid, *server.worker_pids())
        stopped = threading.Event()

        def send_mixed_requests() -> None:
            index = 0
            requests = [
                (PNG, "image/png"),
                (json_body(EXAMPLE_IMAGE_BASE64, "x"), JSON),
                (b"x", "image/jpeg"),
            ]
            requests += [
                (form_body((file_headers(), PNG)), FORM),
                (b"{", JSON),
                (PNG + bytes(MIB), "image/png"),
            ]
            while not stopped.is_set():
                server.post(*requests[index % len(requests)])
                if index % 50 == 0:
                    server.post(PNG, path="/v1/explain")
                    server.get("/metrics")
                    disconnect_clients(server, 4)
                index += 1

        threads = [threading.Thread(target=send_mixed_requests) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(60)
            before = memory_mib(*pids)
            time.sleep(60)
            after = memory_mib(*pids)
        finally:
            stopped.set()
            for thread in threads:
                thread.join()
        time.sleep(0.5)
        assert after - before < 3 and num_open_files(server.pid) < 40
        assert (server.pid, *server.worker_pids()) == pids
