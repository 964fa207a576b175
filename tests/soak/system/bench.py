"""Place where commands run, disturbed or not, and what they must leave there.

There are two, of light commands and of those with TensorFlow; the promises share them, since the
imports, the template and the runs without a disturbance take their time.
"""

import atexit
import functools
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from soak.promise import Broken
from soak.system.commands import (
    HEAVY,
    LIGHT,
    Command,
    copy_template,
    make_template,
    require,
    start_mirror,
)
from soak.system.shim import Orders
from soak.system.stage import Ended, Job, Stage
from soak.system.tree import Tree, exact_tree, read_tree


@dataclass(frozen=True)
class Clean:
    """A command without a disturbance: its calls by kind, and the files that it leaves."""

    counts: dict[str, int]
    tree: Tree


@dataclass(frozen=True)
class Bench:
    """Folder with the template and the place where commands run.

    Attributes:
        before: Files of the template.
        port: Port of the mirror from which data are fetched.
    """

    folder: Path
    stage: Stage
    before: Tree
    port: int
    _clean: dict[Command, Clean] = field(default_factory=dict)

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def watch(self) -> Orders:
        """Orders that count calls."""
        return Orders(folders=(str(self.work),))

    def job(self, command: Command, orders: Orders | None = None) -> Job:
        environment = {"TMPDIR": str(self.work / "tmp")}
        report, orders = self.folder / "report", orders or self.watch
        return command.job(self.work, report, orders=orders, environment=environment)

    def run(self, command: Command, orders: Orders | None = None) -> Ended:
        """Run a command in the place as it is."""
        return self.stage.run(self.job(command, orders))

    def reset(self) -> None:
        copy_template(self.folder / "template", self.work)

    def clean(self, command: Command) -> Clean:
        """Run a command without a disturbance, once."""
        if command not in self._clean:
            self.reset()
            ended = self.run(command)
            require(ended, command.name, 0)
            self.stage.warm(ended)
            self._clean[command] = Clean(ended.counts, read_tree(self.work))
        return self._clean[command]


@functools.cache
def bench(*, heavy: bool) -> Bench:
    """Make the place of light commands, or of those with TensorFlow; it goes when Python ends."""
    folder = Path(tempfile.mkdtemp(prefix="soak-")).resolve()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    stage = Stage(*(HEAVY if heavy else LIGHT))
    atexit.register(stage.close)
    (folder / "work").mkdir()
    make_template(folder / "work", stage, folder / "report", heavy=heavy)
    (folder / "work").rename(folder / "template")
    port = start_mirror(folder / "mirror")
    return Bench(folder, stage, exact_tree(folder / "template"), port)


def verify_files(place: Bench, command: Command) -> None:
    """Fail if a file with a final name is not whole, or one that was there is gone or another.

    Raises:
        Broken: With its name.
    """
    clean = place.clean(command).tree
    now, exact = read_tree(place.work), exact_tree(place.work)
    for name, digest in now.items():
        if exact[name] == place.before.get(name) or re.fullmatch(command.growing, name):
            continue
        if name in place.before and name not in clean:
            raise Broken(f"{name} was changed")
        if digest != clean.get(name, digest):
            raise Broken(f"{name} is neither as before nor as the command makes it")
    if gone := place.before.keys() - now.keys():
        raise Broken(f"gone: {sorted(gone)}")


def verify_same(found: Tree, expected: Tree) -> None:
    """Fail if a command did not leave the files that it leaves without a disturbance.

    Raises:
        Broken: With their names.
    """
    differences = {
        "missing": sorted(expected.keys() - found.keys()),
        "not expected": sorted(found.keys() - expected.keys()),
        "different": sorted(k for k in found.keys() & expected.keys() if found[k] != expected[k]),
    }
    if found != expected:
        told = (f"{kind}: {', '.join(names[:5])}" for kind, names in differences.items() if names)
        raise Broken(f"other files than without a fault; {'; '.join(told)}")
