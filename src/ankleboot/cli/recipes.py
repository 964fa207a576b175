"""`ankleboot recipes`: list the recipes and their fields."""

import click

from ankleboot.cli import options


@click.command()
@click.argument("name", required=False)
@options.json_option
def recipes(name: str | None) -> options.Result:
    """List the recipes, or the fields of one recipe."""
    from dataclasses import asdict

    from ankleboot.cli.output.training import recipe_fields, recipe_list
    from ankleboot.recipes.catalog import PURPOSES, RECIPES, get_recipe
    from ankleboot.recipes.measured_results import load_results

    results = load_results()
    measured = {key: asdict(figures) for key, figures in results.items()}
    chosen = [get_recipe(name)] if name else list(RECIPES.values())
    documents = [
        recipe.to_json() | {"measured": measured.get(recipe.name), "purpose": PURPOSES[recipe.name]}
        for recipe in chosen
    ]
    return documents, lambda: recipe_fields(chosen[0]) if name else recipe_list(results)
