"""Cross-validation: a run for each fold, which judges the images of that fold alone.

A fold's run divides the other folds by the split rule of the recipe into images to learn and
validation images, which serve every choice: the epoch, the temperature, the threshold. Its own
images are new to all of that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.files import make_folder
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.silence import import_keras
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.data.splits import Split
from ankleboot.evaluation.cross_validation import (
    PREDICTION_FILE,
    RESULT_FILE,
    CrossValidation,
    OutOfFold,
    summarize_folds,
)
from ankleboot.evaluation.prediction_cache import cached_predictions
from ankleboot.inference.load import resolve_model
from ankleboot.models.backbones.packages import require_weights
from ankleboot.models.run import Run
from ankleboot.models.run_dir import locked, next_run_dir
from ankleboot.recipes.recipe import Recipe
from ankleboot.recipes.split_rule import MAX_FOLDS, MIN_FOLDS
from ankleboot.training.callbacks import TrainingCallback
from ankleboot.training.run_set import RunSet, TrainAll

NUM_FOLDS = 5


def cross_validate(
    recipe: Recipe,
    data: Dataset | None = None,
    run_dir: AnyPath | None = None,
    *,
    folds: int = NUM_FOLDS,
    callbacks: Iterable[TrainingCallback] = (),
    train_all: TrainAll | None = None,
) -> CrossValidation:
    """Train a recipe once for each fold of the training images, and judge every image once.

        result = ankleboot.cross_validate(ankleboot.get_recipe("sprint"), folds=5)

    The folder has a run for each fold, `cross_validation.json` and `predictions.csv`. A folder of
    the same recipe, data and folds continues: finished folds are not trained again.

    Args:
        recipe: Recipe to train; its own `folds` is 0 or the number below.
        data: Data set, loaded with `recipe.image_spec`; None for Fashion-MNIST. Its test split is
            not touched, and its own validation split is dealt out with the training images.
        run_dir: Path to a new folder, or to one to continue; None for the next one in runs/.
        folds: Number of folds; images of one group, and equal ones, are in one fold.
        callbacks: Receivers of the events of every training.
        train_all: Function that trains the folds, such as a `ParallelTraining`; None to train one
            after the other in this process.

    Raises:
        DataError: If there are fewer images of a class, or fewer groups, than folds.
        ModelError: If the folder has runs of another recipe or other data, or is in use.
        UsageError: If the number of folds is not valid, or `run_dir` has other content.
        Interrupted: On SIGINT or SIGTERM, after saving.
        Others: The errors of `train`.
    """
    if not MIN_FOLDS <= folds <= MAX_FOLDS:
        raise UsageError(f"folds: expected {MIN_FOLDS} to {MAX_FOLDS:,}, got {folds}")
    if recipe.folds not in (0, folds):
        raise UsageError(f"the recipe has folds={recipe.folds}; expected 0 or {folds}")
    if train_all is None:  # others may train on other machines
        require_weights(recipe)
    if data is None:
        data = load_data(image_spec=recipe.image_spec)
    if run_dir is None:
        run_dir = next_run_dir(Path("runs"), recipe, folds=folds)
    recipes = [replace(recipe, folds=folds, fold=number) for number in range(1, folds + 1)]
    kind, files = f"a cross-validation of {folds} folds", (RESULT_FILE, PREDICTION_FILE)
    runs = RunSet(expand(run_dir), kind, "fold", recipes, range(1, folds + 1), files)
    data = runs.in_first_order(data)
    _refuse_few_images(data, folds)
    splits = [data.split(each.split_rule) for each in recipes]
    runs.refuse_content()
    import_keras()
    callbacks, notes = tuple(callbacks), _notes(data, splits)
    for callback in callbacks:
        for note in notes:
            callback.on_message(note)
    notes = (*data.split_notes(recipes[0].split_rule), *notes)  # which every training shows
    make_folder(runs.folder)
    with locked(runs.folder):
        runs.refuse_other_runs(data)
        predictions = _predict_folds(runs.train(data, callbacks, train_all), data, splits)
        result = summarize_folds(predictions, data, recipe, runs.run_dirs, notes)
        result.write(predictions, data)
    return result


def _refuse_few_images(data: Dataset, folds: int) -> None:
    """Refuse classes that cannot be in every fold."""
    usable = _usable(data)
    counts = np.bincount(data.train.labels[usable], minlength=len(data.class_names))
    rarest = int(counts.argmin())
    if counts[rarest] < folds:
        raise DataError(
            f"{data.name}: {counts[rarest]:,} training images of {data.class_names[rarest]} are "
            f"too few for {folds} folds; expected {folds} or more of every class"
        )
    if data.groups is not None and data.num_named_groups:
        num_groups = len(np.unique(data.groups[usable]))
        if num_groups < folds:
            raise DataError(
                f"{data.name}: {num_groups:,} groups are too few for {folds} folds; expected "
                f"{folds} or more, counting an image without a group as one"
            )


def _usable(data: Dataset) -> np.ndarray:
    """Return whether each training image is usable, as all are without a label file."""
    usable = np.ones(len(data.train), bool)
    if data.label_changes is not None:
        usable[data.label_changes.unusable] = False
    return usable


def _notes(data: Dataset, splits: list[Split]) -> tuple[str, ...]:
    """Name the classes that the model of a fold cannot predict."""
    notes = []
    for number, split in enumerate(splits, 1):
        learned, held_out = (
            set(data.train.labels[rows].tolist()) for rows in (split.train, split.held_out)
        )
        if missing := [data.class_names[label] for label in sorted(held_out - learned)]:
            notes.append(
                f"fold {number} holds out all that could be learned of {', '.join(missing)}, which "
                "the model of this fold cannot predict"
            )
    return tuple(notes)


def _predict_folds(runs: Iterable[Run], data: Dataset, splits: Sequence[Split]) -> OutOfFold:
    """Predict the images that each run holds out."""
    probs = np.zeros((len(data.train), len(data.class_names)), np.float32)
    folds = np.zeros(len(data.train), np.int64)
    for run, split in zip(runs, splits, strict=True):
        images = data.train.take(split.held_out).images
        probs[split.held_out] = cached_predictions(resolve_model(run), images, "held-out")
        folds[split.held_out] = run.recipe().fold
    rows = np.flatnonzero(_usable(data))
    if not np.array_equal(rows, np.sort(np.concatenate([split.held_out for split in splits]))):
        raise RuntimeError("the folds do not hold every usable image out once")
    return OutOfFold(rows, probs[rows], folds[rows])
