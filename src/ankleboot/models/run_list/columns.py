"""Columns of a list of runs: what the files of a run folder say, one value each."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ankleboot.core.documents import read_document
from ankleboot.core.errors import AnklebootError, UsageError
from ankleboot.core.files import sha256_of
from ankleboot.core.text import unknown_name
from ankleboot.models.run import Run
from ankleboot.models.run_documents import EvaluationDocument, TestReadsDocument, VerdictDocument
from ankleboot.models.run_list.groups import group_key
from ankleboot.recipes.catalog import overrides_of
from ankleboot.recipes.recipe import OPTIONS, Recipe

Value = str | int | float | bool | None
Row = Mapping[str, Value]
"""Value of each column; None for what a run does not have."""

COMPLETE, NOT_COMPLETE, DAMAGED = "complete", "not complete", "damaged"
"""States of a run."""

OWN_COLUMNS: Mapping[str, str] = {
    "run": "folder of the run",
    "state": "complete, not complete or damaged",
    "created": "date and time of the start",
    "recipe": "name of the recipe",
    "changes": "fields of the recipe that --set changed",
    "group": "runs with the same one differ in seed and fold alone",
    "data": "name of the data set",
    "data_sha256": "hash of the training images and labels",
    "epochs_done": "trained epochs",
    "best_epoch": "epoch with the best validation metric",
    "model_epoch": "epoch whose weights are the result",
    "parameters": "number of parameters",
    "train_seconds": "seconds of training",
    "train_accuracy": "accuracy of the training images, a fraction",
    "train_loss": "cross-entropy of the training images",
    "validation_accuracy": "accuracy of the validation images, a fraction",
    "validation_loss": "cross-entropy of the validation images",
    "test_accuracy": "accuracy of the test images, if `evaluate --split test` has run",
    "test_reads": "number of evaluations on the test images",
    "temperature": "temperature of the calibration",
    "verdict": "diagnosis of over- and underfitting",
    "parent": "run that --from named",
    "teacher_run": "run that taught this one",
    "label_file": "hash of the label file",
    "arithmetic": "data type, backend and kernels",
    "cpu": "processor and its instructions",
    "cores": "cores that training could use",
    "git_commit": "commit of the working directory",
    "version": "version of this package",
    "model_sha256": "hash of the model file",
    "error": "why a run is damaged",
}
"""Meaning of the columns that are not fields of the recipe."""

COLUMNS = (*OWN_COLUMNS, *OPTIONS)

SOURCES = (
    *("recipe.json", "manifest.json", "result.json", "history.csv"),
    *("calibration.json", "verdict.json", "evaluation-test.json", "test_reads.json"),
)
"""Files of a run folder that the columns come from."""

OPTIONAL: Mapping[str, tuple[str, Any, str]] = {
    "verdict": ("verdict.json", VerdictDocument, "verdict"),
    "test_accuracy": ("evaluation-test.json", EvaluationDocument, "accuracy"),
    "test_reads": ("test_reads.json", TestReadsDocument, "test_reads"),
}
"""Columns of files that only some runs have: file, schema and key."""


def read_row(folder: Path) -> dict[str, Value]:
    """Read the columns of a run; files that are damaged leave theirs empty and are named."""
    row: dict[str, Value] = dict.fromkeys(COLUMNS) | {"run": str(folder), "state": NOT_COMPLETE}
    run = Run(folder)
    try:
        recipe, manifest = run.recipe(), run.manifest()
        row |= _of_recipe(recipe)
        row |= _of_manifest(manifest)
        row["group"] = sha256_of(group_key(replace(recipe, fold=1), manifest).encode())[:12]
        if run.is_complete:
            row |= _of_result(run) | {"state": COMPLETE}
        elif (folder / "history.csv").is_file():
            row |= _of_history(run)
        row |= _of_optional(folder)
    except AnklebootError as error:
        row |= {"state": DAMAGED, "error": str(error)}
    return row


def _of_recipe(recipe: Recipe) -> dict[str, Value]:
    fields = {key: value for key, value in recipe.to_json().items() if key in OPTIONS}
    return {**fields, "recipe": recipe.name, "changes": " ".join(overrides_of(recipe))}


def _of_manifest(manifest: Mapping[str, Any]) -> dict[str, Value]:
    hardware, versions = manifest.get("hardware", {}), manifest.get("versions", {})
    instructions = " ".join(hardware.get("cpu_flags", ()))
    return {
        "created": manifest.get("created"),
        "data": manifest["data"]["name"],
        "data_sha256": manifest["data"]["train_sha256"],
        "parent": manifest.get("parent", {}).get("run"),
        "teacher_run": manifest.get("teacher", {}).get("run"),
        "label_file": manifest.get("label_file", {}).get("sha256"),
        "arithmetic": manifest.get("arithmetic"),
        "cpu": f"{hardware['cpu']} ({instructions})" if "cpu" in hardware else None,
        "cores": hardware.get("usable_cores"),
        "git_commit": manifest.get("git_commit"),
        "version": versions.get("ankleboot"),
    }


def _of_result(run: Run) -> dict[str, Value]:
    result = run.result()
    names = ("parameters", "best_epoch", "model_epoch", "train_seconds", "model_sha256")
    row: dict[str, Value] = {name: result.get(name) for name in names}
    row["epochs_done"] = result.get("epochs")
    for part in ("train", "validation"):  # empty for an adopted model
        for metric in ("accuracy", "loss"):
            row[f"{part}_{metric}"] = result[part].get(metric)
    return row


def _of_history(run: Run) -> dict[str, Value]:
    """Return the figures of the last epoch of a run that is not complete."""
    history = run.history()
    if not history:
        return {"epochs_done": 0}
    last = history[-1]
    return {
        "epochs_done": last.epoch,
        "train_seconds": sum(record.seconds for record in history),
        "train_accuracy": last.train_accuracy,
        "train_loss": last.train_loss,
        "validation_accuracy": last.validation_accuracy,
        "validation_loss": last.validation_loss,
    }


def _of_optional(folder: Path) -> dict[str, Value]:
    """Return the figures of the files that only some runs have."""
    calibration = Run(folder).calibration()
    row: dict[str, Value] = {"temperature": calibration.temperature if calibration else None}
    for column, (name, schema, key) in OPTIONAL.items():
        path = folder / name
        row[column] = read_document(path, schema)[key] if path.exists() else None
    return row


def check_column(name: str) -> str:
    """Return the name of a column.

    Raises:
        UsageError: If there is none of this name.
    """
    if name not in COLUMNS:
        raise UsageError(unknown_name("column", name, COLUMNS))
    return name
