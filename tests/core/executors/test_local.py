"""Tasks in processes of this machine."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from ankleboot.core.errors import Interrupted, UsageError
from ankleboot.core.executors import local
from ankleboot.core.executors.executor import OUTPUT, Outcome, Task, make_executor
from ankleboot.core.executors.local import LocalExecutor


def task(action: str, *arguments: str, output: str = "") -> Task:
    return Task(" ".join([action, *arguments]), "helpers.task", (action, *arguments), output)


def run(*tasks: Task, parallel: int = 2) -> dict[str, Outcome]:
    outcomes = list(LocalExecutor(1, parallel).run(tasks))
    assert len(outcomes) == len(tasks)
    return {outcome.task.name: outcome for outcome in outcomes}


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        return state != "Z"
    return False


def wait_for(path: Path) -> str:
    for _ in range(300):
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.05)
    raise AssertionError(f"{path} did not appear")


def test_every_task_has_one_outcome(tmp_path: Path) -> None:
    mark, folder = str(tmp_path / "mark"), str(tmp_path / "made")
    outcomes = run(
        task("echo", "a", "b"),
        task("fail"),
        task("die"),
        task("die-once", mark),
        task("write", OUTPUT, "text", output=folder),
    )
    assert outcomes["echo a b"].document == {"said": ["a", "b"]}
    assert outcomes["echo a b"].failures == () and outcomes["echo a b"].seconds > 0
    failed = outcomes["fail"]
    assert failed.document is None and failed.error == "helpers.task fail: it went wrong"
    assert failed.failures == ()  # its own error, which would come again
    died = outcomes["die"]
    assert len(died.failures) == 3 and "its process died 3 times" in died.error
    again = outcomes[f"die-once {mark}"]
    assert again.document == {"survived": True}
    assert again.failures == ("helpers.task: ended by SIGKILL",)
    assert Path(folder, "file").read_text() == "text"


def test_a_task_has_as_many_threads_as_cores() -> None:
    (outcome,) = LocalExecutor(3, 1).run([task("threads")])
    assert outcome.document == {"TF_NUM_INTRAOP_THREADS": "3", "OMP_NUM_THREADS": "3"}


def test_tasks_run_side_by_side(tmp_path: Path) -> None:
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    tasks = [task("meet", first, second), task("meet", second, first)]
    outcomes = list(LocalExecutor(1, 2).run(tasks))
    assert [outcome.document for outcome in outcomes] == [{"met": True}] * 2


def test_tasks_are_taken_when_there_is_room() -> None:
    """As a search needs it, whose next trial depends on the results of the former ones."""
    seen: list[str] = []

    def tasks() -> Iterator[Task]:
        for number in range(5):
            assert len(seen) >= number - 1  # two at once
            yield task("echo", str(number))

    for outcome in LocalExecutor(1, 2).run(tasks()):
        seen.append(outcome.task.name)
    assert sorted(seen) == [f"echo {number}" for number in range(5)]


def test_as_many_run_as_fit_cores_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "usable_cores", lambda: 8)
    monkeypatch.setattr(local, "free_bytes", lambda: None)
    fits = LocalExecutor.that_fits
    assert fits(1) == LocalExecutor(1, 8)
    assert fits(3) == LocalExecutor(3, 2)
    assert fits(1, limit=5) == LocalExecutor(1, 5)
    assert fits(16) == LocalExecutor(16, 1)
    assert fits() == LocalExecutor(1, 8)
    assert fits(limit=1) == LocalExecutor(None, 1)  # with all cores
    monkeypatch.setattr(local, "free_bytes", lambda: 5 * local.GIB)
    assert fits(1) == LocalExecutor(1, 3)
    assert fits(1).description == "on this machine, 3 at once, 1 thread each"
    monkeypatch.setattr(local, "free_bytes", lambda: 1)
    assert fits(2).description == "on this machine, one at a time, 2 threads each"


def test_a_signal_stops_the_running_tasks(tmp_path: Path) -> None:
    first = tmp_path / "first"

    def interrupt() -> None:
        wait_for(first)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    thread.start()
    tasks = [task("sleep", str(first), "60"), task("echo")]
    with pytest.raises(Interrupted) as caught:
        list(LocalExecutor(1, 1).run(tasks))
    thread.join()
    assert caught.value.exit_code == 143
    assert not is_alive(int(first.read_text()))


def test_a_closed_iterator_stops_the_running_tasks(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    with closing(LocalExecutor(1, 2).run([task("echo"), task("sleep", str(path), "60")])) as done:
        assert next(iter(done)).document
        pid = int(wait_for(path))
    assert not is_alive(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can end a child with its parent")
def test_a_killed_driver_leaves_no_orphans(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    code = (
        "from ankleboot.core.executors.local import LocalExecutor\n"
        "from ankleboot.core.executors.executor import Task\n"
        f"t = Task('t', 'helpers.task', ('sleep', {str(path)!r}, '60'))\n"
        "list(LocalExecutor(1, 1).run([t]))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as driver:
        pid = int(wait_for(path))
        assert is_alive(pid)
        driver.kill()
    for _ in range(100):
        if not is_alive(pid):
            break
        time.sleep(0.05)
    assert not is_alive(pid)


def test_an_unknown_place_is_refused() -> None:
    with pytest.raises(UsageError, match="--on cloud: expected local, ray, or the address"):
        make_executor("cloud")
    assert isinstance(make_executor("local", cores=1, limit=1), LocalExecutor)
