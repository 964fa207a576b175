"""`ankleboot recipes`: what can be trained."""

import click

from ankleboot.cli.options import json_option


@click.command()
@click.argument("name", required=False)
@json_option
def recipes(name: str | None, as_json: bool) -> None:
    """List the recipes, or the fields of one of them."""
    from dataclasses import asdict

    from ankleboot import console
    from ankleboot.measured import measured
    from ankleboot.recipes import RECIPES, find

    figures = measured()
    if as_json:
        chosen = [find(name)] if name else list(RECIPES.values())
        console.print_json(
            [
                recipe.to_json()
                | {"measured": asdict(figures[recipe.name]) if recipe.name in figures else None}
                for recipe in chosen
            ]
        )
    elif name:
        console.recipe_fields(find(name))
    else:
        console.recipe_list(RECIPES, figures)
