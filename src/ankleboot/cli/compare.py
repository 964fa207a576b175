"""`ankleboot compare`: two or more models on the same images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ankleboot.cli.options import data_option, json_option
from ankleboot.cli.run_folder import data_of
from ankleboot.errors import ModelError, UsageError

if TYPE_CHECKING:
    from ankleboot.recipes import Recipe


@click.command()
@click.argument("models", metavar="MODEL MODEL...", type=click.Path(path_type=Path), nargs=-1)
@click.option(
    "--split",
    "split_name",
    type=click.Choice(["validation", "test"]),
    default="validation",
    show_default=True,
)
@data_option
@click.option(
    "--output", type=click.Path(path_type=Path), help="Folder for the numbers and the pictures."
)
@json_option
def compare(
    models: tuple[Path, ...],
    split_name: str,
    data_name: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Say which MODEL is better, image by image, and whether that may be concluded.

    A MODEL is whatever `evaluate` takes. Runs of one recipe with different seeds are compared as a
    group: give all of them. Every look at the test split is counted.
    """
    from ankleboot import comparison, console, pretrained, test_reads
    from ankleboot.answers import answers
    from ankleboot.comparison import Answers
    from ankleboot.data import load
    from ankleboot.evaluation import validation_part
    from ankleboot.files import make_folder, write_json
    from ankleboot.predictors import load_predictor
    from ankleboot.recipes import Recipe
    from ankleboot.runs import run_of

    if len(models) < 2:
        raise UsageError("name two or more models to compare")
    runs = []
    for model in models:
        place = pretrained.resolve(model)
        if not place.exists():
            raise ModelError(f"{model}: no such model file or run folder")
        runs.append(run_of(place))
    recipes = [run.recipe() if run else Recipe(name="default") for run in runs]
    splits = {(r.split, r.validation_fraction, r.split_seed) for r in recipes}
    if split_name == "validation" and len(splits) > 1:
        raise UsageError("these models have different validation images; compare with --split test")
    first = next((run for run in runs if run), None)
    loaded = load(data_name or (data_of(first) if first else "fashion-mnist"))
    part = loaded.test if split_name == "test" else validation_part(recipes[0], loaded)
    found, reads = [], {}
    for model, run, recipe in zip(models, runs, recipes, strict=True):
        predictor = load_predictor(model)
        probs = answers(model, predictor, part, split_name)
        count = test_reads.count if split_name == "test" else test_reads.so_far
        reads[str(model)] = count(model, predictor.info)
        found.append(Answers(str(model), probs, _group(recipe) if run else ""))
    result = comparison.compare(found, part.labels)
    document: dict[str, Any] = {"data": loaded.name, "split": split_name, "test_reads": reads}
    document |= result.to_json()
    paths = []
    if output is not None:
        from ankleboot import plots
        from ankleboot.cli.run_folder import save_figure

        make_folder(output)
        paths = [output / "comparison.json"]
        write_json(paths[0], document)
        if result.pairs and result.pairs[0].disagreements:
            paths.append(output / "disagreements.png")
            save_figure(plots.disagreements(result.pairs[0], part.images), paths[1])
    if as_json:
        console.print_json(document)
    else:
        console.comparison_result(result, split_name, reads, paths)


def _group(recipe: Recipe) -> str:
    """A name for all runs that differ in nothing but the seed."""
    from ankleboot.recipes import RECIPES

    named = RECIPES.get(recipe.name)
    own, usual = recipe.to_json(), named.to_json() if named else {}
    changed = [
        f"{key}={json.dumps(own[key]).strip(chr(34))}"
        for key in own
        if key not in ("name", "seed") and own[key] != usual.get(key, own[key] if named else None)
    ]
    return " ".join([recipe.name, *changed])
