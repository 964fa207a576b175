"""Promise of the hostile model files: refused soon, in little memory, with nothing done."""

import re
from typing import Any

from hostile.corpus import CORPUS
from hostile.hostile_file import HostileFile
from hostile.keras_writers import MARKER
from hostile.test_hostile import MAX_MIB, MAX_SECONDS, measured
from soak.promise import Broken, Cases, Outcome, Promise


def check(cases: Cases) -> Outcome:
    outcome = Outcome()
    files = {number: CORPUS[number] for number, _ in cases}
    results = measured(list(files.values()), cases.folder)
    for number, file in files.items():
        with outcome.case(number, f"{file.name} {file.attempt}"):
            _judge(file, results[file.name])
        outcome.counts[file.name.rpartition(".")[2]] += 1
    with outcome.case(-1, "what a program of a model would leave"):
        if marks := list(cases.folder.rglob(f"{MARKER}*")):
            raise Broken(f"a program ran: {marks[0]}")
    return outcome


def _judge(file: HostileFile, found: dict[str, Any]) -> None:
    if found["code"] != 4 or not re.search(file.expected, found["error"]):
        raise Broken(f"exit code {found['code']}: {found['error'][:200]}")
    if found["seconds"] >= MAX_SECONDS or found["mib"] >= MAX_MIB or found["sockets"]:
        raise Broken(str({key: found[key] for key in ("seconds", "mib", "sockets")}))


HOSTILE = Promise(
    "hostile",
    "model files of an enemy refused within a second, 500 MiB and this machine",
    check,
    weight=2,
    goal=len(CORPUS),
    short_goal=8,
    limit=len(CORPUS),
)
