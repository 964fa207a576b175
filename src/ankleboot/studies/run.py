"""One run of a study, in a process of its own.

    python -m ankleboot.studies.run STUDY VARIANT SEED DATA full|quick

Prints the run's row: recipe, figures, and what the study measures.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from ankleboot import pretrained
from ankleboot.bench.process import peak_mib
from ankleboot.data import Dataset, load
from ankleboot.errors import DivergedError
from ankleboot.runs import Run
from ankleboot.studies import find
from ankleboot.studies.study import Job, jobs
from ankleboot.studies.treatments import treated


def main(arguments: list[str]) -> None:
    """Make the run and print its row."""
    study, variant, seed, data_name, kind = arguments
    os.environ["KERAS_BACKEND"] = "tensorflow"
    data = load(data_name)
    every = jobs(
        find(study), data_name, num_train(data), quick=kind == "quick", seeds=int(seed) + 1
    )
    job = next(one for one in every if (one.variant.name, one.seed) == (variant, int(seed)))
    print(json.dumps(measured(job, data)))


def num_train(data: Dataset) -> int:
    """Images that the default split leaves for training."""
    from ankleboot.recipes import PLAIN

    return len(data.split(PLAIN).train)


def measured(job: Job, data: Dataset) -> dict[str, Any]:
    """Train the job's recipe, measure, and return the row: what is stored of a run.

    A run that diverges has no measures; that is a result too.
    """
    from ankleboot.studies.measures import measure
    from ankleboot.studies.measures.answers import RIGHT

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
            trained = _trained(job, treated(data, job.variant.pixels), Path(folder) / "run")
        except DivergedError:
            return row | {"diverged": True}
        for name in job.measures:
            row["measures"] |= measure(name)(trained)
    return row | {"answers": row["measures"].pop(RIGHT, None)}


def _trained(job: Job, data: Dataset, folder: Path) -> Any:
    import keras

    from ankleboot.studies.measures.trained import Trained
    from ankleboot.training import train

    run = Run(pretrained.FOLDER)
    is_own = run.manifest()["data"]["train_sha256"] == data.train_sha256
    seconds = peak = None
    if not (job.variant.shipped and is_own):
        run = train(job.recipe, data, folder)
        seconds, peak = run.result()["train_seconds"], peak_mib()
    model = keras.models.load_model(run.model_path, compile=False)
    return Trained(run.recipe(), data, model, run.history(), seconds, peak)


if __name__ == "__main__":
    main(sys.argv[1:])
