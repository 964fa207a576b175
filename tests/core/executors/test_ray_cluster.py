"""Tasks on a real Ray cluster of two nodes on this machine; workers and nodes are killed."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.executors.executor import OUTPUT, Task, make_executor
from ankleboot.core.executors.ray_cluster import RayExecutor
from helpers.ray_cluster import two_nodes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # Ray's own, in many places
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with two_nodes(1, 2) as made:
        assert RayExecutor(1).description == "on Ray, 2 machines with 3 cores, 1 for a task"
        yield made


def task(action: str, *arguments: str, output: str = "") -> Task:
    return Task(" ".join([action, *arguments]), "helpers.task", (action, *arguments), output)


def test_outcomes_are_those_of_this_machine(cluster: Any, tmp_path: Path) -> None:
    mark, folder = str(tmp_path / "mark"), str(tmp_path / "made/here")
    tasks = [
        task("echo", "a"),
        task("threads"),
        task("fail"),
        task("die"),
        task("die-once", mark),
        task("write", OUTPUT, "text", output=folder),
    ]
    outcomes = {outcome.task.name: outcome for outcome in RayExecutor(1).run(tasks)}
    assert len(outcomes) == len(tasks)
    assert outcomes["echo a"].document == {"said": ["a"]}
    assert outcomes["threads"].document == {"TF_NUM_INTRAOP_THREADS": "1", "OMP_NUM_THREADS": "1"}
    assert outcomes["fail"].error == "helpers.task fail: it went wrong"
    assert outcomes["fail"].failures == ()
    assert len(outcomes["die"].failures) == 3 and outcomes["die"].document is None
    assert outcomes[f"die-once {mark}"].document == {"survived": True}
    assert len(outcomes[f"die-once {mark}"].failures) == 1
    assert Path(folder, "file").read_text() == "text"
    assert [path.name for path in Path(folder).parent.iterdir()] == ["here"]


def test_a_killed_node_loses_nothing_and_doubles_nothing(cluster: Any, tmp_path: Path) -> None:
    """Eight tasks; the second node goes while they run, and a new one comes."""
    tasks = [task("sleep", str(tmp_path / f"pid-{number}"), "3") for number in range(8)]
    names, killed = [], False
    victim = next(node for node in cluster.list_all_nodes() if node is not cluster.head_node)
    for outcome in RayExecutor(1).run(tasks):
        names.append(outcome.task.name)
        assert outcome.document == {"slept": True}, outcome.error
        if not killed:
            killed = True
            cluster.remove_node(victim, allow_graceful=False)
            cluster.add_node(num_cpus=2)
    assert sorted(names) == sorted(each.name for each in tasks)


def test_a_killed_child_is_tried_again(cluster: Any, tmp_path: Path) -> None:
    path = tmp_path / "pid"
    iterator = RayExecutor(1).run([task("sleep", str(path), "4"), task("echo")])
    assert next(iterator).task.name == "echo"
    for _ in range(200):
        if path.exists() and path.read_text():
            break
        time.sleep(0.05)
    os.kill(int(path.read_text()), signal.SIGKILL)
    (outcome,) = iterator
    assert outcome.document == {"slept": True}
    assert outcome.failures == ("ProcessKilledError: helpers.task: ended by SIGKILL",)


def test_no_cluster_at_an_address_is_one_line() -> None:
    import ray

    if ray.is_initialized():
        ray.shutdown()
    with pytest.raises(EnvironmentFailure, match="no Ray cluster answers"):
        make_executor("127.0.0.1:1")
