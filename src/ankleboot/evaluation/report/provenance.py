"""Provenance of a run: its manifest, its recipe, and the commands that make it again."""

import shlex
from typing import Any

from ankleboot.core.documents import read_document
from ankleboot.core.splits import EVALUATION_FILES
from ankleboot.models.run import Run
from ankleboot.models.run_documents import EvaluationDocument
from ankleboot.recipes.catalog import command_of


def build_provenance(run: Run) -> dict[str, Any]:
    """Return commands, recipe, manifest, result, and the stored result of the test split."""
    adopted = run.manifest().get("adopted")
    return {
        "commands": _commands(run),
        "recipe": _flat(adopted) if adopted else run.recipe().to_json(),
        "manifest": _manifest(run),
        "result": run.result(),
        "test": _test_result(run),
    }


def _flat(adopted: dict[str, Any]) -> dict[str, Any]:
    """Return what was found about an adopted model, without the table of candidates."""
    others = {key: adopted[key] for key in adopted if key not in ("convention", "trials")}
    return {**others, **adopted["convention"]}


def _commands(run: Run) -> str:
    """Return the commands that reproduce the run and its report."""
    if adopted := run.manifest().get("adopted"):
        file, scaling = map(shlex.quote, (adopted["file"], adopted["convention"]["scaling"]))
        command = f"ankleboot adopt {file} --input {scaling} --run-dir RUN"
        return f"{command}\nankleboot report RUN"
    recipe, data = run.recipe(), shlex.quote(run.manifest()["data"]["name"])
    command = f"{command_of(recipe)} --seed {recipe.seed} --data {data} --run-dir RUN"
    return f"{command}\nankleboot report RUN --data {data}"


def _manifest(run: Run) -> dict[str, Any]:
    manifest = run.manifest()
    data, split, hardware = (manifest[key] for key in ("data", "split", "hardware"))
    return {
        "data": f"{data['name']}, sha256 {data['train_sha256'][:16]}...",
        "split": f"{split['num_train']:,} training and {split['num_validation']:,} validation "
        f"images, sha256 {split['sha256'][:16]}...",
        "hardware": f"{hardware['cores']} cores, {hardware['cpu']} ({hardware['machine']})",
        "arithmetic": manifest.get("arithmetic", ""),
        "versions": ", ".join(f"{k} {v}" for k, v in manifest["versions"].items()),
        "commit": manifest.get("git_commit") or "unknown",
        "created": manifest.get("created", ""),
        "model sha256": run.result()["model_sha256"],
    }


def _test_result(run: Run) -> dict[str, Any] | None:
    """Return the stored result of `evaluate --split test`, if there is one."""
    path = run.folder / EVALUATION_FILES["test"]
    if not path.exists():
        return None
    document = read_document(path, EvaluationDocument)
    return {"accuracy": document["accuracy"], "accuracy_ci95": document["accuracy_ci95"]}
