"""`ankleboot tune`: search for better values of a recipe's fields."""

from __future__ import annotations

from pathlib import Path

import click

from ankleboot.cli import options
from ankleboot.cli.executor_options import ExecutorOptions, executor_option
from ankleboot.cli.groups import DataCommand


@click.command(cls=DataCommand)
@click.argument("recipe_name", metavar="RECIPE")
@options.data_option
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Fixed value of a field."
)
@click.option(
    "--search",
    "fields",
    multiple=True,
    metavar="FIELD",
    help="Field to vary, in its own range, or FIELD=LOW:HIGH, FIELD=A,B,C; `all` for every field "
    "with a range. [default: those that matter most]",
)
@click.option(
    "--budget",
    default="30",
    show_default=True,
    metavar="N|TIME",
    help="Number of trials in the folder, or a time for this command, such as 20min or 2h.",
)
@click.option(
    "--objective",
    "objectives",
    multiple=True,
    metavar="NAME",
    help="validation_accuracy (default), validation_loss, train_seconds, parameters or "
    "model_bytes; several give the trials that no other one beats.",
)
@click.option(
    "--confirm",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="K",
    help="Train the best recipe and RECIPE again with K other seeds, and test which is better; 4 "
    "or more can show it.",
)
@options.output_option("Folder of the search, which continues there. [default: runs/tune/RECIPE]")
@executor_option
@options.json_option
def tune(
    recipe_name: str,
    data_choice: options.DataOptions,
    settings: tuple[str, ...],
    fields: tuple[str, ...],
    budget: str,
    objectives: tuple[str, ...],
    confirm: int,
    output: Path | None,
    place: ExecutorOptions,
) -> options.Result:
    """Search for better values of RECIPE's fields, by validation images alone.

    Draws recipes by TPE, trains each in a process of its own, gives those up early whose learning
    curve is below the median, and writes a page. No two trials are equal. After a kill the same
    command continues. Trainings whose seconds count should run one at a time (--parallel 1).
    """
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.cli.output.tune import search_result
    from ankleboot.core.environment import require_modules
    from ankleboot.core.files import write_json
    from ankleboot.core.silence import import_keras
    from ankleboot.models.backbones.packages import require_weights
    from ankleboot.recipes.catalog import get_recipe
    from ankleboot.recipes.parse import parse_settings
    from ankleboot.training.tuning.search import Budget, Search
    from ankleboot.training.tuning.space import search_space

    parsed = Budget.parse(budget)
    recipe = get_recipe(recipe_name, **parse_settings(settings))
    if place.on == "local":
        require_weights(recipe)
    space = search_space(recipe, fields)
    require_modules("optuna")
    executor = place.executor(limit=1 if "train_seconds" in objectives else None)
    data = data_choice.load(recipe.image_spec)
    folder = output or Path("runs/tune") / recipe.name
    chosen = objectives or ("validation_accuracy",)
    search = Search.create(recipe, space, data, data_choice.request, folder, chosen)
    result = search.run(parsed, executor, log_line)
    best = [trial for trial in result.trials if trial.number in result.best]
    if confirm and best:
        from dataclasses import replace

        from ankleboot.training.tuning.confirm import confirm_best

        import_keras()
        found = confirm_best(search, best[0], data, executor, confirm, log_line)
        result = replace(result, confirmation=found)
    from ankleboot.training.tuning.page import write_search_page

    document = result.to_json()
    write_json(folder / "tune.json", document)
    page = folder / "tune.html"
    write_search_page(result, page)
    return document, lambda: search_result(result, [folder / "tune.json", page])
