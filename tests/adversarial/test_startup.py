"""Adversarial tests of the start: models, ports, addresses, stdout."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from ankleboot.models.pretrained import catalog
from helpers.adversarial import PNG, MisbehavingServers, damage, free_port
from helpers.server import TIMEOUT_S, Server, killed_at_exit, running_server


def test_the_server_is_alive_before_it_is_ready(
    misbehaving_server: MisbehavingServers, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    late = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)"
    port = free_port()
    log = tmp_path / "log"
    with killed_at_exit(misbehaving_server.start(log, late, "--port", str(port))) as process:
        server = Server(process, "127.0.0.1", port, log)
        until = time.monotonic() + TIMEOUT_S
        while time.monotonic() < until:
            with suppress(OSError):
                assert server.get("/healthz").status == 200
                break
            time.sleep(0.02)
        for response in (server.get("/readyz"), server.get("/v1/model"), server.post(PNG)):
            assert (response.status, response.code) == (503, "not_ready")
            assert "being loaded" in response.json["error"]["message"]
            assert response.headers["retry-after"] == "1"
        server.send_signal(signal.SIGHUP)  # waits for the models
        go.touch()
        server.wait_until_ready()
        server.wait_for_event("models_replaced")
        assert server.post(PNG).status == 200
        server.stop()


def run_failing_server(*options: str) -> tuple[int, str]:
    """Return the exit code and stderr of a server that cannot start."""
    command = [sys.executable, "-m", "ankleboot", "serve", "--port", "0", "--log", "off", *options]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert process.stdout == ""
    return process.returncode, process.stderr


def test_a_model_that_cannot_be_loaded_exits_with_4_and_one_line(tmp_path: Path) -> None:
    model = damage(Path(shutil.copy(catalog.FOLDER / "model.tflite", tmp_path)))
    for path, why in ((model, "damaged"), (tmp_path / "none.tflite", "no such model")):
        code, data = run_failing_server("--model", str(path))
        assert code == 4 and data.startswith("error: ") and data.count("\n") == 1, data
        assert why in data


def test_a_port_in_use_exits_with_5(server: Server) -> None:
    code, data = run_failing_server("--port", str(server.port))
    assert code == 5 and "in use" in data and str(server.port) in data and data.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may bind it")
def test_a_privileged_port_exits_with_5() -> None:
    code, data = run_failing_server("--port", "80")
    assert code == 5 and "permission" in data


def test_an_address_of_another_machine_exits_with_5() -> None:
    for host in ("192.0.2.1", "no-such-host.invalid", "x" * 300):
        code, data = run_failing_server("--host", host)
        assert code == 5 and data.count("\n") == 1, data


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as bound:
            bound.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_the_server_listens_on_ipv6() -> None:
    with running_server("--workers", "1", "--host", "::1", "--log", "json") as server:
        assert server.document["url"] == f"http://[::1]:{server.port}"
        assert server.post(PNG).status == 200
        assert all(event["event"] != "public" for event in server.events())


def test_listening_on_all_addresses_logs_a_warning() -> None:
    with running_server("--workers", "1", "--host", "0.0.0.0", "--log", "json") as server:
        assert server.wait_for_event("public")["note"]
        assert server.get("/healthz", host="127.0.0.1").status == 200
        assert server.get("/healthz", host="192.0.2.7").status == 200
        assert server.get("/healthz", host="evil.example").code == "unknown_host"


def test_the_server_listens_on_the_loopback_address_by_default(server: Server) -> None:
    assert server.document["url"] == f"http://127.0.0.1:{server.port}"


@pytest.mark.slow
@pytest.mark.parametrize("redirection", ["| head -n 1", ">&-", "> /dev/full"])
def test_the_server_runs_on_when_stdout_closes_and_exits_with_5_on_a_full_disk(
    redirection: str, tmp_path: Path
) -> None:
    """stdout is a pipe whose reader exits, closed, or a full disk."""
    port = free_port()
    command = f"exec {sys.executable} -m ankleboot serve --port {port} --workers 1 --log off"
    script = (
        f"({command}) {redirection}" if redirection.startswith("|") else f"{command} {redirection}"
    )
    process = subprocess.Popen(
        ["sh", "-c", script], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    with killed_at_exit(process):
        server = Server(process, "127.0.0.1", port, tmp_path)
        if "full" in redirection:
            assert process.wait(TIMEOUT_S) == 5
            return
        server.wait_until_ready()
        time.sleep(0.2)
        assert server.post(PNG).status == 200
        text = server.get("/metrics").body.decode()
        assert "ankleboot_workers_ready 1.0" in text
        (listening,) = server_pids(port)
        os.kill(listening, signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
        assert process.stderr is not None and b"Traceback" not in process.stderr.read()


def server_pids(port: int) -> list[int]:
    """Return the processes whose arguments name the port."""
    pids = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
            if b"ankleboot" in arguments and str(port).encode() in arguments:
                pids.append(int(folder.name))
    return pids
