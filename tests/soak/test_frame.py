"""The soak itself: cases repeat, faults fire, and the model of a disk loses what it may."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from soak.crash.disk import APPEND, CREATE, FSYNC, MKDIR, RENAME, Change, Disk
from soak.promise import Broken, Cases, Outcome
from soak.system import shim

needs_shim = pytest.mark.skipif(shim.library() is None, reason="needs Linux and a C compiler")


def test_a_case_repeats_without_those_before_it(tmp_path: Path) -> None:
    def cases(only: int | None) -> Cases:
        return Cases("noise", 7, seconds=0, goal=5, only=only, folder=tmp_path)

    drawn = {number: chance.random() for number, chance in cases(None)}
    assert len(set(drawn.values())) == 5
    assert [(number, chance.random()) for number, chance in cases(3)] == [(3, drawn[3])]


def test_a_failure_names_its_case_and_the_others_go_on() -> None:
    outcome = Outcome()
    for number in range(3):
        with outcome.case(number, "try"):
            if number == 1:
                raise Broken("torn")
    assert outcome.kept == 2 and outcome.failures == ["case 1 (try): torn"]


def log(*changes: tuple[int, str, str, bytes]) -> Disk:
    disk = Disk("/run")
    for kind, path, target, data in changes:
        inode = 0 if path in ("/", "/run") else 6
        disk.apply(Change(kind, inode, 0, path, target, data))
    return disk


MADE = (
    (MKDIR, "/run", "", b""),
    (FSYNC, "/", "", b""),
    (CREATE, "/run/t", "", b""),
    (APPEND, "", "", b"12345678"),
)


def outcomes(disk: Disk) -> set[str]:
    return {repr(sorted(disk.after_cut(Random(seed)).items())) for seed in range(300)}


def test_unsynced_data_may_be_missing_cut_or_there() -> None:
    found = outcomes(log(*MADE))
    assert "[('/run', None)]" in found
    for data in (b"", b"123", b"12345678"):
        assert f"[('/run', None), ('/run/t', {data!r})]" in found


def test_a_rename_may_be_there_without_the_data() -> None:
    renamed = outcomes(log(*MADE, (RENAME, "/run/t", "/run/a", b"")))
    assert "[('/run', None), ('/run/a', b'')]" in renamed


def test_what_is_flushed_is_there() -> None:
    flushed = [*MADE, (FSYNC, "/run/t", "", b""), (RENAME, "/run/t", "/run/a", b"")]
    assert outcomes(log(*flushed, (FSYNC, "/run", "", b""))) == {
        "[('/run', None), ('/run/a', b'12345678')]"
    }


CHILD = """
import json, sys
from pathlib import Path
from soak.system import shim

folder, fail = Path(sys.argv[1]), json.loads(sys.argv[2])
shim.obey(shim.Orders(folders=(str(folder),), fail=fail).to_json())
try:
    (folder / "below").mkdir()
    with open(folder / "a", "wb", buffering=0) as file:
        print(file.write(b"12345678"))
        __import__("os").fsync(file.fileno())
    (folder / "a").rename(folder / "b")
    (folder / "b").read_bytes()
    (folder / "b").unlink()
except OSError as error:
    print(error.errno)
print(json.dumps(shim.counts()))
"""


def disturbed(folder: Path, fail: tuple[str, int, int] | None) -> tuple[list[str], dict[str, int]]:
    environment = os.environ | {
        "LD_PRELOAD": str(shim.library()),
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    command = [sys.executable, "-c", CHILD, str(folder), json.dumps(fail)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    *lines, counts = done.stdout.splitlines()
    return lines, json.loads(counts)


@needs_shim
def test_every_kind_of_call_is_counted(tmp_path: Path) -> None:
    lines, counts = disturbed(tmp_path, None)
    assert lines == ["8"] and counts["fired"] == 0
    assert all(counts[kind] for kind in shim.KINDS)


@needs_shim
@pytest.mark.parametrize("kind", [kind for kind in shim.KINDS if kind != "short write"])
def test_a_call_of_each_kind_fails(tmp_path: Path, kind: str) -> None:
    lines, counts = disturbed(tmp_path, (kind, 0, errno.EIO))
    assert lines[-1] == str(errno.EIO) and counts["fired"] == 1


@needs_shim
def test_a_short_write_tells_how_much_it_wrote(tmp_path: Path) -> None:
    assert disturbed(tmp_path, ("short write", 0, 0))[0] == ["4"]
