"""Every hostile file is refused: soon, in little memory, without a trace of what it tried."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ankleboot.core.subprocesses import child_environment
from hostile.corpus import CORPUS
from hostile.hostile_file import HostileFile
from hostile.keras_writers import MARKER

MAX_SECONDS, MAX_MIB = 1.0, 500.0
LIGHT = [file for file in CORPUS if not file.needs_tensorflow]
HEAVY = [file for file in CORPUS if file.needs_tensorflow]


def measured(files: Sequence[HostileFile], folder: Path) -> dict[str, dict[str, Any]]:
    """Build files, each in a folder of its own, and load them in a process of their own."""
    for file in files:
        place = folder / "files" / file.name.partition(".")[0]
        place.mkdir(parents=True, exist_ok=True)
        file.build(place / file.name)
    command = [sys.executable, os.fspath(Path(__file__).with_name("measure.py"))]
    process = subprocess.run(
        [*command, os.fspath(folder / "files"), *(file.name for file in files)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=child_environment() | {"ANKLEBOOT_STATE": os.fspath(folder / "state")},
    )
    assert process.returncode == 0, process.stderr
    lines = [json.loads(line) for line in process.stdout.splitlines()]
    return {line["name"]: line for line in lines}


def check(files: Sequence[HostileFile], folder: Path) -> None:
    results = measured(files, folder)
    faults = []
    for file in files:
        got = results[file.name]
        if got["code"] != 4 or not re.search(file.expected, got["error"]) or "\n" in got["error"]:
            faults.append(f"{file.name} {file.attempt}: {got['code']} {got['error'][:300]}")
        elif got["seconds"] >= MAX_SECONDS or got["mib"] >= MAX_MIB or got["sockets"]:
            faults.append(f"{file.name}: {got}")
    assert not faults, "\n".join(faults)
    assert not list(folder.rglob(f"{MARKER}*")), "a program ran"


def test_every_hostile_file_is_refused(tmp_path: Path) -> None:
    assert len(LIGHT) >= 40 and len({file.name for file in CORPUS}) == len(CORPUS)
    check(LIGHT, tmp_path)


@pytest.mark.slow
def test_hostile_files_that_reach_keras_are_refused(tmp_path: Path) -> None:
    check(HEAVY, tmp_path)
