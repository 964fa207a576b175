"""Adversarial tests of model reloads on SIGHUP, and of the way back on SIGUSR1."""

import shutil
import signal
import time
from pathlib import Path

import pytest

from ankleboot.models.pretrained import catalog
from helpers.adversarial import PNG, LoadClients, MisbehavingServers, damage
from helpers.server import Server, config, kill, running_server, wait_until


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copy(catalog.FOLDER / "model.tflite", tmp_path / "own.tflite"))


def served_sha256(server: Server) -> str:
    sha256: str = server.get("/v1/model").json["models"][0]["sha256"]
    return sha256


@pytest.mark.slow
def test_a_damaged_or_deleted_file_does_not_affect_a_running_server(model: Path) -> None:
    with running_server("--model", str(model), "--workers", "2", "--log", "json") as server:
        server.wait_for_workers(2)
        before = server.post(PNG).json
        damage(model)
        assert server.post(PNG).json == before
        for worker in server.worker_pids():
            kill(worker)
        server.wait_for_event("worker_ready", 4)
        assert server.post(PNG).json == before
        server.send_signal(signal.SIGHUP)
        refused = server.wait_for_event("models_kept")
        assert "damaged" in refused["reason"]
        model.unlink()
        server.send_signal(signal.SIGHUP)
        assert "no such model" in server.wait_for_event("models_kept", 2)["reason"]
        assert server.post(PNG).json == before
        assert server.get("/readyz").status == 200 and len(server.worker_pids()) == 2
        assert server.metric('ankleboot_model_swaps_total{result="refused"}') == 2


