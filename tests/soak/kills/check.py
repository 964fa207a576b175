"""Kill commands with SIGKILL, and run them again to the end.

A light command is killed before a call of a file that the seed draws, so that a case repeats
exactly. Of the trainings half die so, the others after a time that the seed draws, which falls into
computing and into threads as well; some die twice. What is left is whole at any moment, and the
command that ends gives what it gives without a kill.
"""

import os
import re
import signal
import time
from contextlib import suppress
from random import Random

from ankleboot.data.label_file import read_label_file
from ankleboot.models.run import Run
from soak.crash.check import verify_loads
from soak.faults.check import Bench, Clean, bench, check_files, orders_of, same
from soak.promise import Broken, Cases, Outcome
from soak.system.commands import (
    BULK,
    HEAVY,
    LIGHT,
    Command,
    heavy_commands,
    light_commands,
    mirror,
    require,
)
from soak.system.shim import Orders
from soak.system.tree import read_tree, verify_swept

LIGHT_NAMES = ("fetch", "folder", "runs", "label")
HEAVY_NAMES = ("train", "resume", "export")


def check_light(cases: Cases) -> Outcome:
    """Kill commands without TensorFlow."""
    with (
        mirror(cases.folder / "mirror") as port,
        bench(cases.folder, LIGHT, heavy=False) as place,
    ):
        return _check(cases, place, [*_named(light_commands(port), LIGHT_NAMES), BULK])


def check_heavy(cases: Cases) -> Outcome:
    """Kill trainings and exports."""
    with bench(cases.folder, HEAVY, heavy=True) as place:
        return _check(cases, place, _named(heavy_commands(), HEAVY_NAMES))


def _named(commands: tuple[Command, ...], names: tuple[str, ...]) -> list[Command]:
    return [command for command in commands if command.name in names]


def _check(cases: Cases, place: Bench, commands: list[Command]) -> Outcome:
    outcome, clean, seconds = Outcome(), dict[Command, Clean](), dict[Command, float]()
    for number, chance in cases:
        command = commands[number % len(commands)]
        if command not in clean:
            place.clean(command)  # its modules are imported then
            started = time.monotonic()
            clean[command] = place.clean(command)
            seconds[command] = time.monotonic() - started
        with outcome.case(number, command.name):
            place.reset()
            kills = 0
            for _ in range(chance.choice((1, 1, 2))):
                kills += _kill(place, command, clean[command], seconds[command], chance)
                _verify(place, command, clean[command])
            outcome.counts[f"{command.name}: kills"] += kills
            if not _is_done(place, command):
                require(place.run(command), "the command again", 0)
                verify_swept(place.work)
            same(read_tree(place.work), clean[command].tree)
    return outcome


def _kill(place: Bench, command: Command, clean: Clean, seconds: float, chance: Random) -> bool:
    """Run a command and kill it; return whether it had not ended before."""
    if command.is_timed and chance.random() < 0.5:
        job = place.job(command, orders_of(place))
        pid = place.stage.start(job)
        time.sleep(chance.uniform(0, seconds))
        with suppress(ProcessLookupError):  # it has ended
            os.kill(pid, signal.SIGKILL)
        ended = place.stage.wait(pid, job)
    else:
        call = chance.randrange(clean.counts["all"])
        ended = place.run(command, Orders(folders=(str(place.work),), kill=call))
    if ended.code not in (0, -signal.SIGKILL):
        raise Broken(f"exit code {ended.code}: {ended.stderr[-800:]}")
    return ended.code != 0


def _verify(place: Bench, command: Command, clean: Clean) -> None:
    """Fail if a file is not whole after a kill."""
    check_files(place, command, clean)
    told = (place.folder / "report.out").read_text().split() if command.name == "label" else []
    path = place.work / "labels.csv"
    kept = {one.path for one in read_label_file(path)[1]} if path.exists() else set()
    if lost := set(told) - kept:
        raise Broken(f"told and lost: {sorted(lost)}")
    for folder in {path.parent for path in place.work.rglob("recipe.json")}:
        if not re.search("runs/[0-9]", str(folder)):  # made by hand
            verify_loads(Run(folder))


def _is_done(place: Bench, command: Command) -> bool:
    """Check if the killed command had made its result, which it does not make again."""
    return bool(command.result) and (place.work / command.result).exists()
