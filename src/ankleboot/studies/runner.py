"""Runner of a study: makes the missing runs by an executor, and stores each.

A stored run of the same `run_key` is reused; files of other keys are kept.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ankleboot.core import environment
from ankleboot.core.documents import read_document
from ankleboot.core.errors import DataError, EnvironmentFailure
from ankleboot.core.executors.executor import Executor, Task
from ankleboot.core.executors.local import LocalExecutor
from ankleboot.core.files import (
    exclusive_folder,
    make_folder,
    remove_temp_files,
    sha256_of,
    write_json,
)
from ankleboot.core.progress import RemainingTime
from ankleboot.core.subprocesses import machine_info
from ankleboot.core.text import counted
from ankleboot.data.dataset import Dataset
from ankleboot.recipes.catalog import PLAIN
from ankleboot.recipes.recipe import Recipe
from ankleboot.studies.measures.load import MEASURES_VERSION
from ankleboot.studies.results import summarize
from ankleboot.studies.study import Job, Row, RowDocument, Study, list_jobs


def run_study(
    study: Study,
    data: Dataset,
    output_dir: Path,
    *,
    data_name: str,
    quick: bool = False,
    seeds: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
    executor: Executor | None = None,
) -> dict[str, Any]:
    """Make the missing runs of a study, write study.json and return its content.

    Every run loads `data_name` again; `data` gives the split and the hash. `quick` runs a few
    variants once each, which claims nothing; None for `seeds` means those of the study. Without an
    executor one run at a time has all cores, as the seconds that studies measure need.

    Raises:
        EnvironmentFailure: If a run fails, after the others are made; or if the folder is in use
            or cannot be written.
        Interrupted: On a signal; the finished runs are kept.
    """
    folder = folder_of(study, output_dir, quick=quick)
    make_folder(folder / "runs")
    num_seeds = seeds or (1 if quick else study.seeds)
    num_train = len(data.split(PLAIN.split_rule).train)
    executor = executor or LocalExecutor()
    jobs = list_jobs(study, data_name, num_train, quick=quick, seeds=num_seeds)
    with exclusive_folder(folder):
        remove_temp_files(folder / "runs")
        paths = {
            job: folder / "runs" / f"{_file_stem(job, data, executor.cores)}.json" for job in jobs
        }
        missing = [job for job in jobs if _stored(paths[job]) is None]
        progress(estimate_line(study, len(jobs), len(missing), quick=quick))
        _make_runs({job: paths[job] for job in missing}, quick, progress, executor)
        rows = [row for job in jobs if (row := _stored(paths[job])) is not None]
        document = summarize(study, rows, is_quick=quick).to_json() | {
            "seeds": num_seeds,
            "data": {"name": data.name, "train_sha256": data.train_sha256},
            "train_images": sorted({job.recipe.train_size or num_train for job in jobs}),
            "seconds": round(sum(row["seconds"] for row in rows), 1),
            **machine_info(),
        }
        write_json(folder / "study.json", document)
    return document


def folder_of(study: Study, output_dir: Path, *, quick: bool) -> Path:
    """Return the folder of a study; a quick run has its own beside the full one."""
    return output_dir / (f"{study.name}-quick" if quick else study.name)


def _make_runs(
    paths: dict[Job, Path], quick: bool, progress: Callable[[str], None], executor: Executor
) -> None:
    tasks = {_task(job, quick): job for job in paths}
    remaining, failed = RemainingTime(len(tasks)), []
    for outcome in executor.run(list(tasks)):
        job = tasks[outcome.task]
        if outcome.document is None:
            failed.append(outcome)
            progress(f"{remaining.next()}  {outcome.task.name}: {outcome.error}")
            continue
        row = outcome.document | {"seconds": round(outcome.seconds, 2)}
        if outcome.failures:
            row["failures"] = list(outcome.failures)
        write_json(paths[job], row)
        accuracy = row["measures"].get("accuracy")
        result = "diverged" if accuracy is None else f"{100 * accuracy:.2f} %"
        progress(f"{remaining.next()}  {outcome.task.name}: {result}, {outcome.seconds:.0f} s")
    if failed:
        raise EnvironmentFailure(f"{failed[0].task.name}: {failed[0].error}")


def _task(job: Job, quick: bool) -> Task:
    """Return the task that makes a run with `studies.run_once`."""
    kind = "quick" if quick else "full"
    arguments = (job.study, job.variant.name, str(job.seed), job.data, kind)
    return Task(f"{job.variant.name}, seed {job.seed}", "ankleboot.studies.run_once", arguments)


def estimate_line(study: Study, num_runs: int, num_missing: int, *, quick: bool) -> str:
    """Return a line with the number of runs and their estimated minutes."""
    if not num_missing:
        return f"{study.name}: {counted(num_runs, 'run')}, there already"
    stored = "" if num_missing == num_runs else f", {num_runs - num_missing} of them there already"
    minutes = study.minutes * num_missing / study.num_runs
    time = "a few minutes" if quick else f"about {minutes:.1f} minutes on two cores"
    return f"{study.name}: {counted(num_runs, 'run')}{stored}; {time}"


def _file_stem(job: Job, data: Dataset, cores: int | None) -> str:
    key = run_key(job, data.train_sha256, cores)
    return f"{job.variant.name.replace(' ', '-')}-seed{job.seed}-{key}"


def run_key(job: Job, data_sha256: str, cores: int | None = None) -> str:
    """Return the key of everything that decides the numbers of a run.

    The threads are those of the run's process, the processor is that of this machine, also on a
    cluster.

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
        "cpu": environment.hardware() | _threads(cores),
        "numerics": environment.NUMERICS_VERSION,
        "measurements": MEASURES_VERSION,
    }
    return sha256_of(json.dumps(decisive, sort_keys=True).encode())[:12]


def _threads(cores: int | None) -> dict[str, str]:
    """Return the entries of `environment.hardware` in a process with so many threads."""
    entries = ("intra_op_threads", "inter_op_threads")
    return {} if cores is None else dict.fromkeys(entries, str(cores))


def _stored(path: Path) -> Row | None:
    """Read a stored run; None if it is missing or damaged, and to be made again."""
    if not path.exists():
        return None
    with suppress(DataError):
        return read_document(path, RowDocument, error=DataError)
    return None
