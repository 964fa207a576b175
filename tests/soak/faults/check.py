"""Let each call of files fail once, and see what the command leaves.

A command under a fault ends with 0 (it could do without) or says one line and ends with 5. What
has a final name is whole, what was there before is as before or as the command makes it, and the
same command, or the one that continues, then gives what it gives without a fault.
"""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from soak.promise import Broken, Cases, Outcome
from soak.system.commands import (
    HEAVY,
    LIGHT,
    Command,
    copy_template,
    heavy_commands,
    light_commands,
    make_template,
    mirror,
    require,
)
from soak.system.shim import ERRORS, KINDS, Orders
from soak.system.stage import Ended, Job, Stage, stage
from soak.system.tree import Tree, exact_tree, read_tree, verify_swept

CACHES = re.compile(r"cache/.*|.*/predictions-\w+\.(npy|json)")


@dataclass(frozen=True)
class Clean:
    """A command without a fault: its calls by kind, and the files that it leaves."""

    counts: dict[str, int]
    tree: Tree


@dataclass(frozen=True)
class Bench:
    """Folder with the template and the place where commands run."""

    folder: Path
    stage: Stage
    before: Tree

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def run(self, command: Command, orders: Orders | None = None) -> Ended:
        """Run a command in the place as it is."""
        return self.stage.run(self.job(command, orders or orders_of(self)))

    def job(self, command: Command, orders: Orders) -> Job:
        environment = {"TMPDIR": str(self.work / "tmp")}
        report = self.folder / "report"
        return command.job(self.work, report, orders=orders, environment=environment)

    def reset(self) -> None:
        copy_template(self.folder / "template", self.work)

    def clean(self, command: Command) -> Clean:
        """Run a command without a fault in a new place."""
        self.reset()
        ended = self.run(command)
        require(ended, command.name, 0)
        self.stage.warm(ended)
        return Clean(ended.counts, read_tree(self.work))


def orders_of(place: Bench) -> Orders:
    """Return the orders that only count."""
    return Orders(folders=(str(place.work),))


@contextmanager
def bench(folder: Path, modules: Sequence[str], *, heavy: bool) -> Iterator[Bench]:
    """Hold a stage and a template."""
    with stage(*modules) as one:
        (folder / "work").mkdir()
        make_template(folder / "work", one, folder / "report", heavy=heavy)
        (folder / "work").rename(folder / "template")
        yield Bench(folder, one, exact_tree(folder / "template"))


def check_light(cases: Cases) -> Outcome:
    """Let every call of the commands without TensorFlow fail once."""
    with (
        mirror(cases.folder / "mirror") as port,
        bench(cases.folder, LIGHT, heavy=False) as place,
    ):
        outcome = Outcome()
        clean = {command: place.clean(command) for command in light_commands(port)}
        points = [
            (command, kind, index)
            for command, found in clean.items()
            for kind in KINDS
            for index in range(found.counts[kind])
        ]
        cases.chance("order").shuffle(points)
        for number, chance in cases:
            if number >= len(points):
                break
            command, kind, index = points[number]
            fault = kind, index, chance.choice(ERRORS[kind])
            _hold(place, command, clean[command], fault, number, outcome)
        outcome.counts["calls in all"] = len(points)
        return outcome


def check_heavy(cases: Cases) -> Outcome:
    """Let calls of the commands with TensorFlow fail, drawn by the seed."""
    with bench(cases.folder, HEAVY, heavy=True) as place:
        outcome, commands, clean = Outcome(), heavy_commands(), {}
        for number, chance in cases:
            (command,) = chance.choices(commands, [command.weight for command in commands])
            if command not in clean:
                clean[command] = place.clean(command)
            fault = draw_fault(clean[command], chance)
            _hold(place, command, clean[command], fault, number, outcome)
        outcome.counts["calls in all"] = sum(c.counts["all"] for c in clean.values())
        return outcome


def draw_fault(clean: Clean, chance: Random) -> tuple[str, int, int]:
    """Draw a kind that the command calls, one of these calls, and an error."""
    kind = chance.choice([kind for kind in KINDS if clean.counts[kind]])
    return kind, chance.randrange(clean.counts[kind]), chance.choice(ERRORS[kind])


def _hold(
    place: Bench,
    command: Command,
    clean: Clean,
    fault: tuple[str, int, int],
    number: int,
    outcome: Outcome,
) -> None:
    kind, index, error = fault
    name = os.strerror(error) if error else "cut, then goes on"
    with outcome.case(number, f"{command.name}, {kind} {index}, {name}"):
        place.reset()
        ended = place.run(command, Orders(folders=(str(place.work),), fail=fault))
        if not ended.counts.get("fired"):
            outcome.counts["not reached"] += 1
        else:
            outcome.counts[f"{command.name}: {kind}"] += 1
            outcome.counts["survived" if ended.code == 0 else "reported"] += 1
        check_ended(ended, (0, 5, *command.codes))
        check_files(place, command, clean)
        if not ended.code:
            same(_results(read_tree(place.work)), _results(clean.tree))
        else:
            if command.leftover:  # the message says to name another
                shutil.rmtree(place.work / command.leftover, ignore_errors=True)
            again = place.run(command)
            require(again, f"the command again, after {ended.stderr!r}", 0)
            same(read_tree(place.work), clean.tree)
            verify_swept(place.work)


def check_ended(ended: Ended, codes: tuple[int, ...]) -> None:
    """Fail unless a command ended with one of the codes, and one line if it is not 0."""
    lines = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    if ended.code not in codes or "Traceback" in ended.stderr:
        raise Broken(f"exit code {ended.code}: {ended.stderr[-2000:]}")
    if ended.code and len(lines) != 1:
        raise Broken(f"exit code {ended.code} with {len(lines)} lines: {ended.stderr[-500:]}")


def check_files(place: Bench, command: Command, clean: Clean) -> None:
    """Fail if a file with a final name is not whole, or one that was there is gone or another."""
    now, exact = read_tree(place.work), exact_tree(place.work)
    for name, digest in now.items():
        if exact[name] == place.before.get(name) or re.fullmatch(command.growing, name):
            continue
        if name in place.before and name not in clean.tree:
            raise Broken(f"{name} was changed")
        if digest != clean.tree.get(name, digest):
            raise Broken(f"{name} is neither as before nor as the command makes it")
    if gone := place.before.keys() - now.keys():
        raise Broken(f"gone: {sorted(gone)}")


def _results(tree: Tree) -> Tree:
    """Leave out caches, without which a command can do its work."""
    return {name: digest for name, digest in tree.items() if not CACHES.fullmatch(name)}


def same(found: Tree, expected: Tree) -> None:
    """Fail if a command did not leave the files that it leaves without a fault."""
    differences = {
        "missing": sorted(expected.keys() - found.keys()),
        "not expected": sorted(found.keys() - expected.keys()),
        "different": sorted(k for k in found.keys() & expected.keys() if found[k] != expected[k]),
    }
    if found != expected:
        told = (f"{kind}: {', '.join(names[:5])}" for kind, names in differences.items() if names)
        raise Broken(f"other files than without a fault; {'; '.join(told)}")