def test_a_reload_loses_no_request(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    options = ("--model", str(model), "--workers", "2", "--log", "json")
    with running_server(*options, TMPDIR=str(folder)) as server:
        server.wait_for_workers(2)
        old_sha, old_workers = served_sha256(server), server.worker_pids()
        load = LoadClients(server, 4)
        try:
            shutil.copy(catalog.FOLDER / "zero_shot" / "model.tflite", model)
            server.send_signal(signal.SIGHUP)
            server.wait_for_event("models_replaced")
            wait_until(lambda: len(set(server.worker_pids()) & set(old_workers)) == 1)
        finally:
            load.stop()
        assert set(load.statuses) == {200}, load.statuses
        assert served_sha256(server) != old_sha
        assert len(server.worker_pids()) == 3  # one keeps the previous model
        assert len(list(folder.iterdir())) == 2
        server.stop()
        assert list(folder.iterdir()) == []


def test_the_way_back_is_instant_and_loses_no_request(model: Path, tmp_path: Path) -> None:
    """One worker of two keeps the previous model: no process loads anything before it serves."""
    folder = tmp_path / "copies"
    folder.mkdir()
    options = ("--model", str(model), "--workers", "2", "--log", "json")
    with running_server(*options, TMPDIR=str(folder)) as server:
        server.wait_for_workers(2)
        first = served_sha256(server)
        old_workers = server.worker_pids()
        shutil.copy(catalog.FOLDER / "zero_shot" / "model.tflite", model)
        server.send_signal(signal.SIGHUP)
        server.wait_for_event("models_replaced")
        wait_until(lambda: len(set(server.worker_pids()) & set(old_workers)) == 1)
        second, num_ready = served_sha256(server), len(ready_events(server))
        load = LoadClients(server, 4)
        try:
            server.send_signal(signal.SIGUSR1)
            server.wait_for_event("models_returned")
            assert served_sha256(server) == first
            assert server.post(PNG).json["predictions"][0]["model_sha256"] == first
            lines = [event["event"] for event in server.events()]
            assert lines.index("models_returned") < find(lines, "worker_ready", num_ready + 1)
            server.wait_for_workers(2)
            server.send_signal(signal.SIGUSR1)  # and forth again
            server.wait_for_event("models_returned", 2)
            assert served_sha256(server) == second
        finally:
            load.stop()
        assert set(load.statuses) == {200}, load.statuses
        assert server.metric('ankleboot_model_swaps_total{result="returned"}') == 2
        server.wait_for_workers(2)
        wait_until(lambda: len(server.worker_pids()) == 3)
        server.stop()
        assert list(folder.iterdir()) == []


def ready_events(server: Server) -> list[dict[str, object]]:
    return [event for event in server.events() if event["event"] == "worker_ready"]


def find(lines: list[str], event: str, count: int) -> int:
    """Return the index of the event's `count`-th occurrence; the end if it is not there yet."""
    indices = [index for index, line in enumerate(lines) if line == event]
    return indices[count - 1] if len(indices) >= count else len(lines)


@pytest.mark.slow
def test_a_previous_model_whose_worker_died_is_loaded_again(model: Path) -> None:
    with running_server("--model", str(model), "--workers", "1", "--log", "json") as server:
        first, (old_worker,) = served_sha256(server), server.worker_pids()
        shutil.copy(catalog.FOLDER / "zero_shot" / "model.tflite", model)
        server.send_signal(signal.SIGHUP)
        server.wait_for_event("models_replaced")
        kill(old_worker)
        wait_until(lambda: old_worker not in server.worker_pids())
        server.send_signal(signal.SIGUSR1)
        server.wait_for_event("models_returned")
        assert served_sha256(server) == first and server.post(PNG).status == 200


def test_without_previous_models_the_way_back_is_refused(model: Path) -> None:
    with running_server("--model", str(model), "--workers", "1", "--log", "json") as server:
        server.send_signal(signal.SIGUSR1)
        assert "--keep-previous" in server.wait_for_event("models_kept")["reason"]


WAIT_FOR_THE_SECOND_MODEL = """
import os, time
from ankleboot.server.workers import worker
real = worker._load_model
def _load_model(path, config):
    if open(path, "rb").read() != open({old!r}, "rb").read():
        while not os.path.exists({go!r}): time.sleep(0.01)
    return real(path, config)
worker._load_model = _load_model
"""


@pytest.mark.slow
def test_a_worker_that_dies_during_a_reload_gets_the_old_model(
    misbehaving_server: MisbehavingServers, model: Path, tmp_path: Path
) -> None:
    old = shutil.copy(model, tmp_path / "old")
    go = tmp_path / "go"
    code = WAIT_FOR_THE_SECOND_MODEL.format(old=str(old), go=str(go))
    with misbehaving_server(code, "--model", str(model), "--workers", "1") as server:
        before = server.post(PNG).json
        (worker,) = server.worker_pids()
        damage(model)
        server.send_signal(signal.SIGHUP)
        while len(server.worker_pids()) < 2:
            time.sleep(0.01)
        kill(worker)
        server.wait_for_event("worker_ready", 2)
        assert server.post(PNG).json == before
        go.touch()
        server.wait_for_event("models_kept")
        assert server.post(PNG).json == before and len(server.worker_pids()) == 1


@pytest.mark.slow
def test_a_new_worker_that_dies_during_a_reload_is_replaced(
    misbehaving_server: MisbehavingServers, model: Path, tmp_path: Path
) -> None:
    """The first of two dies while the second pid loads."""
    old = shutil.copy(model, tmp_path / "old")
    go = tmp_path / "go"
    code = WAIT_FOR_THE_SECOND_MODEL.format(old=str(old), go=str(go))
    with misbehaving_server(code, "--model", str(model), "--workers", "2") as server:
        server.wait_for_workers(2)
        old_workers = server.worker_pids()
        shutil.copy(catalog.FOLDER / "zero_shot" / "model.tflite", model)
        server.send_signal(signal.SIGHUP)
        while len(server.worker_pids()) < 3:
            time.sleep(0.01)
        go.touch()
        server.wait_for_event("worker_ready", 3)
        go.unlink()
        first = next(pid for pid in server.worker_pids() if pid not in old_workers)
        while len(server.worker_pids()) < 4:
            time.sleep(0.005)
        kill(first)
        time.sleep(0.1)
        go.touch()
        server.wait_for_event("models_replaced")
        server.wait_for_event("worker_ready", 5)
        assert server.metric("ankleboot_workers_ready") == 2
        assert server.post(PNG).status == 200


@pytest.mark.slow
def test_a_new_worker_that_hangs_does_not_block_the_next_reload(
    misbehaving_server: MisbehavingServers, model: Path, tmp_path: Path
) -> None:
    old = shutil.copy(model, tmp_path / "old")
    code = WAIT_FOR_THE_SECOND_MODEL.format(old=str(old), go=str(tmp_path / "never"))
    soon = config(models=(str(model),), model_load_timeout_s=1.5)
    with misbehaving_server(code, config=soon) as server:
        shutil.copy(catalog.FOLDER / "zero_shot" / "model.tflite", model)
        server.send_signal(signal.SIGHUP)
        server.wait_for_event("models_kept")
        assert len(server.worker_pids()) == 1 and server.post(PNG).status == 200
        shutil.copy(old, model)
        server.send_signal(signal.SIGHUP)
        server.wait_for_event("models_replaced")
        assert server.post(PNG).status == 200
