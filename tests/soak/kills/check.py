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
from soak.promise import Broken, Cases, Outcome
from soak.system.bench import Bench, bench, verify_files, verify_same
from soak.system.commands import BULK, Command, heavy_commands, light_commands, require
from soak.system.shim import Orders
from soak.system.tree import read_tree, verify_swept

LIGHT_NAMES = ("fetch", "folder", "runs", "label")
HEAVY_NAMES = ("train", "resume", "export")


def check_light(cases: Cases) -> Outcome:
    """Kill commands without TensorFlow."""
    place = bench(heavy=False)
    return _check(cases, place, [*_named(light_commands(place.port), LIGHT_NAMES), BULK])


def check_heavy(cases: Cases) -> Outcome:
    """Kill trainings and exports."""
    return _check(cases, bench(heavy=True), _named(heavy_commands(), HEAVY_NAMES))


def _named(commands: tuple[Command, ...], names: tuple[str, ...]) -> list[Command]:
    return [command for command in commands if command.name in names]


def _check(cases: Cases, place: Bench, commands: list[Command]) -> Outcome:
    outcome = Outcome()
    seconds: dict[Command, float] = {}
    for number, chance in cases:
        command = commands[number % len(commands)]
        with outcome.case(number, command.name):
            clean = place.clean(command)
            if command not in seconds:  # once more, with its modules imported
                place.reset()
                started = time.monotonic()
                require(place.run(command), command.name, 0)
                seconds[command] = time.monotonic() - started
            place.reset()
            for _ in range(chance.choice((1, 1, 2))):
                if command.is_done(place.work):
                    break
                outcome.counts[f"{command.name}: kills"] += _kill(
                    place, command, seconds[command], chance
                )
                _verify(place, command)
            if not command.is_done(place.work):
                require(place.run(command), "the command again", 0)
                verify_swept(place.work)
            verify_same(read_tree(place.work), clean.tree)
    if cases.only is None and not sum(outcome.counts.values()):
        outcome.failures.append("no kill struck")
    return outcome


def _kill(place: Bench, command: Command, seconds: float, chance: Random) -> bool:
    """Run a command and kill it; return whether it had not ended before."""
    if command.is_timed and chance.random() < 0.5:
        job = place.job(command)
        pid = place.stage.start(job)
        time.sleep(chance.uniform(0, seconds))
        with suppress(ProcessLookupError):  # it has ended
            os.kill(pid, signal.SIGKILL)
        ended = place.stage.wait(pid, job)
    else:
        call = chance.randrange(place.clean(command).counts["all"])
        ended = place.run(command, Orders(folders=(str(place.work),), kill=call))
    if ended.code not in (0, -signal.SIGKILL):
        raise Broken(f"exit code {ended.code}: {ended.stderr[-800:]}")
    return ended.code != 0


def _verify(place: Bench, command: Command) -> None:
    """Fail if after a kill a file is not whole, or a decision that was told is lost."""
    verify_files(place, command)
    told = (place.folder / "report.out").read_text().split() if command.name == "label" else []
    path = place.work / "labels.csv"
    kept = {one.path for one in read_label_file(path)[1]} if path.exists() else set()
    if lost := set(told) - kept:
        raise Broken(f"told and lost: {sorted(lost)}")
    for folder in {path.parent for path in place.work.rglob("recipe.json")}:
        if not re.search("runs/[0-9]", str(folder)):  # made by hand
            verify_loads(Run(folder))
