"""`ankleboot evaluate`: evaluate a model on a whole split."""

import shlex
from pathlib import Path

import click

from ankleboot.cli import options
from ankleboot.cli.groups import DataCommand
from ankleboot.cli.plugin_name import PluginName
from ankleboot.core import plugins


@click.command(cls=DataCommand)
@click.argument("model", type=options.PATH)
@options.ensemble_option
@options.split_option
@options.views_option
@click.option(
    "--metric",
    "metrics",
    metavar="NAME",
    type=PluginName("metrics"),
    multiple=True,
    help=f"Further metric: {', '.join(plugins.names('metrics'))} or package.module:attribute; "
    "may be repeated. [default: all]",
)
@options.data_option
@options.output_option("Folder for numbers and figures. [default: the run folder]")
@options.verbose_option("Print the classes, the confusion matrix and the files as well.")
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
    verbose: bool,
) -> options.Result:
    """Evaluate MODEL on a whole split.

    MODEL is a run folder, a .keras, .tflite or .onnx file, an exported folder, or "pretrained". A
    file that another tool made is examined first, as adopt does it, and not kept.
    Choose between models with the validation split; evaluations on the test split are counted.
    With --data FOLDER, a new labeled folder, all of its images are judged; classes may be missing.
    The passes of a network that an ensemble or further views needed are printed.
    """
    from ankleboot.cli.output.evaluation import evaluation_result
    from ankleboot.cli.output.progress import working
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.evaluation.adoption.examine import resolve_or_examine
    from ankleboot.evaluation.ensemble import join_models
    from ankleboot.evaluation.evaluate import evaluate as evaluate_model
    from ankleboot.inference.load import resolve_model
    from ankleboot.inference.photo_check import is_catalogue_model

    data_choice.check_name()
    others = [resolve_model(other, trust=data_choice.trust) for other in further]
    with working("evaluate"):
        resolved = resolve_or_examine(
            model, data_choice.named, trust=data_choice.trust, progress=log_line
        )
        joined = join_models(resolved, others, data_choice.named, trust=data_choice.trust)
        evaluation = evaluate_model(
            joined,
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
    is_run = resolved.run is not None and resolved.path == resolved.run.folder
    info = joined.predictor.info
    following = _next_command(
        *(model, further, evaluation.split), is_run=is_run, is_catalogue=is_catalogue_model(info)
    )
    # a calibration by few images keeps the temperature 1, and sets a threshold
    is_calibrated = info.temperature != 1 or info.abstain_below > 0
    return evaluation.to_json(), lambda: evaluation_result(
        evaluation, paths, is_calibrated=is_calibrated, following=following, verbose=verbose
    )


def _next_command(
    model: Path, further: tuple[Path, ...], split: str, *, is_run: bool, is_catalogue: bool
) -> str:
    """Return the command after an evaluation: a report of a run, or predictions.

    A run of Fashion-MNIST is not led on to `predict`: the user's images would be photos.
    """
    name = shlex.quote(str(model))
    reported = ("validation", "held-out", "test") if is_catalogue else ("validation", "held-out")
    if is_run and not further and split in reported:
        return f"ankleboot report {name}"
    others = "".join(f" --ensemble-with {shlex.quote(str(other))}" for other in further)
    return f"ankleboot predict --model {name}{others} IMAGE"
