"""Promise of the environments: where little works, commands still end with a documented code.

python -c PRELUDE ARGUMENTS    # the command, in a process that the prelude has made poor
"""

import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from ankleboot.models.pretrained import catalog
from soak.fuzz.seeds import PIXELS
from soak.promise import Cases, Outcome, Promise
from soak.threads import run_in_threads

START = (
    "import sys\n{prelude}\nfrom ankleboot.cli.main import main\nsys.argv[0] = 'ankleboot'\nmain()"
)
TIMEOUT_S = 120.0
ESCAPES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("--version",),
    ("--help",),
    ("recipes",),
    ("recipes", "sprint"),
    ("runs", "list", "{base}"),
    ("runs", "show", "{run}"),
    ("runs", "leaderboard", "{base}"),
    ("recipes", "--json"),
    ("data", "images", "{new}", "--data", "sample", "--count", "1"),
    ("predict", "{image}"),
    ("predict", "{image}", "--json"),
    ("evaluate", "pretrained", "--data", "sample", "--split", "test"),
)
"""Commands that need no TensorFlow."""


@dataclass(frozen=True)
class Poverty:
    """Environment that lacks something.

    Attributes:
        prelude: Code before the command.
        variables: Variables of the environment; None removes one.
        command: Words before the interpreter.
        codes: Exit codes that commands may end with.
    """

    name: str
    prelude: str = ""
    variables: Mapping[str, str | None] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    codes: tuple[int, ...] = (0,)


NO_HOME = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "ANKLEBOOT_CACHE"))
POVERTIES = (
    Poverty("no home", variables=NO_HOME),
    Poverty(
        "no folder for temporary files",
        "import tempfile\ntempfile._candidate_tempdir_list = lambda: ['/proc/none']",
        {"TMPDIR": "/proc/none"},
    ),
    Poverty(
        "deleted working folder",
        "import os, tempfile\nfolder = tempfile.mkdtemp()\nos.chdir(folder)\nos.rmdir(folder)",
    ),
    Poverty(
        "Latin-1",
        variables={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        | {"PYTHONIOENCODING": "latin-1"},
    ),
    Poverty("closed stdout", command=("sh", "-c", 'exec "$@" >&-', "sh")),
    Poverty("20 columns", variables={"COLUMNS": "20", "TERM": "dumb"}),
    Poverty(
        "read-only cache",
        variables={"ANKLEBOOT_CACHE": "/proc/none", "XDG_STATE_HOME": "/proc/none"},
        codes=(0, 5),
    ),
    Poverty("few descriptors", command=("sh", "-c", 'ulimit -n 16; exec "$@"', "sh"), codes=(0, 5)),
)
PAIRS = tuple((poverty, command) for poverty in POVERTIES for command in COMMANDS)


def check(cases: Cases) -> Outcome:
    names, counts = _prepared(cases.folder), Counter[str]()

    def work(number: int, _: random.Random) -> str:
        poverty, command = PAIRS[number * STEP % len(PAIRS)]
        words = [word.format(**names, new=cases.folder / f"new{number}") for word in command]
        counts[poverty.name] += 1
        failure = _run(poverty, words, cases.folder)
        return failure and f"{poverty.name}: {' '.join(words[:2])}: {failure}"

    outcome = run_in_threads(cases, [("commands", work)] * (os.cpu_count() or 1))
    outcome.counts = counts
    return outcome


STEP = 13
"""Step through the pairs, coprime to their number, so that a short run sees every environment."""


def _prepared(folder: Path) -> dict[str, str]:
    run, image = folder / "runs/run", folder / "image.png"
    run.mkdir(parents=True)
    for path in catalog.FOLDERS[catalog.ZERO_SHOT].iterdir():
        (run / path.name).write_bytes(path.read_bytes())
    Image.fromarray(PIXELS).resize((60, 60)).save(image)
    return {"base": str(run.parent), "run": str(run), "image": str(image)}


def _run(poverty: Poverty, words: list[str], folder: Path) -> str:
    """Run a command; return what is wrong with how it ended, or ""."""
    variables: dict[str, str | None] = {
        "ANKLEBOOT_CACHE": str(folder / "cache"),
        "XDG_STATE_HOME": str(folder / "state"),
    }
    variables |= poverty.variables
    environment = {**os.environ, **variables}
    kept = {name: value for name, value in environment.items() if value is not None}
    code = START.format(prelude=poverty.prelude)
    found = subprocess.run(
        [*poverty.command, sys.executable, "-c", code, *words],
        capture_output=True, env=kept, timeout=TIMEOUT_S, check=False, cwd=folder,
    )  # fmt: skip
    text = (found.stdout + found.stderr).decode("utf-8", "replace")
    if found.returncode not in poverty.codes:
        return f"exit code {found.returncode}: {text[-300:]!r}"
    if "Traceback" in text or ESCAPES.search(text):
        return f"output {text[-300:]!r}"
    if found.returncode and len(text.strip().splitlines()) != 1:
        return f"not one line: {text[-300:]!r}"
    return ""


ENVIRONMENTS = Promise(
    "environments",
    "light commands in poor environments with a documented exit code",
    check,
    weight=2,
    goal=len(PAIRS),
    short_goal=8,
    limit=len(PAIRS),
)
