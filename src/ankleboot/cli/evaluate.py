"""`ankleboot evaluate`: evaluate a model on a whole split."""

from pathlib import Path

import click

from ankleboot.cli.options import DataOptions, data_option, json_option, split_option
from ankleboot.core import plugins


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@split_option
@click.option(
    "--metric",
    "metrics",
    metavar="NAME",
    multiple=True,
    help=f"Further metric: {', '.join(plugins.names('metrics'))} or package.module:attribute; "
    "may be repeated. [default: all]",
)
@data_option
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for numbers and figures. [default: the run folder]",
)
@json_option
def evaluate(
    model: Path,
    split_name: str,
    metrics: tuple[str, ...],
    data_choice: DataOptions,
    output: Path | None,
    as_json: bool,
) -> None:
    """Evaluate MODEL on a whole split.

    MODEL is a run folder, a .keras, .tflite or .onnx file, an exported folder, or "pretrained".
    Choose between models with the validation split; evaluations on the test split are counted.
    """
    from ankleboot.cli import output as console
    from ankleboot.evaluation.evaluate import evaluate as evaluate_model
    from ankleboot.inference.load import resolve_model

    resolved = resolve_model(model, trust=data_choice.trust)
    evaluation = evaluate_model(
        resolved, data_choice.load, split=split_name, metrics=metrics or None
    )
    run = resolved.run
    if run and model == run.folder and evaluation.data == run.manifest()["data"]["name"]:
        output = output or model
    paths = evaluation.write(output) if output else []
    if as_json:
        console.print_json(evaluation.to_json())
    else:
        console.evaluation_result(evaluation, paths)
