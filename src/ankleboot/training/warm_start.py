"""Start from the weights of another run: more epochs, other data, more classes.

Every layer whose weights have the same shapes is taken, by its name. The last layer is new if the
classes are others. Optimizer, learning rates and epochs begin anew.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.data.fingerprints import fingerprints
from ankleboot.inference.admission import admit
from ankleboot.models.files.keras_file import load_network
from ankleboot.models.run import Run
from ankleboot.recipes.recipe import Recipe

HEAD = "logits"


def describe_parent(parent: Run, recipe: Recipe, data: Dataset) -> dict[str, Any]:
    """Return the manifest's entry about the parent run.

    Raises:
        ModelError: If the parent is not complete, or its model file is damaged.
        UsageError: If its network is of another architecture, or it learned validation images of
            the same data.
    """
    path = parent.check_model()
    if path.suffix != ".keras":
        raise UsageError(f"--from {parent.folder}: expected a run with a Keras model, got {path}")
    before = parent.recipe()
    if before.architecture != recipe.architecture:
        raise UsageError(
            f"--from {parent.folder}: its network is architecture={before.architecture}, the "
            f"recipe's is {recipe.architecture}; take a recipe of the same architecture"
        )
    if recipe.weights:
        raise UsageError(f"weights has no effect with --from: those of {parent.folder} are taken")
    refuse_learned_validation(f"--from {parent.folder}", parent, recipe, data)
    result = parent.result()
    return {
        "run": str(parent.folder.resolve()),
        "model_sha256": result["model_sha256"],
        "weights_sha256": result.get("weights_sha256", ""),
        "labels": list(parent.manifest().get("labels", data.class_names)),
        "known_validation_images": count_known(parent, recipe, data),
    }


def refuse_learned_validation(option: str, parent: Run, recipe: Recipe, data: Dataset) -> None:
    """Refuse another run as the source of a new one if it learned images that judge the new one.

    Args:
        option: How the user named the other run.
        parent: The other run.
        recipe: Recipe of the new run.
        data: Data set of the new run.

    Raises:
        UsageError: If it learned validation or held-out images of the same data.
    """
    if parent.manifest()["data"]["train_sha256"] != data.train_sha256:
        return
    rule = parent.recipe().split_rule
    learned, split = data.split(rule).train, data.split(recipe.split_rule)
    unseen = np.union1d(split.validation, split.held_out)
    if num_learned := len(np.intersect1d(learned, unseen)):
        kind = "validation and held-out" if recipe.folds else "validation"
        settings = f"--set split={rule.split} --set validation_fraction={rule.validation_fraction}"
        if rule.split != "last" or rule.folds:
            settings += f" --set split_seed={rule.split_seed}"
        if rule.folds:
            settings += f" --set folds={rule.folds} --set fold={rule.fold}"
        elif recipe.folds:
            settings += ", and leave folds out"
        raise UsageError(
            f"{option}: it learned {num_learned:,} of the "
            f"{len(unseen):,} {kind} images of this split; keep its split: {settings}"
        )


def count_known(source: Run, recipe: Recipe, data: Dataset) -> int:
    """Count the validation and held-out images of a new run that another one has learned.

    Args:
        source: The other run; what its own parents and teachers learned counts, too.
        recipe: Recipe of the new run.
        data: Data set of the new run.
    """
    same_images = source.recipe().image_spec == recipe.image_spec
    known = source.known_images()
    if not same_images or not len(known):
        return 0
    split = data.split(recipe.split_rule)
    unseen = np.union1d(split.validation, split.held_out)
    return int(np.isin(fingerprints(data.train.images, unseen), known).sum())


def load_parent(model: keras.Model, entry: dict[str, Any], class_names: Sequence[str]) -> str:
    """Copy the parent's weights into a new network; return a sentence about what was taken.

    Args:
        model: Network of the new run.
        entry: Result of `describe_parent`.
        class_names: Classes of the new run.

    Raises:
        ModelError: If the parent's model is gone or changed since, or no layer fits.
    """
    parent = Run(Path(entry["run"]))
    path = parent.check_model()
    if parent.result()["model_sha256"] != entry["model_sha256"]:
        raise ModelError(f"{path}: not the model that this run started from")
    admit(path)
    source = {layer.name: layer for layer in load_network(path).layers}
    same_classes = sorted(class_names) == sorted(entry["labels"])
    taken, new = [], []
    for layer in model.layers:
        if not layer.weights:
            continue
        if layer.name in source and (same_classes or layer.name != HEAD) and _fits(layer, source):
            weights = source[layer.name].get_weights()
            if layer.name == HEAD:  # the classes may be in another order
                columns = [entry["labels"].index(name) for name in class_names]
                weights = [values[..., columns] for values in weights]
            layer.set_weights(weights)
            taken.append(layer.name)
        else:
            new.append(layer.name)
    if not taken:
        raise ModelError(f"--from {parent.folder}: none of its layers fits this recipe's network")
    return _describe(parent, taken, new, entry, same_classes=same_classes)


def _fits(layer: Any, source: dict[str, Any]) -> bool:
    shapes = [tuple(weight.shape) for weight in layer.weights]
    return shapes == [tuple(weight.shape) for weight in source[layer.name].weights]


def _describe(
    parent: Run, taken: list[str], new: list[str], entry: dict[str, Any], *, same_classes: bool
) -> str:
    sentence = f"weights of {parent.folder}: {len(taken)} layers taken"
    if new:
        reason = "" if same_classes else ", as the classes are others"
        sentence += f", new are {', '.join(new)}{reason}"
    if num_known := entry["known_validation_images"]:
        sentence += f"; {known_sentence(num_known)}"
    return sentence


def known_sentence(num_known: int) -> str:
    """Tell that a parent or teacher has learned some of the validation images."""
    return (
        f"{num_known:,} validation images are known to it, so their accuracy flatters: judge the "
        "run on a test split or on new images"
    )
