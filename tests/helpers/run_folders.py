"""Run folders without training: the files that a list of runs reads."""

from pathlib import Path
from typing import Any

from ankleboot.core.files import make_folder, write_json
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.history import EpochRecord
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import get_recipe

MANIFEST = {
    "format": 1,
    "split": {"sha256": "0" * 64, "num_train": 480, "num_validation": 160},
    "data": {"name": "bars", "train_sha256": "0" * 64},
    "data_source": "made by the tests",
    "created": "2026-11-29T10:00:00+0000",
    "arithmetic": "float32 on tensorflow",
    "hardware": {"cpu": "a processor", "cpu_flags": ["avx2"], "usable_cores": 2},
    "versions": {"ankleboot": "0.1"},
}
"""Manifest of a run that never trained."""

CALIBRATION = Calibration(
    temperature=1.5,
    abstain_below=0.6,
    precision_wanted=0.95,
    precision=0.96,
    coverage=0.8,
    num_examples=160,
    loss=(0.4, 0.3),
    ece=(0.1, 0.05),
)
"""Calibration of a run that never predicted; it differs from none in every field."""


def write_run(
    folder: Path,
    recipe: str = "sprint",
    *,
    accuracy: float | None = 0.9,
    manifest: dict[str, Any] | None = None,
    **changes: Any,
) -> Run:
    """Write a run folder; it is not complete without an accuracy."""
    make_folder(folder)
    run = Run(folder)
    run.start(get_recipe(recipe, **changes), {**MANIFEST, **(manifest or {})})
    run.write_history((EpochRecord(1, 0.5, 0.8, 0.6, 0.7, 1e-3, 2.5),))
    if accuracy is not None:
        write_json(
            folder / "result.json",
            {"recipe": recipe, "seed": run.recipe().seed, "data": "bars", "epochs": 2}
            | {"parameters": 1_000, "best_epoch": 1, "model_epoch": 2, "train_seconds": 5.0}
            | {"model_sha256": "a" * 64, "train": {"accuracy": 0.95, "loss": 0.1}}
            | {"validation": {"accuracy": accuracy, "loss": 0.3}},
        )
    return run
