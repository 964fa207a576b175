"""Make the runs that a study lacks, one after the other, and store each.

    document = run_study(find("pooling"), data, Path("runs/studies"), say=print)

A stored run is known by the key of everything that decides its numbers: the recipe's fields that
differ from their defaults, measures, data, versions of the numerical libraries, processor, and two
version numbers that rise when a change of this package alters what a run gives. A stored run of the
same key is not repeated; files of other keys are left alone.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import filelock

from ankleboot.core import environment
from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.files import file_lock, make_folder, remove_temp_files, sha256_of, write_json
from ankleboot.core.subprocesses import machine_info, run_isolated
from ankleboot.data.dataset import Dataset
from ankleboot.recipes.catalog import PLAIN
from ankleboot.recipes.recipe import Recipe
from ankleboot.studies import results
from ankleboot.studies.measures.catalog import MEASURES_VERSION
from ankleboot.studies.study import Job, Row, Study, jobs

QUICK_MINUTES = 2

Say = Callable[[str], None]
Execute = Callable[[Job, bool], Row]


def run_in_subprocess(job: Job, quick: bool) -> Row:
    """Make a run by `studies.run`."""
    kind = "quick" if quick else "full"
    return run_isolated(
        "ankleboot.studies.run_once", job.study, job.variant.name, str(job.seed), job.data, kind
    )


def run_study(
    study: Study,
    data: Dataset,
    out: Path,
    *,
    data_name: str,
    quick: bool = False,
    seeds: int | None = None,
    say: Say = lambda _: None,
    execute: Execute = run_in_subprocess,
) -> dict[str, Any]:
    """Run what is missing of a study and return the document that study.json holds.

    Args:
        study: Which.
        data: Its data, for the split and the hash; every run loads them again.
        out: The folder; every study has one in it.
        data_name: What `load` takes for the data.
        quick: Few variants, one run each: shows how it goes and claims nothing.
        seeds: Runs of each variant; the study's own number by default.
        say: Called with a line of progress.
        execute: Makes a run.

    Raises:
        EnvironmentFailure: If a run fails, the folder cannot be written or is in use.
        StoppedBySignal: On a signal; the runs made so far are kept.
    """
    folder = folder_of(study, out, quick=quick)
    make_folder(folder / "runs")
    num = seeds or (1 if quick else study.seeds)
    num_train = len(data.split(PLAIN).train)
    wanted = jobs(study, data_name, num_train, quick=quick, seeds=num)
    with _exclusive(folder):
        remove_temp_files(folder / "runs")
        rows = _rows(wanted, data, folder, quick, say, execute, study)
        found = results.summarise(study, rows, is_quick=quick)
        document = found.to_json() | {
            "seeds": num,
            "data": {"name": data.name, "train_sha256": data.train_sha256},
            "seconds": round(sum(row["seconds"] for row in rows), 1),
            **machine_info(),
        }
        write_json(folder / "study.json", document)
    return document


def folder_of(study: Study, out: Path, *, quick: bool) -> Path:
    """Where a study's files go; a quick look does not replace the answer of the full one."""
    return out / (f"{study.name}-quick" if quick else study.name)


@contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """Hold the folder: two processes would make every run twice."""
    with ExitStack() as stack:
        try:
            stack.enter_context(file_lock(folder / ".lock", wait=False))
        except filelock.Timeout as error:
            raise EnvironmentFailure(f"{folder}: another process works there") from error
        yield


def _rows(
    wanted: list[Job],
    data: Dataset,
    folder: Path,
    quick: bool,
    say: Say,
    execute: Execute,
    study: Study,
) -> list[Row]:
    paths = {job: folder / "runs" / f"{_name(job, data)}.json" for job in wanted}
    missing = [job for job in wanted if _stored(paths[job]) is None]
    say(estimate(study, len(wanted), len(missing), quick=quick))
    taken: dict[str, float] = {}
    for number, job in enumerate(missing):
        started = time.perf_counter()
        row = dict(execute(job, quick))
        seconds = time.perf_counter() - started
        write_json(paths[job], row | {"seconds": round(seconds, 2)})
        taken[job.variant.name] = seconds
        left = sum(taken.get(one.variant.name, seconds) for one in missing[number + 1 :])
        accuracy = row["measures"].get("accuracy")
        result = "diverged" if accuracy is None else f"{100 * accuracy:.2f} %"
        say(
            f"{number + 1}/{len(missing)}  {job.variant.name}, seed {job.seed}: {result}, "
            f"{seconds:.0f} s; about {left / 60:.1f} min left"
        )
    stored = [_stored(paths[job]) for job in wanted]
    return [row for row in stored if row is not None]


def estimate(study: Study, num: int, num_missing: int, *, quick: bool) -> str:
    """What is about to happen, and how long it takes."""
    minutes = QUICK_MINUTES if quick else study.minutes
    there = "" if num_missing == num else f", {num - num_missing} of them there already"
    most = "at most" if quick else "about"
    share = minutes * num_missing / (num if quick else study.num_runs)
    return f"{study.name}: {num} runs{there}; {most} {share:.1f} minutes on two cores"


def _name(job: Job, data: Dataset) -> str:
    return f"{job.variant.name.replace(' ', '-')}-seed{job.seed}-{run_key(job, data.train_sha256)}"


def run_key(job: Job, data_sha256: str) -> str:
    """Return the key of everything that decides the numbers of a run.

    Neither a new recipe field nor a new version of this package changes the key: a field at its
    default decides nothing new, and `NUMERICS_VERSION` and `MEASURES_VERSION` stand for the code.
    """
    usual = Recipe(name="").to_json()
    fields = {key: value for key, value in job.recipe.to_json().items() if value != usual[key]}
    versions = environment.versions()
    decisive = {
        "recipe": {key: value for key, value in fields.items() if key != "name"},
        "pixels": job.variant.pixels,
        "shipped": job.variant.shipped,
        "measures": job.measures,
        "data": data_sha256,
        "versions": {name: versions[name] for name in versions if name != "ankleboot"},
        "cpu": environment.hardware(),
        "numerics": environment.NUMERICS_VERSION,
        "measurements": MEASURES_VERSION,
    }
    return sha256_of(json.dumps(decisive, sort_keys=True).encode())[:12]


def _stored(path: Path) -> Row | None:
    try:
        row: Row = json.loads(path.read_text())
    except (OSError, ValueError):  # not there, or damaged: it is made again
        return None
    return row
