"""`ankleboot evaluate`: evaluate a model on a whole split."""

from pathlib import Path

import click

from ankleboot.cli import options
from ankleboot.core import plugins


@click.command()
@click.argument("model", type=options.PATH)
@options.ensemble_option
@options.split_option
@options.views_option
@click.option(
    "--metric",
    "metrics",
    metavar="NAME",
    multiple=True,
    help=f"Further metric: {', '.join(plugins.names('metrics'))} or package.module:attribute; "
    "may be repeated. [default: all]",
)
@options.data_option
@options.output_option("Folder for numbers and figures. [default: the run folder]")
@options.json_option
def evaluate(
    model: Path,
    further: tuple[Path, ...],
    split_name: str | None,
    views: str | None,
    views_below: float,
    metrics: tuple[str, ...],
    data_choice: options.DataOptions,
    output: Path | None,
) -> options.Result:
    """Evaluate MODEL on a whole split.

    MODEL is a run folder, a .keras, .tflite or .onnx file, an exported folder, or "pretrained". A
    file that another tool made is examined first, as adopt does it, and not kept.
    Choose between models with the validation split; evaluations on the test split are counted.
    With --data FOLDER, a new labeled folder, all of its images are judged; classes may be missing.
    The passes of a network that an ensemble or further views needed are printed.
    """
    from ankleboot.cli.output.evaluation import evaluation_result
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.evaluation.adoption.examine import resolve_or_examine
    from ankleboot.evaluation.ensemble import join_models
    from ankleboot.evaluation.evaluate import evaluate as evaluate_model

    resolved = resolve_or_examine(
        model, data_choice.named, trust=data_choice.trust, progress=log_line
    )
    evaluation = evaluate_model(
        join_models(resolved, further, data_choice.named, trust=data_choice.trust),
        data_choice.load,
        split=split_name,
        metrics=metrics or None,
        views=views,
        views_below=views_below,
    )
    run = None if further or views else resolved.run  # its folder holds what it does by itself
    if run and model == run.folder and evaluation.split != "new":
        if evaluation.data == run.manifest()["data"]["name"]:
            output = output or model
    paths = evaluation.write(output) if output else []
    return evaluation.to_json(), lambda: evaluation_result(evaluation, paths)
