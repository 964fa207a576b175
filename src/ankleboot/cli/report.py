"""`ankleboot report`: write a report on a run as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ankleboot.cli import options
from ankleboot.cli.groups import DataCommand

if TYPE_CHECKING:
    from ankleboot.evaluation.data_size import SizePoint
    from ankleboot.evaluation.select_split import DataSource


@click.command(cls=DataCommand)
@click.argument("run_dir", metavar="RUN", type=options.PATH)
@options.split_option
@options.output_option(
    "HTML file, which is replaced. [default: RUN/report.html; for a shipped model a new "
    "./report.html]"
)
@click.option(
    "--learning-curve",
    is_flag=True,
    help="Train on 500 to 24,000 images, too, to estimate the effect of more images. Takes most of "
    "the time of a training.",
)
@click.option(
    "--photos",
    type=options.ExpandedPath(path_type=Path, exists=True, file_okay=False),
    help="Folder of photos that show none of the classes, to test their detection.",
)
@click.option(
    "--card",
    type=options.ExpandedPath(path_type=Path, dir_okay=False),
    help="PNG file for a summary of 1200 x 630 pixels, for a slide or a link.",
)
@options.data_option
@options.json_option
def report(
    run_dir: Path,
    split_name: str | None,
    output: Path | None,
    learning_curve: bool,
    photos: Path | None,
    card: Path | None,
    data_choice: options.DataOptions,
) -> options.Result:
    """Write a report on RUN as an HTML page that needs no network.

    It starts with the accuracy, a verdict and advice; sections that open show confusions, the
    worst images, explanations, learning curves, calibration, robustness and provenance.
    Evaluations on the test split are counted.
    """
    from ankleboot.cli.output.evaluation import report_result
    from ankleboot.cli.output.progress import working
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.evaluation.report.write import write_report
    from ankleboot.inference.load import resolve_model
    from ankleboot.training import learning_curve as training

    data_choice.check_name()
    model = resolve_model(run_dir)
    data: DataSource = data_choice.load
    sizes: tuple[SizePoint, ...] = ()
    if learning_curve and model.run:
        data = data_choice.load(model.run.recipe().image_spec, model.run)
        sizes = training.learning_curve(model.run, data, log_line)
    with working("report"):
        result = write_report(
            model, output, data, split=split_name, sizes=sizes, photos=photos, card=card
        )
    return result.to_json(), lambda: report_result(result)
