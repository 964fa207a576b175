"""Isolated processes: their errors, their memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.subprocesses import anonymous_memory_mib, peak_mib, run_isolated


def test_failed_process_is_named_with_its_last_line() -> None:
    with pytest.raises(EnvironmentFailure, match=r"^calendar nonsense: .*invalid int value"):
        run_isolated("calendar", "nonsense")


@pytest.mark.parametrize("reason", ["No module named 'keras.ops'", "keras is not installed"])
def test_a_child_that_lacks_a_module_names_the_extra(
    reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needy.py").write_text(f"raise ModuleNotFoundError({reason!r})")
    (tmp_path / "lost.py").write_text("import no_such_module")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EnvironmentFailure, match=r"^this needs keras: pip install 'ankle"):
        run_isolated("needy", "argument")
    with pytest.raises(EnvironmentFailure, match=r"^lost: .* No module named 'no_such_module'"):
        run_isolated("lost")


def test_child_finds_the_modules_of_this_process() -> None:
    with pytest.raises(
        EnvironmentFailure, match=r"training_baselines nobody 0 sample: .*unknown contender"
    ):
        run_isolated("lib.training_baselines", "nobody", "0", "sample")


def test_memory_of_this_process_is_read() -> None:
    peak, own = peak_mib(), anonymous_memory_mib()
    assert peak is None or peak > 50
    assert own is None or peak is None or 10 < own <= peak


def test_a_process_that_takes_too_long_is_killed() -> None:
    with pytest.raises(EnvironmentFailure, match=r"^timeit: took more than 0\.5 s"):
        run_isolated("timeit", "-n", "1", "-r", "1", "import time; time.sleep(60)", wall_s=0.5)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can end a child with its parent")
def test_a_child_whose_parent_is_gone_does_not_begin() -> None:
    command = [sys.executable, "-m", "ankleboot.core.child", "calendar", "2026"]
    environment = os.environ | {"ANKLEBOOT_PARENT": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "the process that started this one is gone\n"


LIMITED = """
import socket, subprocess, sys
from ankleboot.core.subprocesses import Limits
Limits(memory_bytes=2**30, cpu_s=60, wall_s=60.0).restrict_this_process()
refused = []
for attempt in (
    lambda: bytes(2**31),
    lambda: socket.create_connection(("127.0.0.1", 9)),
    lambda: subprocess.run([sys.executable, "-V"]),
):
    try:
        attempt()
    except (MemoryError, PermissionError) as error:
        refused.append(type(error).__name__)
print(*refused)
"""


def test_limits_refuse_memory_network_and_processes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["MemoryError", "PermissionError", "PermissionError"]
