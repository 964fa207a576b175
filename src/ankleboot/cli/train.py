"""`ankleboot train`: train a recipe, or continue a run."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ankleboot.cli import options
from ankleboot.core.errors import ModelError, UsageError

if TYPE_CHECKING:
    from ankleboot.data.dataset import Dataset


@click.command()
@click.argument("recipe_name", metavar="[RECIPE]", required=False)
@options.data_option
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Value for a field of the recipe."
)
@click.option("--seed", type=int, help="Seed of the run; short for --set seed=N.")
@click.option(
    "--run-dir", type=options.PATH, help="New folder for the run. [default: runs/RECIPE-seedN-NNN]"
)
@click.option(
    "--resume", "resume_dir", metavar="RUN", type=options.PATH, help="Run folder to continue."
)
@options.json_option
def train(
    recipe_name: str | None,
    data_choice: options.DataOptions,
    settings: tuple[str, ...],
    seed: int | None,
    run_dir: Path | None,
    resume_dir: Path | None,
) -> options.Result:
    """Train RECIPE in a new run folder: model, learning curves, metrics and calibration.

    `ankleboot recipes` lists the recipes, `ankleboot recipes RECIPE` the fields for --set.
    """
    from ankleboot.cli.output.training import TrainingProgress, training_result
    from ankleboot.recipes.catalog import get_recipe
    from ankleboot.recipes.parse import override
    from ankleboot.training import train as training

    changes = _parse_settings(settings if seed is None else (*settings, f"seed={seed}"))
    with closing(TrainingProgress()) as progress:
        if resume_dir is not None:
            if run_dir is not None:
                raise UsageError("--resume continues in the folder of the run; leave --run-dir out")
            data = _load_for_resume(resume_dir, recipe_name, changes, data_choice)
            run = training.resume(resume_dir, data, callbacks=[progress], trust=data_choice.trust)
        elif recipe_name is None:
            raise UsageError("name a recipe (ankleboot recipes lists them), or a run with --resume")
        else:
            recipe = override(get_recipe(recipe_name), changes)
            data = data_choice.load(recipe.image_spec)
            run = training.train(recipe, data, run_dir, callbacks=[progress])
    document = run.to_json()
    return document, lambda: training_result(document)


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


def _parse_settings(settings: tuple[str, ...]) -> dict[str, str]:
    values: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        key = key.strip()
        if not equals:
            raise UsageError(f"--set {setting}: expected KEY=VALUE")
        if key in values:
            raise UsageError(f"{key} is set twice, to {values[key]} and to {value}")
        values[key] = value
    return values
