"""Second look at the best trial of a search: other seeds, beside the recipe it started from."""

from collections.abc import Callable
from dataclasses import replace

from ankleboot.core.executors.executor import Executor
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.seed_runs import SeedRuns
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.parallel import ParallelTraining
from ankleboot.training.train_seeds import train_seeds
from ankleboot.training.tuning.search import Search
from ankleboot.training.tuning.summary import Confirmation, conclude
from ankleboot.training.tuning.trials import Trial, recipe_key

FIRST_SEED = 1_000
"""First seed of the second look; the search itself used the recipe's own."""


def confirm_best(
    search: Search,
    best: Trial,
    data: Dataset,
    executor: Executor,
    seeds: int,
    progress: Callable[[str], None],
) -> Confirmation:
    """Train the best trial's recipe and the searched one with other seeds, and compare them.

    Finished runs of an earlier call are kept.

    Raises:
        Others: The errors of `train_seeds`.
    """
    train_all = ParallelTraining(executor, search.request, progress)

    def train(recipe: Recipe) -> SeedRuns:
        folder = search.folder / "confirm" / recipe_key(recipe)
        progress(f"again with {seeds} seeds: {folder}")
        fresh = replace(recipe, seed=search.settings.seed + FIRST_SEED)
        return train_seeds(fresh, data, folder, seeds=seeds, train_all=train_all)

    return conclude(best, train(best.recipe), train(search.settings.recipe))
