"""`ankleboot predict`: label images."""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from ankleboot.cli import options
from ankleboot.core.errors import DataError, UsageError


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@options.model_option
@click.option(
    "--abstain-below",
    type=click.FloatRange(0, 1),
    help="Minimal confidence of a prediction. [default: the model's own threshold]",
)
@click.option(
    "--save-steps",
    type=options.FOLDER,
    metavar="DIR",
    help="Write the preprocessing steps of each image to one image file.",
)
@options.trust_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per image.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
def predict(
    paths: tuple[str, ...],
    model: Path,
    abstain_below: float | None,
    save_steps: Path | None,
    trust: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Label the garment on each image.

    Images of 28 x 28 gray pixels go to the shipped model of Fashion-MNIST, all others to the
    shipped model for photos. `--model zero-shot` uses networks that were trained without photos. A
    prediction that must not be relied on is marked, with the reason.

    PATH is a file, a folder, a quoted pattern, or - for a list of these on standard input, one per
    line. The formats are PNG, JPEG, WebP, BMP, GIF and TIFF, and HEIC with ankleboot[heif]. If some
    files cannot be read, the others are labeled all the same and the exit code is 3.
    """
    from ankleboot.cli.output import prediction as output
    from ankleboot.cli.output.terminal import counted, log_line
    from ankleboot.data.preprocessing.find_images import find_images
    from ankleboot.inference.predict import FailedImage, predict_files
    from ankleboot.inference.router import load_router

    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other")
    files = find_images(_read_names(paths), log_line)
    router = load_router(model, trust=trust)
    writer = output.StepsWriter(save_steps) if save_steps else None
    results = predict_files(router, files, abstain_below=abstain_below, on_prediction=writer)
    num_failed = 0
    with output.prediction_printer(router.default.info, as_json=as_json, as_csv=as_csv) as show:
        for result in counted(results, len(files), "images"):
            num_failed += isinstance(result, FailedImage)
            show(result)
    if num_failed:
        raise DataError(f"{num_failed} of {len(files)} files could not be read")


def _read_names(paths: Sequence[str]) -> list[str]:
    """Return the paths; each "-" stands for the lines of standard input."""
    names: list[str] = []
    for path in paths:
        names += _read_stdin() if path == "-" else [path]
    if not names:
        raise UsageError("no path on standard input")
    return names


def _read_stdin() -> list[str]:
    if isinstance(sys.stdin, io.TextIOWrapper):  # file names need not be UTF-8
        sys.stdin.reconfigure(errors="surrogateescape")
    return [line.rstrip("\r\n") for line in sys.stdin or () if line.strip()]
