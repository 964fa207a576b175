"""Runner of a study: makes the missing runs, one after the other, and stores each.

A stored run of the same `run_key` is reused; files of other keys are kept.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from ankleboot.studies.measures.load import MEASURES_VERSION
from ankleboot.studies.results import summarize
from ankleboot.studies.study import Job, Row, Study, list_jobs

QUICK_MINUTES = 2

Execute = Callable[[Job, bool], Row]


def run_in_subprocess(job: Job, quick: bool) -> Row:
    """Make a run with `studies.run_once` in a process of its own."""
    kind = "quick" if quick else "full"
    return run_isolated(
        "ankleboot.studies.run_once", job.study, job.variant.name, str(job.seed), job.data, kind
    )


def run_study(
    study: Study,
    data: Dataset,
    output_dir: Path,
    *,
    data_name: str,
    quick: bool = False,
    seeds: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
    execute: Execute = run_in_subprocess,
) -> dict[str, Any]:
    """Make the missing runs of a study, write study.json and return its content.

    Every run loads `data_name` again; `data` gives the split and the hash. `quick` runs a few
    variants once each, which claims nothing; None for `seeds` means those of the study.

    Raises:
        EnvironmentFailure: If a run fails, or the folder is in use or cannot be written.
        Interrupted: On a signal; the finished runs are kept.
    """
    folder = folder_of(study, output_dir, quick=quick)
    make_folder(folder / "runs")
    num_seeds = seeds or (1 if quick else study.seeds)
    num_train = len(data.split(PLAIN.split_rule).train)
    jobs = list_jobs(study, data_name, num_train, quick=quick, seeds=num_seeds)
    with _exclusive(folder):
        remove_temp_files(folder / "runs")
        paths = {job: folder / "runs" / f"{_file_stem(job, data)}.json" for job in jobs}
        missing = [job for job in jobs if _stored(paths[job]) is None]
        progress(estimate_line(study, len(jobs), len(missing), quick=quick))
        _make_runs({job: paths[job] for job in missing}, quick, progress, execute)
        rows = [row for job in jobs if (row := _stored(paths[job])) is not None]
        document = summarize(study, rows, is_quick=quick).to_json() | {
            "seeds": num_seeds,
            "data": {"name": data.name, "train_sha256": data.train_sha256},
            "seconds": round(sum(row["seconds"] for row in rows), 1),
            **machine_info(),
        }
        write_json(folder / "study.json", document)
    return document


def folder_of(study: Study, output_dir: Path, *, quick: bool) -> Path:
    """Return the folder of a study; a quick run has its own beside the full one."""
    return output_dir / (f"{study.name}-quick" if quick else study.name)


@contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """Lock the folder, so that two processes do not make the same runs."""
    try:
        with file_lock(folder / ".lock", wait=False):
            yield
    except filelock.Timeout as error:
        raise EnvironmentFailure(f"{folder}: another process works there") from error


def _make_runs(
    paths: dict[Job, Path], quick: bool, progress: Callable[[str], None], execute: Execute
) -> None:
    jobs = list(paths)
    durations: dict[str, float] = {}
    for number, job in enumerate(jobs, 1):
        started = time.perf_counter()
        row = dict(execute(job, quick))
        seconds = time.perf_counter() - started
        write_json(paths[job], row | {"seconds": round(seconds, 2)})
        durations[job.variant.name] = seconds
        remaining = sum(durations.get(later.variant.name, seconds) for later in jobs[number:])
        accuracy = row["measures"].get("accuracy")
        result = "diverged" if accuracy is None else f"{100 * accuracy:.2f} %"
        progress(
            f"{number}/{len(jobs)}  {job.variant.name}, seed {job.seed}: {result}, "
            f"{seconds:.0f} s; about {remaining / 60:.1f} min left"
        )


def estimate_line(study: Study, num_runs: int, num_missing: int, *, quick: bool) -> str:
    """Return a line with the number of runs and their estimated minutes."""
    minutes = QUICK_MINUTES if quick else study.minutes
    stored = "" if num_missing == num_runs else f", {num_runs - num_missing} of them there already"
    bound = "at most" if quick else "about"
    share = minutes * num_missing / (num_runs if quick else study.num_runs)
    return f"{study.name}: {num_runs} runs{stored}; {bound} {share:.1f} minutes on two cores"


def _file_stem(job: Job, data: Dataset) -> str:
    return f"{job.variant.name.replace(' ', '-')}-seed{job.seed}-{run_key(job, data.train_sha256)}"


def run_key(job: Job, data_sha256: str) -> str:
    """Return the key of everything that decides the numbers of a run.

    Neither a new recipe field nor a new version of this package changes the key: a field at its
    default decides nothing new, and `NUMERICS_VERSION` and `MEASURES_VERSION`, which rise when a
    change of this package alters the results of a run, stand for the code.
    """
    defaults = Recipe(name="").to_json()
    recipe = job.recipe.to_json() | {"name": ""}
    decisive = {
        "recipe": {key: value for key, value in recipe.items() if value != defaults[key]},
        "pixels": job.variant.pixels,
        "shipped": job.variant.shipped,
        "measures": job.measures,
        "data": data_sha256,
        "versions": {k: v for k, v in environment.versions().items() if k != "ankleboot"},
        "cpu": environment.hardware(),
        "numerics": environment.NUMERICS_VERSION,
        "measurements": MEASURES_VERSION,
    }
    return sha256_of(json.dumps(decisive, sort_keys=True).encode())[:12]


def _stored(path: Path) -> Row | None:
    """Read a stored run; None if it is missing or damaged."""
    try:
        row: Row = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return row
