"""`ankleboot compare`: compare two or more models on the same images."""

from pathlib import Path

import click

from ankleboot.cli.options import DataOptions, data_option, json_option, split_option


@click.command()
@click.argument("models", metavar="MODEL MODEL...", type=click.Path(path_type=Path), nargs=-1)
@split_option
@data_option
@click.option(
    "--output", type=click.Path(path_type=Path), help="Folder for the numbers and the figures."
)
@json_option
def compare(
    models: tuple[Path, ...],
    split_name: str,
    data_choice: DataOptions,
    output: Path | None,
    as_json: bool,
) -> None:
    """Test which MODEL is better, image by image.

    A MODEL is anything that `evaluate` accepts. Runs of one recipe with different seeds are
    compared as a group: pass all of them. Evaluations on the test split are counted.
    """
    from ankleboot.cli import output as console
    from ankleboot.evaluation.compare import compare as compare_models

    comparison = compare_models(models, data_choice.load, split=split_name)
    paths = comparison.write(output) if output else []
    if as_json:
        console.print_json(comparison.to_json())
    else:
        console.comparison_result(comparison, paths)
