"""Let each call of files fail once, and see what the command leaves.

A command under a fault ends with 0 (it could do without) or says one line and ends with 5. What
has a final name is whole, what was there before is as before or as the command makes it, and the
same command, or the one that continues, then gives what it gives without a fault.
"""

import os
import re
import shutil
from random import Random

from soak.promise import Broken, Cases, Outcome
from soak.system.bench import Bench, Clean, bench, verify_files, verify_same
from soak.system.commands import Command, heavy_commands, light_commands, require
from soak.system.shim import ERRORS, KINDS, Orders
from soak.system.stage import Ended
from soak.system.tree import Tree, read_tree, verify_swept

CACHES = re.compile(r"cache/.*|.*/predictions-\w+\.(npy|json)")

Fault = tuple[str, int, int]
"""Kind, index among the calls of this kind, and error."""


def check_light(cases: Cases) -> Outcome:
    """Let every call of the commands without TensorFlow fail once."""
    outcome, place = Outcome(), bench(heavy=False)
    points = [
        (command, kind, index)
        for command in light_commands(place.port)
        for kind in KINDS
        for index in range(place.clean(command).counts[kind])
    ]
    cases.chance("order").shuffle(points)
    for number, chance in cases:
        if number >= len(points):
            break
        command, kind, index = points[number]
        _hold(place, command, (kind, index, chance.choice(ERRORS[kind])), number, outcome)
    outcome.counts["calls in all"] = len(points)
    return outcome


def check_heavy(cases: Cases) -> Outcome:
    """Let calls of the commands with TensorFlow fail, drawn by the seed."""
    outcome, place, commands = Outcome(), bench(heavy=True), heavy_commands()
    for number, chance in cases:
        (command,) = chance.choices(commands, [command.weight for command in commands])
        fault = _draw_fault(place.clean(command), chance)
        _hold(place, command, fault, number, outcome)
    return outcome


def _draw_fault(clean: Clean, chance: Random) -> Fault:
    """Draw a kind that the command calls, one of these calls, and an error."""
    kind = chance.choice([kind for kind in KINDS if clean.counts[kind]])
    return kind, chance.randrange(clean.counts[kind]), chance.choice(ERRORS[kind])


def _hold(place: Bench, command: Command, fault: Fault, number: int, outcome: Outcome) -> None:
    kind, index, error = fault
    name = os.strerror(error) if error else "cut, then goes on"
    with outcome.case(number, f"{command.name}, {kind} {index}, {name}"):
        clean = place.clean(command).tree
        place.reset()
        ended = place.run(command, Orders(folders=(str(place.work),), fail=fault))
        if not ended.counts.get("fired"):
            outcome.counts["not reached"] += 1
        else:
            outcome.counts[f"{command.name}: {kind}"] += 1
            outcome.counts["done all the same" if ended.code == 0 else "reported"] += 1
        _verify_ended(ended)
        verify_files(place, command)
        if not ended.code:
            verify_same(_results(read_tree(place.work)), _results(clean))
        elif not command.is_done(place.work):
            if command.leftover:  # the message says to name another
                shutil.rmtree(place.work / command.leftover, ignore_errors=True)
            again = place.run(command)
            require(again, f"the command again, after {ended.stderr!r}", 0)
            verify_same(read_tree(place.work), clean)
            verify_swept(place.work)


def _verify_ended(ended: Ended) -> None:
    """Fail unless a command ended with 0, or with 5 and one line."""
    lines = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    if ended.code not in (0, 5) or "Traceback" in ended.stderr:
        raise Broken(f"exit code {ended.code}: {ended.stderr[-2000:]}")
    if ended.code and len(lines) != 1:
        raise Broken(f"exit code {ended.code} with {len(lines)} lines: {ended.stderr[-500:]}")


def _results(tree: Tree) -> Tree:
    """Leave out caches, without which a command can do its work."""
    return {name: digest for name, digest in tree.items() if not CACHES.fullmatch(name)}
