"""Ends by signals: one line, the exit code of the signal, and no trace of the imports."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ankleboot.core.signals import stop_on_signal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def run_and_signal(
    code: str, signum: int, tmp_path: Path, *, arguments: tuple[str, ...] = ("recipes",)
) -> tuple[int, str]:
    """Run the command line with `code` in its start; signal it once the code has made "ready"."""
    (tmp_path / "sitecustomize.py").write_text(code)
    process = subprocess.Popen(
        [sys.executable, "-m", "ankleboot", *arguments],
        env=os.environ | {"PYTHONPATH": str(tmp_path), "READY": str(tmp_path / "ready")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / "ready").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signum)
    stderr = process.communicate(timeout=30)[1]
    return process.returncode, stderr


# Python acts on a signal between two slices; one that comes just before a long sleep waits for its
# end.
SLOW_IMPORT = """
import builtins, os, time
real = builtins.__import__
def slow(name, *rest, **more):
    if name == {name!r} and not os.path.exists(os.environ["READY"]):
        open(os.environ["READY"], "w").close()
        try:
            for _ in range({slices}):
                time.sleep(0.05)
        except BaseException as error:
            {then}
    return real(name, *rest, **more)
builtins.__import__ = slow
"""


@pytest.mark.parametrize("signum", SIGNALS[:1])
@pytest.mark.parametrize("name", ["click", "platformdirs"])
def test_an_interrupt_during_the_imports_is_one_line(
    name: str, signum: int, tmp_path: Path
) -> None:
    """It was a traceback at 49 of 75 random moments."""
    code = SLOW_IMPORT.format(name=name, then="raise", slices=600)
    assert run_and_signal(code, signum, tmp_path) == (128 + signum, "error: interrupted\n")


@pytest.mark.parametrize("signum", SIGNALS)
@pytest.mark.parametrize("then", ["raise", "raise ImportError('numpy') from error"])
def test_a_signal_during_a_command_is_one_line(then: str, signum: int, tmp_path: Path) -> None:
    """Modules turn the exception into others; the line would tell of a fault or a missing one."""
    code = SLOW_IMPORT.format(name="numpy", then=then, slices=600)
    arguments = ("predict", "image.png")
    got = run_and_signal(code, signum, tmp_path, arguments=arguments)
    assert got == (128 + signum, "error: interrupted\n")


LOST_INTERRUPT = """
import os, threading
class Callback:
    def __del__(self):
        import time
        open(os.environ["READY"], "w").close()
        for _ in range(600):
            time.sleep(0.05)
import builtins
real = builtins.__import__
def slow(name, *rest, **more):
    if name == "numpy" and not os.path.exists(os.environ["READY"]):
        Callback()
    return real(name, *rest, **more)
builtins.__import__ = slow
"""


@pytest.mark.parametrize("signum", SIGNALS)
def test_a_signal_in_a_callback_that_python_cannot_unwind_ends_as_well(
    signum: int, tmp_path: Path
) -> None:
    """Python printed "Exception ignored in", and went on."""
    got = run_and_signal(LOST_INTERRUPT, signum, tmp_path, arguments=("predict", "image.png"))
    assert got == (128 + signum, "error: interrupted\n")


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    """As nohup and a shell's "&" want it."""
    code = SLOW_IMPORT.format(name="click", then="raise", slices=10)
    ignored = f"import signal; signal.signal({int(signal.SIGINT)}, signal.SIG_IGN)\n"
    assert run_and_signal(ignored + code, signal.SIGINT, tmp_path) == (0, "")


@pytest.mark.parametrize("signum", SIGNALS)
def test_the_first_stop_signal_sets_the_flag_and_the_second_acts(signum: int) -> None:
    with stop_on_signal() as flag:
        signal.raise_signal(signum)
        assert flag.signum == signum
    previous = signal.signal(signum, signal.SIG_IGN)
    with stop_on_signal() as flag:
        signal.raise_signal(signum)
    signal.signal(signum, previous)
    assert flag.signum is None
