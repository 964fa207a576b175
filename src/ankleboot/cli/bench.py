"""`ankleboot bench`: cost of prediction and accuracy on photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ankleboot.cli.options import json_option, model_option

ROUNDS = click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Number of rounds; what is compared alternates within each.",
)
OUTPUT = click.option(
    "--output",
    "output_dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs/bench"),
    show_default=True,
    help="Folder for the result.",
)
DATA = click.option(
    "--data", "data_name", default="fashion-mnist", metavar="NAME|DIR", help="As in train."
)


@click.group()
def bench() -> None:
    """Measure prediction on this machine: speed by format, accuracy on photos."""


@bench.command()
@ROUNDS
@click.option("--only", multiple=True, metavar="NAME", help="A runtime; repeat for several.")
@model_option
@OUTPUT
@DATA
@json_option
def predict(
    rounds: int, only: tuple[str, ...], model: Path, output_dir: Path, data_name: str, as_json: bool
) -> None:
    """Measure latency, throughput, memory and size of every format, beside Keras.

    Runtimes: model.predict, model(x), and the formats of export except the web pages. MODEL must be
    a run folder. Each measurement runs in a fresh process.
    """
    from ankleboot.cli import output
    from ankleboot.core.silence import import_keras
    from ankleboot.export.benchmark import benchmark_formats

    import_keras()
    document = benchmark_formats(rounds, only, model, data_name, output.log_line)
    store_result(document, output_dir, "predict")
    if as_json:
        output.print_json(document)
        return
    output.bench_predict(document)
    print(output_dir / "predict.json")


@bench.command()
@click.option(
    "--photos",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="Photos in folders t-shirt, pants, longsleeve, dress, outwear, shirt, shoes; "
    "hat, shorts and skirt are to be rejected.",
)
@OUTPUT
@json_option
def photos(folder: Path, output_dir: Path, as_json: bool) -> None:
    """Measure accuracy, rejection and milliseconds per photo.

    Methods: grey (resized as in tutorials), inverted, grabcut (one GrabCut), cut-out (the
    segmentation network), all four with the shipped model of Fashion-MNIST; and the models
    zero-shot and photo.
    """
    from ankleboot.cli import output
    from ankleboot.evaluation import plots
    from ankleboot.evaluation.photo_benchmark import benchmark_photos, list_errors
    from ankleboot.evaluation.plots import save_figure

    document, measured = benchmark_photos(folder, output.log_line)
    store_result(document, output_dir, "photos")
    risk, errors = (output_dir / f"photos-{name}.png" for name in ("risk", "wrong"))
    save_figure(plots.risks(document["risk"]), risk)
    save_figure(plots.wrong_photos(list_errors(measured)), errors)
    if as_json:
        output.print_json(document)
        return
    output.bench_photos(document)
    print(output_dir / "photos.json", risk, errors, sep="\n")


def store_result(document: dict[str, Any], folder: Path, name: str) -> None:
    """Write a result as NAME.json in the folder, which is created if missing."""
    from ankleboot.core.files import make_folder, write_json

    make_folder(folder)
    write_json(folder / f"{name}.json", document)
