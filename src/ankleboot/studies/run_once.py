"""One run of a study, in a process of its own.

    python -m ankleboot.studies.run_once STUDY VARIANT SEED DATA full|quick

It prints the row of the run as JSON: recipe and measures.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ankleboot.core.errors import DivergedError
from ankleboot.core.subprocesses import peak_mib
from ankleboot.core.tensorflow_settings import use_backend
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.models.files.keras_file import load_network
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import PLAIN
from ankleboot.studies.measures.load import load_measure
from ankleboot.studies.pixel_transforms import transform_pixels
from ankleboot.studies.study import Job, get_study, list_jobs
from ankleboot.training.temporary_run import temporary_run

if TYPE_CHECKING:
    from ankleboot.studies.measures.trained_run import TrainedRun


def main(arguments: list[str]) -> None:
    """Make the run and print its row."""
    study, variant, seed, data_name, kind = arguments
    use_backend("tensorflow")
    data = load_data(data_name)
    num_train = len(data.split(PLAIN.split_rule).train)
    quick, seeds = kind == "quick", int(seed) + 1
    jobs = list_jobs(get_study(study), data_name, num_train, quick=quick, seeds=seeds)
    job = next(job for job in jobs if (job.variant.name, job.seed) == (variant, int(seed)))
    print(json.dumps(measure_run(job, data)))


def measure_run(job: Job, data: Dataset) -> dict[str, Any]:
    """Train the recipe of a job, measure the run and return its row.

    The row of a run that diverges has no measures.
    """
    row: dict[str, Any] = {
        "study": job.study,
        "variant": job.variant.name,
        "seed": job.seed,
        "pixels": job.variant.pixels,
        "recipe": job.recipe.to_json(),
        "diverged": False,
        "measures": {},
    }
    with temporary_run() as folder:
        try:
            trained = _train(job, transform_pixels(data, job.variant.pixels), folder)
        except DivergedError:
            return row | {"diverged": True}
        for name in job.measures:
            row["measures"] |= load_measure(name)(trained)
    return row | {"correct": row["measures"].pop("correct", None)}


def _train(job: Job, data: Dataset, folder: Path) -> "TrainedRun":
    from ankleboot.studies.measures.trained_run import TrainedRun
    from ankleboot.training.trainer import fit

    run = Run(catalog.FOLDERS[catalog.POCKET])
    is_own = run.manifest()["data"]["train_sha256"] == data.train_sha256
    seconds = peak = None
    if not (job.variant.shipped and is_own):
        run = fit(job.recipe, data, folder)
        seconds, peak = run.result()["train_seconds"], peak_mib()
    model = load_network(run.model_path)
    return TrainedRun(run.recipe(), data, model, run.history(), seconds, peak)


if __name__ == "__main__":
    main(sys.argv[1:])
