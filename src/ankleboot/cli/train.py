"""`ankleboot train`: make or continue a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ankleboot.cli.options import DataOptions, data_option, json_option
from ankleboot.cli.run_folder import save_figure
from ankleboot.core.errors import ModelError, UsageError

if TYPE_CHECKING:
    from ankleboot.data.dataset import Dataset
    from ankleboot.models.run import Run
    from ankleboot.recipes.recipe import Recipe


@click.command()
@click.argument("recipe_name", metavar="[RECIPE]", required=False)
@data_option
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a field of the recipe."
)
@click.option("--seed", type=int, help="Short for --set seed=N.")
@click.option(
    "--run-dir",
    type=click.Path(path_type=Path),
    help="A new folder. [default: runs/RECIPE-seedN-NNN]",
)
@click.option(
    "--resume", "resume_dir", metavar="RUN", type=click.Path(path_type=Path), help="Continue a run."
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
    """Train RECIPE and leave a run folder with model, curves and numbers.

    `ankleboot recipes` lists the recipes, `ankleboot recipes RECIPE` the fields for --set.
    """
    from ankleboot.cli import output
    from ankleboot.core.silence import import_keras
    from ankleboot.models.run import Run, next_run_dir
    from ankleboot.recipes.catalog import get_recipe
    from ankleboot.recipes.recipe import override

    values = _parse_settings(settings, seed)
    if resume_dir is not None:
        if run_dir is not None:
            raise UsageError("--resume continues in the folder of the run; leave --run-dir out")
        recipe = Run(resume_dir).recipe()
        _refuse_changes(resume_dir, recipe, recipe_name, override(recipe, values))
        loaded = data_choice.load(recipe.image_spec, run=Run(resume_dir))
    elif recipe_name is not None:
        recipe = override(get_recipe(recipe_name), values)
        loaded = data_choice.load(recipe.image_spec)
    else:
        raise UsageError("name a recipe (ankleboot recipes lists them), or a run with --resume")

    progress = output.TrainingProgress(recipe)
    import_keras()  # after all that can fail quickly
    from ankleboot.training import trainer

    try:
        if resume_dir is not None:
            run = trainer.resume(resume_dir, loaded, progress)
        else:
            folder = run_dir or next_run_dir(Path("runs"), recipe)
            run = trainer.train(recipe, loaded, folder, progress)
    finally:
        progress.close()
    _report(run, loaded, as_json)


def _refuse_changes(run_dir: Path, then: Recipe, name: str | None, now: Recipe) -> None:
    """A resumed run keeps its recipe; RECIPE and --set may only repeat it."""
    before, after = then.to_json(), now.to_json() | {"name": name or then.name}
    changes = [f"{k} was {before[k]} and is {after[k]}" for k in before if before[k] != after[k]]
    if changes:
        raise ModelError(
            f"{run_dir}: cannot resume, {'; '.join(changes)}. Start a new run for that"
        )


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


def _report(run: Run, loaded: Dataset, as_json: bool) -> None:
    from ankleboot.cli import output
    from ankleboot.core.files import write_json
    from ankleboot.evaluation import plots
    from ankleboot.evaluation.evaluate import calibrate
    from ankleboot.evaluation.overfitting import diagnose_fit

    result, history = run.result(), run.history()
    calibration = calibrate(run, loaded)
    verdict = diagnose_fit(history)
    write_json(run.folder / "verdict.json", verdict.to_json())
    title = f"{result['recipe']}, seed {result['seed']}: {verdict.verdict}"
    curves = run.folder / "curves.png"
    save_figure(plots.learning_curves(history, result["best_epoch"], title), curves)
    samples = run.folder / "samples.png"
    save_figure(
        plots.samples(loaded.train.images, loaded.train.labels, loaded.class_names), samples
    )
    if as_json:
        place = {"run_dir": str(run.folder)}
        views = {"calibration": calibration.to_json(), "verdict": verdict.to_json()}
        output.print_json(place | result | views)
    else:
        files = [run.model_path, run.folder / "history.csv", curves, samples]
        output.training_result(result, calibration, verdict, files)
