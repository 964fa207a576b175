"""`ankleboot predict`: label pictures."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ankleboot.cli.options import model_option
from ankleboot.core.errors import DataError, UsageError

if TYPE_CHECKING:  # help and errors need no NumPy
    from ankleboot.inference.predict import Prediction, PreparedImage


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@model_option
@click.option(
    "--abstain-below",
    type=click.FloatRange(0, 1),
    help="Confidence that an answer needs. [default: the model's own threshold]",
)
@click.option(
    "--show-steps",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write a strip of pictures for each: what was found and what the network sees.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per picture.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
def predict(
    paths: tuple[str, ...],
    model: Path,
    abstain_below: float | None,
    show_steps: Path | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Say what garment each picture shows.

    Photographs are answered by the shipped model for photographs, 28 x 28 grey pixels by that of
    Fashion-MNIST; --model zero-shot asks networks that never learned from a photograph. An answer
    that should not be relied on is marked, with the reason.

    PATH is a file, a folder, a pattern in quotes, or - for a list of them on standard input, one
    per line. PNG, JPEG, WebP, BMP, GIF, TIFF; HEIC with ankleboot[heif]. A file that cannot be read
    does not stop the others; the exit code is 3 then.
    """
    from ankleboot.cli import output
    from ankleboot.data.preprocessing.find_images import find_images
    from ankleboot.inference.predict import FailedImage, load_router, predict_files

    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other")
    files = find_images(_names(paths), output.log_line)
    experts = load_router(model)
    steps = _Steps(show_steps) if show_steps else None
    show: Any = output.PredictionTable()
    if as_json:
        show = output.JsonLines()
    elif as_csv:
        show = output.CsvLines(experts.usual.info)
    failures = 0
    with output.counting(len(files), "pictures") as count:
        for result in predict_files(experts, files, abstain_below=abstain_below, show=steps):
            failures += isinstance(result, FailedImage)
            show.add(result)
            count()
    show.end()
    if failures:
        raise DataError(f"{failures} of {len(files)} files could not be read")


class _Steps:
    """Writes the strips, named after their pictures."""

    def __init__(self, folder: Path) -> None:
        from ankleboot.core.files import make_folder

        make_folder(folder)
        self._folder, self._taken = folder, set[str]()

    def __call__(self, looked: PreparedImage, prediction: Prediction) -> None:
        from ankleboot.core.files import atomic_write
        from ankleboot.data.preprocessing.visualize import preprocessing_strip

        stem, number = Path(prediction.path).stem, 1
        name = stem
        while name in self._taken:  # pictures of one name in several folders
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name)
        said = prediction.reason or f"{prediction.label}, {100 * prediction.confidence:.0f} % sure"
        picture = preprocessing_strip(looked.pixels, looked.garment, looked.image, said)
        atomic_write(self._folder / f"{name}.png", lambda temp: picture.save(temp, "PNG"))


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
