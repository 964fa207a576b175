"""Shared servers of the adversarial tests: misbehaving clients, corrupt models, crashing workers.

The server runs in a process of its own. To make a worker misbehave, its interpreter is replaced by
a script that patches it.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ankleboot.server.config import ServerConfig
from helpers.adversarial import PNG, MisbehavingServers
from helpers.server import Server, config, predict_request, running_server, wait_until

SHARED_SERVERS = ("server", "short_timeouts_server", "small_queue_server")
SHORT_TIMEOUTS = config(
    keep_alive_s=1,
    header_timeout_s=1.0,
    body_timeout_s=1.0,
    write_stall_timeout_s=1.0,
    discard_timeout_s=1.0,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    has_proc = Path("/proc/self/smaps_rollup").exists()
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.adversarial)
            if not has_proc:
                item.add_marker(pytest.mark.skip(reason="needs the /proc of Linux"))


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    """Server with two workers, for tests that leave no trace."""
    with running_server("--workers", "2", "--log", "json") as server:
        server.wait_for_workers(2)
        yield server


@pytest.fixture(scope="package")
def short_timeouts_server() -> Iterator[Server]:
    """Server with timeouts of one second in place of ten to fifteen."""
    with running_server(config=SHORT_TIMEOUTS) as server:
        yield server


@pytest.fixture(scope="package")
def small_queue_server() -> Iterator[Server]:
    """Server with one worker and a queue of 8 requests."""
    options = ("--workers", "1", "--queue", "8", "--timeout", "60", "--log", "off")
    with running_server(*options) as server:
        yield server


@pytest.fixture
def stalled_server(small_queue_server: Server) -> Iterator[Server]:
    """Server whose worker is stopped and whose queue is full."""
    (worker,) = small_queue_server.worker_pids()
    os.kill(worker, signal.SIGSTOP)
    try:
        with ExitStack() as stack:
            for _ in range(ServerConfig.max_jobs_per_worker + 8):  # at the worker, and in the queue
                stack.enter_context(small_queue_server.connect()).sendall(predict_request(PNG))
            wait_until(lambda: small_queue_server.metric("ankleboot_requests_waiting") == 8)
            yield small_queue_server
    finally:
        os.kill(worker, signal.SIGCONT)
        wait_until(lambda: small_queue_server.metric("ankleboot_requests_waiting") == 0)


@pytest.fixture
def misbehaving_server(tmp_path: Path) -> MisbehavingServers:
    return MisbehavingServers(tmp_path)


@pytest.fixture(autouse=True)
def _shared_servers_stay_well(request: pytest.FixtureRequest) -> Iterator[None]:
    """Check after each test that a shared server has its old workers and still predicts."""
    names = [name for name in SHARED_SERVERS if name in request.fixturenames]
    before = {name: request.getfixturevalue(name).worker_pids() for name in names}
    yield
    for name, workers in before.items():
        server = request.getfixturevalue(name)
        assert server.worker_pids() == workers, "a worker died"
        assert server.post(PNG).json["predictions"][0]["label"] == "Ankle boot"
