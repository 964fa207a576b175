"""`ankleboot bench`: speed and cost, each against a peer in the same run."""

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
    help="How often, in turn.",
)
OUT = click.option(
    "--out",
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
    """Measure speed and cost on this machine, each part in fresh processes."""


@bench.command()
@ROUNDS
@click.option("--only", multiple=True, metavar="NAME", help="A contender; several by repetition.")
@OUT
@DATA
@json_option
def train(rounds: int, only: tuple[str, ...], out: Path, data_name: str, as_json: bool) -> None:
    """Time to accuracy: the ancestor's Keras script, our recipes, and peers.

    Contenders: keras-script (20 epochs, as published), leaky, leaky-fast (bfloat16 where there is,
    batches of 256), sprint; pytorch, hog-svm and lightgbm where they are installed. The rounds take
    about half an hour on two cores.
    """
    from ankleboot.cli import output
    from lib import train as bench_train

    document = bench_train.run(rounds, only, data_name, output.log_line)
    _store(document, out, "train")
    if as_json:
        output.print_json(document)
        return
    from ankleboot.cli.run_folder import save_figure
    from ankleboot.evaluation import plots

    output.bench_train(document)
    figure = out / "train.png"
    save_figure(plots.time_to_accuracy(document["runs"], document["target"]), figure)
    print(out / "train.json", figure, sep="\n")


@bench.command()
@ROUNDS
@OUT
@DATA
@json_option
def growth(rounds: int, out: Path, data_name: str, as_json: bool) -> None:
    """Time and memory of training against images (1,000 to 600,000) and network width."""
    from ankleboot.cli import output
    from lib import growth as bench_growth

    document = bench_growth.run(rounds, data_name, output.log_line)
    fit = document["fit"]
    sentence = (
        f"{1e6 * fit['slope']:.1f} microseconds per image trained on, "
        f"{fit['intercept']:.2f} s apart from that; linear with R^2 = {fit['r_squared']:.4f}"
    )
    _deliver("growth", document, sentence, out, as_json)


@bench.command()
@ROUNDS
@OUT
@DATA
@json_option
def start(rounds: int, out: Path, data_name: str, as_json: bool) -> None:
    """Seconds from the command to the first training step, and where they go."""
    from ankleboot.cli import output
    from lib import start as bench_start

    document = bench_start.run(rounds, data_name, output.log_line)
    sentence = f"{document['total']:.2f} s in all (median of {rounds})"
    _deliver("start", document, sentence, out, as_json)


@bench.command()
@ROUNDS
@OUT
@DATA
@json_option
def profile(rounds: int, out: Path, data_name: str, as_json: bool) -> None:
    """Where a training step of sprint spends its time, operation by operation."""
    from ankleboot.cli import output
    from lib import profile as bench_profile

    document = bench_profile.run(rounds, data_name, output.log_line)
    sentence = (
        f"{document['step_ms']:.1f} ms a step, {document['gflops']:.0f} GFLOP/s: "
        f"{100 * document['utilisation']:.0f} % of the {document['precision']} GEMM peak"
    )
    _deliver("profile", document, sentence, out, as_json)


@bench.command()
@ROUNDS
@click.option("--only", multiple=True, metavar="NAME", help="A way; several by repetition.")
@model_option
@OUT
@DATA
@json_option
def predict(
    rounds: int, only: tuple[str, ...], model: Path, out: Path, data_name: str, as_json: bool
) -> None:
    """Latency, throughput, memory and size of every format, beside Keras.

    Ways: model.predict, model(x), and the formats of export but the web page. A model of yours must
    be a run folder.
    """
    from ankleboot.cli import output
    from ankleboot.core.silence import import_keras
    from ankleboot.export import benchmark as bench_predict

    import_keras()
    document = bench_predict.benchmark_formats(rounds, only, model, data_name, output.log_line)
    _store(document, out, "predict")
    if as_json:
        output.print_json(document)
    else:
        output.bench_predict(document)
        print(out / "predict.json")


@bench.command()
@click.option(
    "--photos",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="Photographs in folders t-shirt, pants, longsleeve, dress, outwear, shirt, shoes; "
    "hat, shorts and skirt are to be declined.",
)
@OUT
@json_option
def photos(folder: Path, out: Path, as_json: bool) -> None:
    """How well photographs are named, what is declined, and the milliseconds it takes.

    Methods: grey (resized as tutorials do), inverted, grabcut (rough), cut-out (our network), all
    four for the shipped model of Fashion-MNIST; and the models zero-shot and photo.
    """
    from ankleboot.cli import output
    from ankleboot.cli.run_folder import save_figure
    from ankleboot.evaluation import photo_benchmark as bench_photos
    from ankleboot.evaluation import plots

    document, found = bench_photos.benchmark_photos(folder, output.log_line)
    _store(document, out, "photos")
    figures = {
        "risk": plots.risks(document["risk"]),
        "wrong": plots.wrong_photos(bench_photos.wrong(found)),
    }
    for name, figure in figures.items():
        save_figure(figure, out / f"photos-{name}.png")
    if as_json:
        output.print_json(document)
        return
    output.bench_photos(document)
    print(out / "photos.json", *(out / f"photos-{name}.png" for name in figures), sep="\n")


@bench.command()
@ROUNDS
@click.option("--only", multiple=True, metavar="NAME", help="A contender; several by repetition.")
@click.option(
    "--requests",
    type=click.IntRange(min=0),
    default=100_000,
    show_default=True,
    help="Of the check of correctness.",
)
@click.option("--model", "models", multiple=True, metavar="MODEL", help="As in serve.")
@OUT
@json_option
def serve(
    rounds: int,
    only: tuple[str, ...],
    requests: int,
    models: tuple[str, ...],
    out: Path,
    as_json: bool,
) -> None:
    """Requests per second, latency, overload and correctness of the server, beside demos.

    Contenders: ankleboot, fastapi-keras (an endpoint as tutorials write it), and gradio where it is
    installed; all on this machine, which the client shares. A round takes about two minutes.
    """
    from ankleboot.cli import output
    from lib import serve as bench_serve

    document = bench_serve.run(rounds, only, requests, models, output.log_line)
    _store(document, out, "serve")
    if as_json:
        output.print_json(document)
    else:
        output.bench_serve(document)
        print(out / "serve.json")


def _deliver(name: str, document: dict[str, Any], sentence: str, out: Path, as_json: bool) -> None:
    """Store a result and print it, whole or in a sentence."""
    from ankleboot.cli import output

    _store(document, out, name)
    if as_json:
        output.print_json(document)
    else:
        print(sentence, out / f"{name}.json", sep="\n")


def _store(document: dict[str, Any], out: Path, name: str) -> None:
    from ankleboot.core.files import make_folder, write_json

    make_folder(out)
    write_json(out / f"{name}.json", document)
