"""`ankleboot train`: train a recipe, or continue a run."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ankleboot.cli import options
from ankleboot.cli.executor_options import ExecutorOptions, executor_option
from ankleboot.cli.groups import DataCommand
from ankleboot.cli.plugin_name import PluginName
from ankleboot.cli.train_several import SeveralTrainings, refuse_beside_several
from ankleboot.core.errors import ModelError, UsageError

if TYPE_CHECKING:
    from ankleboot.data.dataset import Dataset
    from ankleboot.models.run import Run
    from ankleboot.recipes.recipe import Recipe


@click.command(cls=DataCommand)
@click.argument("recipe_name", metavar="[RECIPE]", required=False)
@options.data_option
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Value for a field of the recipe."
)
@click.option("--seed", type=int, help="Seed of the run; short for --set seed=N.")
@click.option(
    "--run-dir",
    type=options.PATH,
    help="New folder for the run; with --folds and --seeds also one to continue. [default: "
    "runs/RECIPE-seedN-NNN, runs/RECIPE-seedN-foldsK-NNN, runs/RECIPE-seedsNtoM-NNN]",
)
@click.option(
    "--resume", "resume_dir", metavar="RUN", type=options.PATH, help="Run folder to continue."
)
@click.option(
    "--from",
    "parent_dir",
    metavar="RUN",
    type=options.PATH,
    help="Complete run to start from; without RECIPE its recipe, without --data its data. Layers "
    "of the same shapes keep its weights, the last one only if the classes are the same.",
)
@click.option(
    "--folds",
    type=int,
    metavar="K",
    help="Cross-validate: one run for each of K folds, so that every training image is judged by a "
    "model that has not seen it. The folder of --run-dir continues if it was stopped.",
)
@click.option(
    "--seeds",
    type=int,
    metavar="K",
    help="Train with K seeds, from --seed on, and report the mean and what chance adds to it. The "
    "folder of --run-dir continues if it was stopped.",
)
@click.option(
    "--track",
    "tracker_name",
    metavar="TOOL",
    type=PluginName("trackers"),
    help="Log the run to a tool: mlflow (MLFLOW_TRACKING_URI, or the store runs/mlflow.db).",
)
@executor_option
@options.verbose_option("Print the layers, the losses and the files as well.")
@options.json_option
def train(
    recipe_name: str | None,
    data_choice: options.DataOptions,
    settings: tuple[str, ...],
    seed: int | None,
    run_dir: Path | None,
    resume_dir: Path | None,
    parent_dir: Path | None,
    folds: int | None,
    seeds: int | None,
    tracker_name: str | None,
    place: ExecutorOptions,
    verbose: bool,
) -> options.Result:
    """Train RECIPE in a new run folder: model, learning curves, metrics and calibration.

    `ankleboot recipes` lists the recipes, `ankleboot recipes RECIPE` the fields for --set.
    """
    from ankleboot.cli.output.training import TrainingProgress, training_result
    from ankleboot.models.backbones.packages import require_weights
    from ankleboot.models.run import load_run
    from ankleboot.models.run_dir import refuse_used
    from ankleboot.recipes.parse import parse_settings
    from ankleboot.training import train as training

    changes = parse_settings(settings if seed is None else (*settings, f"seed={seed}"))
    if folds is not None or seeds is not None:
        refuse_beside_several(changes, folds, seeds, resume_dir, parent_dir)
        if folds is not None:
            changes["folds"] = str(folds)  # by which split_seed has an effect
        recipe = _recipe(recipe_name, changes, None, trust=data_choice.trust)
        if place.on == "local":
            require_weights(recipe)  # before the images are read
        trackers = _trackers(tracker_name)
        several = SeveralTrainings(recipe, data_choice, run_dir, place, trackers, verbose)
        return several.cross_validate(folds) if folds else several.train_seeds(seeds or 0)
    place.refuse("--folds and --seeds")
    with closing(TrainingProgress(verbose=verbose)) as progress:
        callbacks = [progress, *_trackers(tracker_name)]
        if resume_dir is not None:
            if run_dir is not None:
                raise UsageError("--resume continues in the folder of the run; leave --run-dir out")
            if parent_dir is not None:
                raise UsageError("--resume continues a run, --from starts a new one; leave one out")
            data = _load_for_resume(resume_dir, recipe_name, changes, data_choice)
            run = training.resume(resume_dir, data, callbacks=callbacks, trust=data_choice.trust)
        else:
            if run_dir is not None:
                refuse_used(run_dir)  # before the data is loaded
            parent = load_run(parent_dir) if parent_dir else None
            recipe = _recipe(recipe_name, changes, parent, trust=data_choice.trust)
            if parent is None:
                require_weights(recipe)
            is_parents_data = parent is not None and data_choice.name is None
            data = data_choice.load(recipe.image_spec, run=parent if is_parents_data else None)
            run = training.train(recipe, data, run_dir, callbacks=callbacks, parent=parent)
    document = run.to_json()
    return document, lambda: training_result(document, verbose=verbose)


def _trackers(name: str | None) -> list[Any]:
    """Open the store of the tool before anything is trained."""
    from ankleboot.core import plugins

    return [] if name is None else [plugins.resolve("trackers", name)()]


def _recipe(
    name: str | None, changes: dict[str, str], parent: Run | None, *, trust: bool
) -> Recipe:
    """Return the named recipe, or that of the parent run, with the user's changes."""
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.recipes.catalog import get_recipe
    from ankleboot.recipes.parse import override
    from ankleboot.training.foreign_plugins import refuse_foreign_plugins

    if parent is not None and "weights" in changes:
        raise UsageError(f"weights has no effect with --from: those of {parent.folder} are taken")
    if name is not None:
        base = get_recipe(name)
    elif parent is not None:
        base = override(parent.recipe(), {"weights": ""} if parent.recipe().weights else {})
        if not trust:
            refuse_foreign_plugins(base)
    else:
        raise UsageError("name a recipe (ankleboot recipes lists them), or a run with --resume")
    recipe = override(base, changes)
    if recipe.head_epochs != base.head_epochs and not {"head_epochs", "architecture"} & set(
        changes
    ):
        log_line(f"head_epochs={recipe.head_epochs}, in proportion to epochs={recipe.epochs}")
    return recipe


def _load_for_resume(
    resume_dir: Path,
    recipe_name: str | None,
    changes: dict[str, str],
    data_choice: options.DataOptions,
) -> Dataset:
    """Load a run's data; refuse options that would change the run."""
    from ankleboot.models.run import load_run
    from ankleboot.recipes.parse import override

    run = load_run(resume_dir)
    recipe = run.recipe()
    before = recipe.to_json()
    after = override(recipe, changes).to_json() | {"name": recipe_name or recipe.name}
    differences = [
        f"{k} was {before[k]} and is {after[k]}" for k in before if before[k] != after[k]
    ]
    if differences:
        raise ModelError(
            f"{resume_dir}: cannot resume, {'; '.join(differences)}. Start a new run for that"
        )
    return data_choice.load(recipe.image_spec, run=run)
