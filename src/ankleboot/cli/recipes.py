"""`ankleboot recipes`: list the recipes and their fields."""

import click

from ankleboot.cli.options import json_option


@click.command()
@click.argument("name", required=False)
@json_option
def recipes(name: str | None, as_json: bool) -> None:
    """List the recipes, or the fields of one recipe."""
    from dataclasses import asdict

    from ankleboot.cli import output
    from ankleboot.recipes.catalog import RECIPES, get_recipe
    from ankleboot.recipes.measured_results import load_results

    results = load_results()
    if as_json:
        chosen = [get_recipe(name)] if name else list(RECIPES.values())
        output.print_json(
            [
                recipe.to_json()
                | {"measured": asdict(results[recipe.name]) if recipe.name in results else None}
                for recipe in chosen
            ]
        )
    elif name:
        output.recipe_fields(get_recipe(name))
    else:
        output.recipe_list(RECIPES, results)
