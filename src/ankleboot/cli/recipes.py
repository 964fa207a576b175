"""`ankleboot recipes`: what can be trained."""

import click

from ankleboot.cli.options import json_option


@click.command()
@click.argument("name", required=False)
@json_option
def recipes(name: str | None, as_json: bool) -> None:
    """List the recipes, or the fields of one of them."""
    from dataclasses import asdict

    from ankleboot.cli import output
    from ankleboot.recipes.catalog import RECIPES, get_recipe
    from ankleboot.recipes.measured_results import load_results

    figures = load_results()
    if as_json:
        chosen = [get_recipe(name)] if name else list(RECIPES.values())
        output.print_json(
            [
                recipe.to_json()
                | {"measured": asdict(figures[recipe.name]) if recipe.name in figures else None}
                for recipe in chosen
            ]
        )
    elif name:
        output.recipe_fields(get_recipe(name))
    else:
        output.recipe_list(RECIPES, figures)
