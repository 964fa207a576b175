"""`ankleboot compare`: compare two or more models on the same images."""

from pathlib import Path

import click

from ankleboot.cli import options
from ankleboot.cli.groups import DataCommand


@click.command(cls=DataCommand)
@click.argument("models", metavar="MODEL MODEL...", type=options.PATH, nargs=-1)
@options.split_option
@options.data_option
@options.output_option("Folder for the numbers and the figures.")
@options.json_option
def compare(
    models: tuple[Path, ...],
    split_name: str | None,
    data_choice: options.DataOptions,
    output: Path | None,
) -> options.Result:
    """Test which MODEL is better, image by image.

    A MODEL is anything that `evaluate` accepts. Runs of one recipe with different seeds are
    compared as a group: pass all of them. Evaluations on the test split are counted.
    """
    from ankleboot.cli.output.evaluation import comparison_result
    from ankleboot.cli.output.progress import working
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.evaluation.adoption.examine import resolve_or_examine
    from ankleboot.evaluation.compare import compare as compare_models
    from ankleboot.evaluation.compare import refuse_single
    from ankleboot.inference.load import resolve_model

    data_choice.check_name()
    refuse_single(models)
    found = [resolve_model(model) for model in models]  # all of them, before one is loaded
    with working("compare"):
        resolved = [
            resolve_or_examine(model, data_choice.named, progress=log_line) for model in found
        ]
        comparison = compare_models(resolved, data_choice.load, split=split_name)
    paths = comparison.write(output) if output else []
    return comparison.to_json(), lambda: comparison_result(comparison, paths)
