"""Temporary folders: removed at the end, swept after a kill, never taken from a living owner."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.temporary import NAME, sweep, temp_folder

MAKE = """
import sys, time
from pathlib import Path
from ankleboot.core.temporary import temp_folder
with temp_folder(beside=Path(sys.argv[1])) as folder:
    (folder / "content").write_text("x")
    print(folder, flush=True)
    {then}
"""

# Python acts on a signal between two slices; one that comes just before a long sleep waits for its
# end.
SLICES = "for _ in range(1200): time.sleep(0.05)"


@pytest.fixture
def system_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def start(target: Path, then: str = "time.sleep(60)") -> tuple[subprocess.Popen[str], Path]:
    """Start a process with a folder beside `target`; return it and the folder."""
    command = [sys.executable, "-c", MAKE.format(then=then), str(target)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if process.stdout is None:
        raise ValueError
    return process, Path(process.stdout.readline().strip())


def test_a_folder_is_removed_with_its_content(system_folder: Path) -> None:
    with temp_folder() as folder:
        (folder / "deep").mkdir()
        (folder / "deep/file").write_text("x")
        assert folder.parent == system_folder and folder.stat().st_mode & 0o777 == 0o700
    assert not list(system_folder.iterdir())


def test_a_folder_lies_beside_the_target_of_its_rename(tmp_path: Path) -> None:
    with temp_folder(beside=tmp_path / "model.tflite") as folder:
        assert folder.parent == tmp_path and NAME.fullmatch(folder.name)
        (folder / "x").write_text("x")
        (folder / "x").rename(tmp_path / "model.tflite")
    assert [path.name for path in tmp_path.iterdir()] == ["model.tflite"]


def test_the_folder_of_a_killed_process_is_swept_by_the_next(tmp_path: Path) -> None:
    process, left = start(tmp_path / "a")
    process.kill()
    process.communicate()
    assert (left / "content").exists()
    with temp_folder(beside=tmp_path / "b") as folder:
        assert [path for path in tmp_path.iterdir()] == [folder]


def test_the_folder_of_a_living_process_is_never_swept(tmp_path: Path) -> None:
    process, living = start(tmp_path / "a")
    try:
        sweep(tmp_path)
        assert (living / "content").exists()
        with temp_folder(beside=tmp_path / "b") as own:
            sweep(tmp_path)
            assert (own / ".lock").exists()
    finally:
        process.kill()
        process.communicate()


def test_only_own_folders_with_the_full_name_are_swept(tmp_path: Path) -> None:
    ending = "0123456789ab.tmpdir"
    others = ("ankleboot-checkout", ".x.0123456789ab.tmp", ".x.0123.tmpdir", f"x.{ending}")
    for name in others:
        (tmp_path / name).mkdir()
    (tmp_path / f".file.{ending}").write_text("x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/content").write_text("x")
    (tmp_path / f".link.{ending}").symlink_to(tmp_path / "elsewhere")
    (tmp_path / f".gone.{ending}").mkdir()
    sweep(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*others, f".file.{ending}", f".link.{ending}", "elsewhere"}
    assert (tmp_path / "elsewhere/content").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs a second user")
def test_folders_of_other_users_are_left(tmp_path: Path) -> None:
    foreign = tmp_path / ".x.0123456789ab.tmpdir"
    foreign.mkdir()
    os.chown(foreign, 12345, 12345)
    sweep(tmp_path)
    assert foreign.exists()


def test_sweeps_at_once_never_take_a_folder_in_use(tmp_path: Path) -> None:
    """A sweep may come between the creation of a folder and its lock."""
    failures: list[str] = []

    def work(number: int) -> None:
        for _ in range(60):
            with temp_folder(beside=tmp_path / f"t{number}") as folder:
                (folder / "content").write_text("x")
                sweep(tmp_path)
                if not (folder / "content").exists():
                    failures.append(folder.name)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and not list(tmp_path.iterdir())


def test_an_exit_inside_a_thread_leaves_nothing(tmp_path: Path) -> None:
    """A daemon thread is not unwound at exit."""
    code = (
        "import sys, threading, time\nfrom pathlib import Path\n"
        "from ankleboot.core.temporary import temp_folder\nready = threading.Event()\n"
        "def work():\n"
        "    with temp_folder(beside=Path(sys.argv[1])):\n"
        "        ready.set(); time.sleep(60)\n"
        "threading.Thread(target=work, daemon=True).start(); ready.wait()"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], check=True)
    assert not list(tmp_path.iterdir())


def test_a_cleanup_that_fails_hides_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    with (
        pytest.raises(ValueError, match="first"),
        temp_folder(beside=tmp_path / "a") as folder,
        monkeypatch.context() as patched,
    ):
        patched.setattr(os, "rmdir", fail)
        (folder / "gone").write_text("x")
        raise ValueError("first")


def test_without_a_folder_for_temporary_files_the_cache_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", no_folder)
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    with temp_folder() as folder:
        assert folder.parent == tmp_path / "cache/temp"
    (tmp_path / "file").touch()
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "file"))
    with pytest.raises(EnvironmentFailure, match="set TMPDIR to one that can"), temp_folder():
        pass


def no_folder() -> str:
    raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_signal_unwinds_a_child_of_ours(tmp_path: Path, signum: signal.Signals) -> None:
    """SIGTERM left the folder for ever."""
    (tmp_path / "module.py").write_text(MAKE.format(then=SLICES))
    (tmp_path / "place").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "ankleboot.core.child", "module", str(tmp_path / "place/a")],
        env=os.environ | {"ANKLEBOOT_PARENT": str(os.getpid()), "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    if process.stdout is None:
        raise ValueError
    process.stdout.readline()
    process.send_signal(signum)
    process.communicate(timeout=20)
    assert process.returncode == -signum and not list((tmp_path / "place").iterdir())


def test_a_clean_up_that_fails_is_not_the_failure_of_the_work(
    system_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = os.close

    def failing(descriptor: int) -> None:
        close(descriptor)
        raise OSError(errno.ENOSPC, "No space left on device")

    with temp_folder() as folder:
        (folder / "below").mkdir()
        monkeypatch.setattr(os, "close", failing)
    monkeypatch.setattr(os, "close", close)
