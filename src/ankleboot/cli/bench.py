"""`ankleboot bench`: cost of prediction and accuracy on photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ankleboot.cli import options
from ankleboot.cli.groups import Group

rounds_option = click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Number of rounds; what is compared alternates within each.",
)
output_option = options.output_option("Folder for the result.", "runs/bench")


@click.group(cls=Group)
def bench() -> None:
    """Measure prediction on this machine: speed by format, accuracy on photos."""


@bench.command()
@rounds_option
@click.option("--only", multiple=True, metavar="NAME", help="A runtime; repeat for several.")
@options.model_option
@output_option
@options.data_name_option
@options.json_option
def predict(
    rounds: int, only: tuple[str, ...], model: Path, output: Path, data_name: str
) -> options.Result:
    """Measure latency, throughput, memory and size of every format, beside Keras.

    Runtimes: model.predict, model(x), and the formats of export except the web pages. MODEL must be
    a run folder. Each measurement runs in a fresh process.
    """
    from ankleboot.cli.output.benchmark import bench_predict
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.export.benchmark import benchmark_formats

    document = benchmark_formats(rounds, only, model, data_name, log_line)
    path = store_result(document, output, "predict")
    return document, lambda: bench_predict(document, path)


@bench.command()
@click.option(
    "--photos",
    "folder",
    type=options.ExpandedPath(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="Photos in folders t-shirt, pants, longsleeve, dress, outwear, shirt, shoes; "
    "hat, shorts and skirt are to be rejected. Neighboring kinds (hoodie, blazer, polo, top, "
    "undershirt, body, blouse, other) are reported apart.",
)
@click.option(
    "--groups",
    type=options.ExpandedPath(path_type=Path, dir_okay=False, exists=True),
    help="CSV file with columns path and group (or sender): the photographer of each photo. "
    "Intervals are taken over photographers then.",
)
@output_option
@options.json_option
def photos(folder: Path, groups: Path | None, output: Path) -> options.Result:
    """Measure accuracy, rejection and milliseconds per photo.

    Methods: `grey` (resized as in tutorials), inverted, grabcut (one GrabCut), cut-out (the
    segmentation network), all four with the shipped model of Fashion-MNIST; and the models
    zero-shot and photo.
    """
    from ankleboot.cli.output.benchmark import bench_photos
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.evaluation import plots
    from ankleboot.evaluation.photo_benchmark import benchmark_photos
    from ankleboot.evaluation.photo_summary import list_errors

    document, measured = benchmark_photos(folder, log_line, groups)
    path = store_result(document, output, "photos")
    risk, errors = (output / f"photos-{name}.png" for name in ("risk", "wrong"))
    plots.save_figure(plots.risks(document["risk"]), risk)
    plots.save_figure(plots.wrong_photos(list_errors(measured)), errors)
    return document, lambda: bench_photos(document, [path, risk, errors])


def store_result(document: dict[str, Any], folder: Path, name: str) -> Path:
    """Write a result as NAME.json in the folder, which is created if missing."""
    from ankleboot.core.files import make_folder, write_json

    make_folder(folder)
    path = folder / f"{name}.json"
    write_json(path, document)
    return path
