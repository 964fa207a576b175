"""One run of a study, in a process of its own.

    python -m ankleboot.studies.run_once STUDY VARIANT SEED DATA full|quick

Prints the run's row: recipe, figures, and what the study measures.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from ankleboot.core.errors import DivergedError
from ankleboot.core.subprocesses import peak_mib
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import Run
from ankleboot.studies.catalog import get_study
from ankleboot.studies.pixel_transforms import transform_pixels
from ankleboot.studies.study import Job, jobs


def main(arguments: list[str]) -> None:
    """Make the run and print its row."""
    study, variant, seed, data_name, kind = arguments
    os.environ["KERAS_BACKEND"] = "tensorflow"
    data = load_data(data_name)
    every = jobs(
        get_study(study), data_name, num_train(data), quick=kind == "quick", seeds=int(seed) + 1
    )
    job = next(one for one in every if (one.variant.name, one.seed) == (variant, int(seed)))
    print(json.dumps(measured(job, data)))


def num_train(data: Dataset) -> int:
    """Images that the default split leaves for training."""
    from ankleboot.recipes.catalog import PLAIN

    return len(data.split(PLAIN).train)


def measured(job: Job, data: Dataset) -> dict[str, Any]:
    """Train the job's recipe, measure, and return the row: what is stored of a run.

    A run that diverges has no measures; that is a result too.
    """
    from ankleboot.studies.measures.accuracy import RIGHT
    from ankleboot.studies.measures.catalog import measure

    row: dict[str, Any] = {
        "study": job.study,
        "variant": job.variant.name,
        "seed": job.seed,
        "pixels": job.variant.pixels,
        "recipe": job.recipe.to_json(),
        "diverged": False,
        "measures": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        try:
            trained = _trained(
                job, transform_pixels(data, job.variant.pixels), Path(folder) / "run"
            )
        except DivergedError:
            return row | {"diverged": True}
        for name in job.measures:
            row["measures"] |= measure(name)(trained)
    return row | {"answers": row["measures"].pop(RIGHT, None)}


def _trained(job: Job, data: Dataset, folder: Path) -> Any:
    import keras

    from ankleboot.studies.measures.trained_run import TrainedRun
    from ankleboot.training.trainer import train

    run = Run(catalog.FOLDER)
    is_own = run.manifest()["data"]["train_sha256"] == data.train_sha256
    seconds = peak = None
    if not (job.variant.shipped and is_own):
        run = train(job.recipe, data, folder)
        seconds, peak = run.result()["train_seconds"], peak_mib()
    model = keras.models.load_model(run.model_path, compile=False)
    return TrainedRun(run.recipe(), data, model, run.history(), seconds, peak)


if __name__ == "__main__":
    main(sys.argv[1:])
