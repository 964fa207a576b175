"""Cut the power at every moment of a training, load what may be left, and resume it.

The log of a training's calls is recorded once. A case takes the first changes of it and draws what
is left of those that were not flushed (`disk`). All states are loaded. Of states whose files differ
in their temporary names and TensorBoard events alone one is resumed, since resuming reads no
others; the resumed weights must be those of the unbroken training.
"""

import json
import shutil
import time
from pathlib import Path

from ankleboot.core.errors import AnklebootError
from ankleboot.core.files import TEMP_NAME, sha256_of
from ankleboot.models.files.keras_seal import read_seal
from ankleboot.models.run import Run
from soak.crash.disk import Change, Disk, read_log
from soak.promise import Broken, Cases, Outcome
from soak.system.bench import bench
from soak.system.commands import SETTINGS, require
from soak.system.shim import Orders
from soak.system.stage import Job, Stage

TRAIN = ("train", "leaky", "--data", "sample", "--run-dir", "new", *SETTINGS)
State = dict[str, bytes | None]


def check(cases: Cases) -> Outcome:
    """Draw states after a power cut; load each, and resume one of each kind."""
    work, one = cases.folder / "work", bench(heavy=True).stage
    run = Run(work / "new")
    log, weights = _record(one, cases.folder)
    end = time.monotonic() + cases.seconds
    outcome, resumed = Outcome(), set[str]()
    for number, chance in cases:
        cut = number % (len(log) + 1)
        disk = _after(log[:cut], str(run.folder))
        with outcome.case(number, f"after {cut} of {len(log)} calls"):
            state = {
                path: content
                for path, content in disk.after_cut(chance).items()
                if f"{path}/".startswith(f"{run.folder}/")
            }
            _write(state, work)
            verify_loads(run)
            _verify_kept(disk, run)
            kind = _kind(state, work)
            is_due = time.monotonic() < end or cases.only is not None
            if kind not in resumed and is_due:
                resumed.add(kind)
                _resume(one, run, weights, cases.folder)
    if not resumed:
        outcome.failures.append("no state was resumed")
    outcome.counts["calls in the log"] = len(log)
    outcome.counts["kinds of states resumed"] = len(resumed)
    return outcome


def _record(one: Stage, folder: Path) -> tuple[list[Change], str]:
    """Train once; return the log and the weights' hash."""
    work = folder / "work"
    work.mkdir()
    orders = Orders(folders=(str(work),), log=str(folder / "log"))
    ended = one.run(Job(work, folder / "report", command=TRAIN, orders=orders))
    require(ended, "training", 0)
    one.warm(ended)
    weights: str = Run(work / "new").result()["weights_sha256"]
    return read_log(folder / "log"), weights


def _after(changes: list[Change], top: str) -> Disk:
    disk = Disk(top)
    for change in changes:
        disk.apply(change)
    return disk


def _write(state: State, work: Path) -> None:
    """Make the folder of a state."""
    shutil.rmtree(work)
    work.mkdir()
    for path, content in sorted(state.items()):
        if content is None:
            Path(path).mkdir()
        else:
            Path(path).write_bytes(content)


def verify_loads(run: Run) -> None:
    """Fail unless every file of a run that is there is whole.

    Raises:
        Broken: With the reader's message.
    """
    try:
        if not (run.folder / "recipe.json").exists():
            return  # the same command starts anew
        run.recipe()
        run.manifest()
        run.read_checkpoint()
        if (run.folder / "history.csv").exists():
            run.history()
        for path in (run.best_path, run.folder / "model.keras"):
            if path.exists() and read_seal(path) is None:
                raise Broken(f"{path.name} has no seal")
        if run.is_complete:
            run.check_model()
        run.calibration()
        for path in run.folder.glob("*.json"):
            json.loads(path.read_bytes())
    except (AnklebootError, ValueError) as error:
        raise Broken(f"unloadable: {error!r}") from error


def _verify_kept(disk: Disk, run: Run) -> None:
    """Fail if an epoch was flushed to the disk and is lost."""
    sure = disk.sure.get(str(run.checkpoint_path))
    if sure is None:
        return
    folder = run.folder.with_name("sure")
    folder.mkdir(exist_ok=True)
    (folder / run.checkpoint_path.name).write_bytes(sure.sure)
    flushed, found = Run(folder).read_checkpoint(), run.read_checkpoint()
    shutil.rmtree(folder)
    if flushed and (found is None or found[1]["epoch"] < flushed[1]["epoch"]):
        raise Broken(f"epoch {flushed[1]['epoch'] - 1} was flushed and is lost")


def _kind(state: State, work: Path) -> str:
    """Return the hash of all that resuming reads."""
    told = [
        (path, content and sha256_of(content))
        for path, content in sorted(state.items())
        if not TEMP_NAME.fullmatch(Path(path).name) and "tfevents" not in path
    ]
    return sha256_of(repr(told).replace(str(work), "").encode())


def _resume(one: Stage, run: Run, weights: str, folder: Path) -> None:
    """Continue a run, or start it anew if it had not begun, and compare its weights."""
    has_begun = (run.folder / "recipe.json").exists()
    command = ("train", "--resume", "new") if has_begun else TRAIN
    require(one.run(Job(folder / "work", folder / "report", command=command)), "resuming", 0)
    if run.result()["weights_sha256"] != weights:
        raise Broken("other weights than the unbroken training")
