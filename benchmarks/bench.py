"""Measure training, start-up and the server on this machine, beside baselines.

    python benchmarks/bench.py train --output benchmarks/results

Commands: train, frontier, scaling, startup, profile, serve, peers. Each part runs in fresh
processes. The formats of prediction and the photos have commands of the package: `ankleboot bench
predict` and `photos`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ankleboot.cli.bench import output_option, rounds_option, store_result
from ankleboot.cli.options import FOLDER, Result, data_name_option, json_option
from ankleboot.cli.output.terminal import log_line
from ankleboot.core.errors import AnklebootError, UsageError
from ankleboot.data.load import load_data
from lib import frontier as accuracy_frontier
from lib import profile as step_profile
from lib import scaling as scaling_points
from lib import serve as servers
from lib import startup_time, tables
from lib import train as contenders

ONLY = click.option(
    "--only", multiple=True, metavar="NAME", help="Contender to run; repeat for several."
)


@click.group(help=__doc__.partition("\n")[0])
def bench() -> None:
    pass


@bench.command()
@rounds_option
@ONLY
@click.option("--add", is_flag=True, help="Add the rounds to those of the stored result.")
@output_option
@data_name_option
@json_option
def train(rounds: int, only: tuple[str, ...], add: bool, output: Path, data_name: str) -> Result:
    """Measure time to accuracy of our recipes and of baselines.

    Contenders: keras-script (20 epochs, as published), keras-script-onednn, leaky, leaky-fast
    (bfloat16 where available, batches of 256), sprint, sprint-without-onednn; pytorch, hog-svm and
    lightgbm if installed.
    The rounds take about half an hour on two cores with bfloat16.
    """
    earlier = _stored_runs(output / "train.json") if add else ()
    document = contenders.measure_training(rounds, only, data_name, log_line, earlier)
    path = store_result(document, output, "train")

    def show() -> None:
        from lib.time_to_accuracy import draw_time_to_accuracy

        tables.print_training(document)
        figure = output / "train.png"
        draw_time_to_accuracy(document["runs"], document["target"]).savefig(figure)
        print(path, figure, sep="\n")

    return document, show


def _stored_runs(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        raise UsageError(f"--add: {path} does not exist; leave --add out for the first rounds")
    runs: list[dict[str, Any]] = json.loads(path.read_text())["runs"]
    return runs


@bench.command()
@click.option(
    "--recipe",
    "names",
    multiple=True,
    metavar="NAME",
    help="Recipe to train; repeat for several. [default: all that learn Fashion-MNIST from "
    "scratch, without photos]",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Value for a field of these recipes; they get rows of their own.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="Number of runs per recipe, those stored included; 0 trains nothing.",
)
@click.option("--runs", type=FOLDER, help="Folder that keeps the run folders.")
@output_option
@data_name_option
@json_option
def frontier(
    names: tuple[str, ...],
    settings: tuple[str, ...],
    seeds: int,
    runs: Path | None,
    output: Path,
    data_name: str,
) -> Result:
    """Measure accuracy by parameters, bytes and training seconds, beside published points.

    A run of a recipe and a seed is stored in OUTPUT/frontier at once and not repeated while recipe,
    data and arithmetic stay: interrupt the command and call it again, also on another machine.
    Table and figure show all stored runs of today's recipes. "Best epoch on test" is what the runs
    would claim if the test split chose their epoch.
    """
    data = load_data(data_name)
    store = accuracy_frontier.RunStore(output / "frontier", data.train_sha256)
    recipes = accuracy_frontier.choose_recipes(names, settings)
    accuracy_frontier.collect_runs(store, recipes, seeds, data_name, runs, log_line)
    document = accuracy_frontier.frontier_document(store, data.name)
    path = store_result(document, output, "frontier")

    def show() -> None:
        from lib.frontier_plot import write_frontier

        tables.print_frontier(document)
        figure = output / "frontier.png"
        write_frontier(document, figure)
        print(path, figure, sep="\n")

    return document, show


@bench.command()
@rounds_option
@output_option
@data_name_option
@json_option
def scaling(rounds: int, output: Path, data_name: str) -> Result:
    """Measure training time and memory by number of images and network width."""
    document = scaling_points.measure_scaling(rounds, data_name, log_line)
    fit = document["fit"]
    sentence = (
        f"{1e6 * fit['slope']:.1f} microseconds per image trained on, "
        f"{fit['intercept']:.2f} s apart from that; linear with R^2 = {fit['r_squared']:.4f}"
    )
    return _deliver("growth", document, sentence, output)


@bench.command()
@rounds_option
@output_option
@data_name_option
@json_option
def startup(rounds: int, output: Path, data_name: str) -> Result:
    """Measure the seconds from the command to the first training step, by stage."""
    document = startup_time.measure_startup(rounds, data_name, log_line)
    sentence = f"{document['total']:.2f} s in all (median of {rounds})"
    return _deliver("start", document, sentence, output)


@bench.command()
@rounds_option
@output_option
@data_name_option
@json_option
def profile(rounds: int, output: Path, data_name: str) -> Result:
    """Profile a training step of sprint by operation."""
    document = step_profile.profile_training(rounds, data_name, log_line)
    sentence = (
        f"{document['step_ms']:.1f} ms a step, {document['gflops']:.0f} GFLOP/s: "
        f"{100 * document['utilisation']:.0f} % of the {document['precision']} GEMM peak"
    )
    return _deliver("profile", document, sentence, output)


@bench.command()
@rounds_option
@ONLY
@click.option(
    "--requests",
    type=click.IntRange(min=0),
    default=100_000,
    show_default=True,
    help="Number of requests of the correctness check; 0 skips it.",
)
@click.option("--model", "models", multiple=True, metavar="MODEL", help="As in ankleboot serve.")
@output_option
@json_option
def serve(
    rounds: int, only: tuple[str, ...], requests: int, models: tuple[str, ...], output: Path
) -> Result:
    """Measure requests per second, latency, overload and correctness of the server.

    Contenders: ankleboot, fastapi-keras (an endpoint as in tutorials), and gradio if installed. The
    load generator shares the machine with them. A round takes about two minutes.
    """
    document = servers.measure_serving(rounds, only, requests, models, log_line)
    return _deliver("serve", document, lambda: tables.print_serving(document), output)


@bench.command()
@rounds_option
@ONLY
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.5),
    default=4.0,
    show_default=True,
    help="Duration of every load.",
)
@click.option(
    "--stops",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Number of stops of each server under load; 0 leaves them out.",
)
@output_option
@json_option
def peers(rounds: int, only: tuple[str, ...], seconds: float, stops: int, output: Path) -> Result:
    """Measure our server beside servers for models; `make peers` installs them.

    Peers: ankleboot, litserve, bentoml, mlserver. All serve the shipped LiteRT file on the same two
    cores, each in the best of several settings of its own.
    """
    from lib import peer_tables
    from lib import peers as model_servers

    document = model_servers.measure_peers(rounds, only, seconds, stops, log_line)
    lines = peer_tables.peer_lines(document)
    return _deliver("serve_peers", document, "\n".join(lines), output)


def _deliver(
    name: str, document: dict[str, Any], summary: str | Callable[[], None], output: Path
) -> Result:
    """Store a result; for people it is its summary and path."""
    path = store_result(document, output, name)

    def show() -> None:
        if callable(summary):
            summary()
        else:
            print(summary)
        print(path)

    return document, show


if __name__ == "__main__":
    try:
        bench()
    except AnklebootError as error:
        raise SystemExit(f"error: {error}") from error
