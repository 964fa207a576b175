"""`ankleboot predict`: label pictures."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import click

from ankleboot.cli.options import model_option
from ankleboot.errors import DataError, UsageError


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@model_option
@click.option(
    "--abstain-below",
    type=click.FloatRange(0, 1),
    help="Confidence that an answer needs. [default: the model's own threshold]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per picture.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
def predict(
    paths: tuple[str, ...],
    model: Path,
    abstain_below: float | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Say what garment each picture shows.

    PATH is a file, a folder, a pattern in quotes, or - for a list of them on standard input, one
    per line. PNG, JPEG, WebP, BMP, GIF, TIFF; HEIC with ankleboot[heif]. A file that cannot be read
    does not stop the others; the exit code is 3 then.
    """
    from ankleboot import console
    from ankleboot.photos.find import find
    from ankleboot.prediction import Failure, predict_files
    from ankleboot.predictors import load_predictor

    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other")
    files = find(_names(paths), console.note)
    predictor = load_predictor(model)
    show: Any = console.PredictionTable()
    if as_json:
        show = console.JsonLines()
    elif as_csv:
        show = console.CsvLines(predictor.info.labels)
    failures = 0
    with console.counting(len(files), "pictures") as count:
        for result in predict_files(predictor, files, abstain_below=abstain_below):
            failures += isinstance(result, Failure)
            show.add(result)
            count()
    show.end()
    if failures:
        raise DataError(f"{failures} of {len(files)} files could not be read")


def _names(paths: tuple[str, ...]) -> list[str]:
    names: list[str] = []
    for path in paths:
        if path == "-":
            names += _listed()
        else:
            names.append(path)
    if not names:
        raise UsageError("no path on standard input")
    return names


def _listed() -> list[str]:
    """The lines of standard input; names need not be UTF-8."""
    if sys.stdin is None:
        return []
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")
    return [line.rstrip("\r\n") for line in sys.stdin if line.strip()]
