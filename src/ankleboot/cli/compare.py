"""`ankleboot compare`: two or more models on the same images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ankleboot.cli.options import DataOptions, data_option, json_option, split_option
from ankleboot.cli.run_folder import place_of
from ankleboot.core.errors import UsageError

if TYPE_CHECKING:
    from ankleboot.models.run import Run


@click.command()
@click.argument("models", metavar="MODEL MODEL...", type=click.Path(path_type=Path), nargs=-1)
@split_option
@data_option
@click.option(
    "--output", type=click.Path(path_type=Path), help="Folder for the numbers and the pictures."
)
@json_option
def compare(
    models: tuple[Path, ...],
    split_name: str,
    data_choice: DataOptions,
    output: Path | None,
    as_json: bool,
) -> None:
    """Say which MODEL is better, image by image, and whether that may be concluded.

    A MODEL is whatever `evaluate` takes. Runs of one recipe with different seeds are compared as a
    group: give all of them. Every look at the test split is counted.
    """
    from ankleboot.cli import output as console
    from ankleboot.core.files import make_folder, write_json
    from ankleboot.evaluation import compare as comparison
    from ankleboot.evaluation import test_set_usage
    from ankleboot.evaluation.compare import ModelPredictions
    from ankleboot.evaluation.evaluate import recipe_of, select_split
    from ankleboot.evaluation.prediction_cache import cached_predictions
    from ankleboot.inference.load import load_predictor
    from ankleboot.models.run import find_run

    if len(models) < 2:
        raise UsageError("name two or more models to compare")
    places = [place_of(model) for model in models]
    predictors = [load_predictor(model) for model in models]
    infos = [predictor.info for predictor in predictors]
    # only a run's own result stands for its recipe and seed
    runs = [find_run(place) if place.is_dir() else None for place in places]
    first = next((run for run in runs if run), None)
    # models may want the same pictures in other sizes; their order is the same
    by_kind = {
        kind: data_choice.load(kind, run=first, known=infos[0].data)
        for kind in dict.fromkeys(info.image_spec for info in infos)
    }
    loaded = by_kind[infos[0].image_spec]
    splits = {loaded.split(recipe_of(info)).sha256 for info in infos}
    if split_name == "validation" and len(splits) > 1:
        raise UsageError("these models have different validation images; compare with --split test")
    # each refuses other data
    parts = [select_split(by_kind[info.image_spec], split_name, info) for info in infos]
    groups = _groups(models, runs)
    found, reads = [], {}
    for model, predictor, part, group in zip(models, predictors, parts, groups, strict=True):
        count = (
            test_set_usage.record_test_evaluation
            if split_name == "test"
            else test_set_usage.num_test_evaluations
        )
        reads[str(model)] = count(model, predictor.info)
        found.append(
            ModelPredictions(
                str(model), cached_predictions(model, predictor, part, split_name), group
            )
        )
    result = comparison.compare(found, parts[0].labels, loaded.class_names)
    document: dict[str, Any] = {"data": loaded.name, "split": split_name, "test_reads": reads}
    document |= result.to_json()
    paths = []
    if output is not None:
        from ankleboot.cli.run_folder import save_figure
        from ankleboot.evaluation import plots

        make_folder(output)
        paths = [output / "comparison.json"]
        write_json(paths[0], document)
        if result.pairs and result.pairs[0].disagreements:
            paths.append(output / "disagreements.png")
            save_figure(plots.disagreements(result.pairs[0], parts[0].images), paths[1])
    if as_json:
        console.print_json(document)
    else:
        console.comparison_result(result, split_name, reads, paths)


def _groups(models: tuple[Path, ...], runs: list[Run | None]) -> list[str]:
    """A name for all runs that differ in nothing but the seed; "" for what is no run.

    Raises:
        UsageError: If two runs of a group have the same seed: they are no two runs.
    """
    from ankleboot.recipes.catalog import overrides_of

    named: dict[str, str] = {}
    seen: dict[tuple[str, int], Path] = {}
    found = []
    for model, run in zip(models, runs, strict=True):
        if run is None:
            found.append("")
            continue
        recipe, manifest = run.recipe(), run.manifest()
        same = recipe.to_json() | {"seed": 0}
        key = json.dumps([same, manifest["data"], manifest.get("arithmetic")], sort_keys=True)
        if (key, recipe.seed) in seen:
            other = seen[key, recipe.seed]
            raise UsageError(f"{other} and {model} are of one recipe and seed {recipe.seed}")
        seen[key, recipe.seed] = model
        if key not in named:
            name = " ".join([recipe.name, *overrides_of(recipe)])
            copies = sum(other.partition(" (")[0] == name for other in named.values())
            named[key] = f"{name} ({copies + 1})" if copies else name
        found.append(named[key])
    return found
