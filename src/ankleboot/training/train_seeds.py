"""A recipe trained with several seeds: the mean and what chance adds to it."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ankleboot.core.errors import UsageError
from ankleboot.core.files import make_folder
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.silence import import_keras
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.evaluation.seed_runs import RESULT_FILE, SeedRuns, summarize_seeds
from ankleboot.models.backbones.packages import require_weights
from ankleboot.models.run_dir import locked, next_run_dir
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.callbacks import TrainingCallback
from ankleboot.training.run_set import RunSet, TrainAll

MAX_SEEDS = 1_000


def train_seeds(
    recipe: Recipe,
    data: Dataset | None = None,
    run_dir: AnyPath | None = None,
    *,
    seeds: int = 5,
    callbacks: Iterable[TrainingCallback] = (),
    train_all: TrainAll | None = None,
) -> SeedRuns:
    """Train a recipe with several seeds.

        result = ankleboot.train_seeds(ankleboot.get_recipe("sprint"), seeds=5)

    The folder has a run for each seed and `seeds.json`. A folder of the same recipe, data and seeds
    continues: finished runs are not trained again.

    Args:
        recipe: Recipe to train; its own seed is the first.
        data: Data set, loaded with `recipe.image_spec`; None for Fashion-MNIST.
        run_dir: Path to a new folder, or to one to continue; None for the next one in runs/.
        seeds: Number of seeds, from the recipe's own on.
        callbacks: Receivers of the events of every training.
        train_all: Function that trains the runs, such as a `ParallelTraining`; None to train one
            after the other in this process.

    Raises:
        ModelError: If the folder has runs of another recipe or other data, or is in use.
        UsageError: If the number of seeds is not valid, or `run_dir` has other content.
        Interrupted: On SIGINT or SIGTERM, after saving.
        Others: The errors of `train`.
    """
    if not 2 <= seeds <= MAX_SEEDS:
        raise UsageError(f"seeds: expected 2 to {MAX_SEEDS:,}, got {seeds}")
    if train_all is None:  # others may train on other machines
        require_weights(recipe)
    if data is None:
        data = load_data(image_spec=recipe.image_spec)
    if run_dir is None:
        run_dir = next_run_dir(Path("runs"), recipe, seeds=seeds)
    numbers = range(recipe.seed, recipe.seed + seeds)
    recipes = [replace(recipe, seed=seed) for seed in numbers]
    kind = f"the runs of seeds {numbers[0]} to {numbers[-1]}"
    runs = RunSet(expand(run_dir), kind, "seed", recipes, numbers, (RESULT_FILE,))
    data = runs.in_first_order(data)
    runs.refuse_content()
    import_keras()
    make_folder(runs.folder)
    with locked(runs.folder):
        runs.refuse_other_runs(data)
        finished = list(runs.train(data, tuple(callbacks), train_all))
        result = summarize_seeds(runs.folder, finished)
        result.write()
    return result
