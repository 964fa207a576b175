"""Distillation: a student learns a teacher's predictions along with the labels.

Source: Hinton et al. 2015, https://arxiv.org/abs/1503.02531
"""

from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.core.types import Indices, Probs
from ankleboot.data.augmentation import mirror_images
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.prediction_cache import cached_predictions
from ankleboot.inference.load import resolve_model
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.warm_start import count_known, known_sentence, refuse_learned_validation


def describe_teacher(recipe: Recipe, data: Dataset) -> dict[str, Any]:
    """Return the manifest's entry about the teacher.

    Raises:
        ModelError: If the teacher is not complete, or its model file is damaged.
        UsageError: If it takes other images, has other classes, or learned validation images.
    """
    run = resolve_model(recipe.teacher).run
    if run is None or run.metadata().adopted:
        raise UsageError(
            f"teacher={recipe.teacher}: expected a run whose training images are known"
        )
    run.check_model()
    trained = run.recipe()
    if trained.image_spec != recipe.image_spec:
        raise UsageError(
            f"teacher={recipe.teacher}: it takes {trained.image_spec} pixels, the recipe "
            f"{recipe.image_spec}"
        )
    labels = run.manifest().get("labels", data.class_names)
    if sorted(labels) != sorted(data.class_names):
        raise UsageError(
            f"teacher={recipe.teacher}: its classes ({', '.join(labels)}) are not those of "
            f"{data.name}; set another teacher, or none (--set teacher=)"
        )
    refuse_learned_validation(f"teacher={recipe.teacher}", run, recipe, data)
    same_data = run.manifest()["data"]["train_sha256"] == data.train_sha256
    has_list = len(run.known_images()) > 0
    return {
        "run": str(run.folder.resolve()),
        "model_sha256": run.result()["model_sha256"],
        "known_validation_images": (
            count_known(run, recipe, data) if same_data or has_list else None
        ),
    }


def describe_known(manifest: dict[str, Any]) -> list[str]:
    """Tell how many validation images a run's teacher learned with other data, if any."""
    if "teacher" not in manifest:
        return []
    entry = manifest["teacher"]
    num_known = entry.get("known_validation_images", 0)
    if num_known is None:
        return [
            f"teacher {entry['run']}: trained on other data without a list of its images; if "
            "validation images are among them, their accuracy flatters"
        ]
    return [f"teacher {entry['run']}: {known_sentence(num_known)}"] if num_known else []


def teacher_probs(recipe: Recipe, entry: dict[str, Any], data: Dataset, rows: Indices) -> Probs:
    """Return the teacher's probabilities for training images, cached in its run folder.

    Where the student sees mirrored images, they are the mean of both views.

    Args:
        recipe: Recipe of the student.
        entry: Result of `describe_teacher` when the run was started.
        data: Data set of the student.
        rows: Indices of the training images.

    Raises:
        ModelError: If the teacher is gone or not the one that the run was started with.
    """
    model = resolve_model(Path(entry["run"]))
    if model.run is None or model.run.result()["model_sha256"] != entry["model_sha256"]:
        raise ModelError(f"{entry['run']}: not the teacher that this run started with")
    images = data.train.images[rows]
    probs = cached_predictions(model, images, "training")
    if recipe.flip:
        mirrored = cached_predictions(model, mirror_images(images), "training-mirrored")
        probs = (probs + mirrored) / 2
    order = [model.predictor.info.labels.index(name) for name in data.class_names]
    return np.asarray(probs[:, order], np.float32)
