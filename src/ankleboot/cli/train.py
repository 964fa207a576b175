"""`ankleboot train`: train a recipe, or continue a run."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ankleboot.cli.options import DataOptions, data_option, json_option
from ankleboot.core.errors import ModelError, UsageError

if TYPE_CHECKING:
    from ankleboot.data.dataset import Dataset
    from ankleboot.recipes.recipe import Recipe


@click.command()
@click.argument("recipe_name", metavar="[RECIPE]", required=False)
@data_option
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Value for a field of the recipe."
)
@click.option("--seed", type=int, help="Seed of the run; short for --set seed=N.")
@click.option(
    "--run-dir",
    type=click.Path(path_type=Path),
    help="New folder for the run. [default: runs/RECIPE-seedN-NNN]",
)
@click.option(
    "--resume",
    "resume_dir",
    metavar="RUN",
    type=click.Path(path_type=Path),
    help="Run folder to continue.",
)
@json_option
def train(
    recipe_name: str | None,
    data_choice: DataOptions,
    settings: tuple[str, ...],
    seed: int | None,
    run_dir: Path | None,
    resume_dir: Path | None,
    as_json: bool,
) -> None:
    """Train RECIPE in a new run folder: model, learning curves, metrics and calibration.

    `ankleboot recipes` lists the recipes, `ankleboot recipes RECIPE` the fields for --set.
    """
    from ankleboot.cli import output
    from ankleboot.training import train as training

    changes = _parse_settings(settings, seed)
    with closing(output.TrainingProgress()) as progress:
        if resume_dir is not None:
            data = _load_for_resume(resume_dir, run_dir, recipe_name, changes, data_choice)
            run = training.resume(resume_dir, data, callbacks=[progress], trust=data_choice.trust)
        else:
            recipe = _recipe(recipe_name, changes)
            data = data_choice.load(recipe.image_spec)
            run = training.train(recipe, data, run_dir, callbacks=[progress])
    (output.print_json if as_json else output.training_result)(run.to_json())


def _recipe(name: str | None, changes: dict[str, str]) -> Recipe:
    from ankleboot.recipes.catalog import get_recipe
    from ankleboot.recipes.recipe import override

    if name is None:
        raise UsageError("name a recipe (ankleboot recipes lists them), or a run with --resume")
    return override(get_recipe(name), changes)


def _load_for_resume(
    resume_dir: Path,
    run_dir: Path | None,
    recipe_name: str | None,
    changes: dict[str, str],
    data_choice: DataOptions,
) -> Dataset:
    """Load a run's data; refuse options that would change the run."""
    from ankleboot.models.run import load_run
    from ankleboot.recipes.recipe import override

    if run_dir is not None:
        raise UsageError("--resume continues in the folder of the run; leave --run-dir out")
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


def _parse_settings(settings: tuple[str, ...], seed: int | None) -> dict[str, str]:
    values: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting}: expected KEY=VALUE")
        _add_setting(values, key.strip(), value)
    if seed is not None:
        _add_setting(values, "seed", str(seed))
    return values


def _add_setting(values: dict[str, str], key: str, value: str) -> None:
    if key in values:
        raise UsageError(f"{key} is set twice, to {values[key]} and to {value}")
    values[key] = value
