"""Predictions as a table, JSON lines or CSV; preprocessing steps as images; results of exports."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.table import Column, Table
from rich.text import Text

from ankleboot.cli.output.plain import print_csv, print_json, print_lines
from ankleboot.cli.output.terminal import (
    Terminal,
    log_line,
    next_command,
    plain_table,
    right_column,
    stdout_console,
    styled,
)
from ankleboot.core.files import atomic_write, make_folder
from ankleboot.core.text import escape_unprintable, folder_name, percent_text
from ankleboot.data.preprocessing.segmentation import Box
from ankleboot.inference.decide import WITHOUT_LABEL, GarmentPrediction, Prediction
from ankleboot.inference.predict import FailedImage, PreparedImage
from ankleboot.models.files.metadata import ModelMetadata

if TYPE_CHECKING:  # imports TensorFlow
    from ankleboot.export.export import ExportResult
    from ankleboot.inference.bulk.predict_bulk import BulkResult  # imports pyarrow

Result = Prediction | FailedImage

REMARK = "second label, or reason"
MIN_SHOWN_PROB = 0.05  # probability of a second label that is shown
NUM_OTHER_CHARACTERS = 50  # of a line, for what stands beside a label


@contextmanager
def prediction_printer(
    info: ModelMetadata, *, as_json: bool, as_csv: bool
) -> Iterator[Callable[[Result], object]]:
    """Yield the function that prints a result as the options of `predict` ask."""
    if as_json:  # an object per line, as soon as it is known
        yield lambda result: print_json(result.to_json(), indent=None)
    elif as_csv:
        columns = ("path", "label", "index", "confidence", "abstained", "reason", "error")
        print_csv([*columns, *info.predicted_labels, "none_of_these"])
        yield lambda result: print_csv(_csv_row(result, info.predicted_labels))
    else:
        with _for_people() as show:
            yield show


@contextmanager
def _for_people() -> Iterator[Callable[[Result], object]]:
    """Yield the function that shows a result to people; failures are left to `list_failures`.

    In a pipe each prediction is a line that ends with the path of the image, printed at once. A
    terminal shows several garments on a photo in lines of their own, a pipe behind the reason.
    """
    console = stdout_console()
    predictions: list[Prediction] = []  # of a table, whose columns need all of them

    def show(result: Result) -> None:
        if isinstance(result, FailedImage):
            return
        if console.is_terminal:
            predictions.append(result)
            return
        label, confidence, remark = _describe(console, result)
        explained = ", ".join(text for text in (confidence, remark) if text)
        garments = ", ".join(map(_short, result.garments))
        explained = ": ".join(text for text in (explained, garments) if text)
        print_lines("  ".join((str(label), explained, result.path)))

    yield show
    if predictions:
        console.table(_table(console, predictions))


def _table(console: Terminal, predictions: Sequence[Prediction]) -> Table:
    """Return a table of predictions; its header names the folder of all images."""
    folder = _common_folder([prediction.path for prediction in predictions])
    rows: list[tuple[Text, str, str, str]] = []
    for prediction in predictions:
        rows.append((*_describe(console, prediction), prediction.path.removeprefix(folder)))
        for garment in prediction.garments:
            rows.append((*_describe(console, garment, "  "), _place(garment.box)))
    remark_width, name_width = _widths(console, rows)
    table = plain_table(
        Column("label", no_wrap=True),
        right_column("confidence", no_wrap=True),
        Column(REMARK, max_width=remark_width),
        Column(f"image in {folder}" if folder else "image", max_width=name_width),
    )
    for row in rows:
        table.add_row(*row)
    return table


def _widths(
    console: Terminal, rows: Sequence[tuple[Text, str, str, str]]
) -> tuple[int, int] | tuple[None, None]:
    """Return the widths of remarks and names with which no name is broken.

    None if the remarks would need more than about two lines; then both columns are broken.
    """
    label, remark, name = (
        max(cell_len(escape_unprintable(str(row[i]))) for row in rows) for i in (0, 2, 3)
    )
    others = max(label, len("label")) + len("confidence") + 6  # two blanks between columns
    left = console.width - others - name
    if left < max(len("or reason"), math.ceil(remark / 2) + 2):
        return None, None
    return left, max(name, name + left - max(remark, len(REMARK)))  # a long header, too


def _common_folder(paths: Sequence[str]) -> str:
    """Return the part that the paths of several images share, up to a separator; else ""."""
    if len(paths) == 1:
        return ""
    shared = os.path.commonprefix(paths)
    return shared[: shared.rfind(os.sep) + 1]


def list_failures(failed: Sequence[FailedImage]) -> None:
    """List the images that could not be read, with the reasons, on stderr."""
    log_line("could not be read:")
    for failure in failed:
        log_line(f"  {failure.path}: {failure.error}")


def _csv_row(result: Result, labels: Sequence[str]) -> list[object]:
    if isinstance(result, FailedImage):
        return [result.path, *[""] * 5, result.error, *[""] * (len(labels) + 1)]
    probs = [*(result.probs[label] for label in labels), result.none_of_these]
    figures = [result.index, f"{result.confidence:.6f}", str(result.abstained).lower()]
    numbers = [f"{prob:.6f}" for prob in probs]
    return [result.path, result.label, *figures, result.reason or "", "", *numbers]


def _describe(
    console: Terminal, result: Prediction | GarmentPrediction, indent: str = ""
) -> tuple[Text, str, str]:
    """Return label, confidence, and the second label or the reason to abstain."""
    if result.cause in WITHOUT_LABEL:
        return styled((f"{indent}no prediction", "yellow")), "", result.reason or ""
    label = indent + console.fit_name(result.label, beside=NUM_OTHER_CHARACTERS)
    confidence = percent_text(result.confidence)
    if result.abstained:
        return styled((f"{label}?", "yellow")), confidence, result.reason or ""
    return styled(label), confidence, _second_label(console, result)


def _second_label(console: Terminal, result: Prediction | GarmentPrediction) -> str:
    """Return the second label of an image; "" if it has little probability."""
    if isinstance(result, GarmentPrediction):  # which has the probability of one label
        return ""
    second = sorted(result.probs, key=lambda name: -result.probs[name])[1]
    prob, name = result.probs[second], console.fit_name(second, beside=NUM_OTHER_CHARACTERS)
    return f"or {name} {percent_text(prob)}" if prob >= MIN_SHOWN_PROB else ""


def _place(box: Box) -> str:
    """Return in which of nine parts of the photo the middle of a box lies."""
    down, across = box.top + box.height / 2, box.left + box.width / 2
    row = ("top", "", "bottom")[int(3 * down)]
    column = ("left", "", "right")[int(3 * across)]
    return f"at the {f'{row} {column}'.strip() or 'center'}"


def _short(garment: GarmentPrediction) -> str:
    """Return label and confidence of one of several garments, or the reason for no label."""
    if garment.cause in WITHOUT_LABEL:
        return garment.reason or ""
    return f"{garment.label}{'?' * garment.abstained} {percent_text(garment.confidence)}"


class StepsWriter:
    """Writer of the preprocessing steps of images, to files with the names of the images."""

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self._folder, self._names = folder, set[str]()

    def __call__(self, prepared: PreparedImage, prediction: Prediction) -> None:
        from ankleboot.data.preprocessing.visualize import preprocessing_strip

        sure = f"{prediction.label}, {percent_text(prediction.confidence)} sure"
        strip = preprocessing_strip(
            prepared.decoded.pixels,
            prepared.garment,
            prepared.image,
            prediction.reason or sure,
            [(garment.box, _short(garment)) for garment in prediction.garments],
        )
        path = self._folder / f"{self._unused_name(folder_name(Path(prediction.path).stem))}.png"
        atomic_write(path, lambda temp: strip.save(temp, "PNG"))

    def _unused_name(self, stem: str) -> str:
        """Number equal names of images in several folders."""
        numbered = chain([stem], (f"{stem}-{number}" for number in count(2)))
        name = next(name for name in numbered if name not in self._names)
        self._names.add(name)
        return name


def bulk_result(result: BulkResult) -> None:
    """Print the result of `predict --output`."""
    console = stdout_console()
    table = plain_table("label", right_column("images"))
    for label, number in sorted(result.counts.items(), key=lambda item: -item[1]):
        table.add_row(console.fit_name(label, beside=20), f"{number:,}")
    for words, number in (("no reliable label", result.num_unsure), ("unread", result.num_failed)):
        if number:
            table.add_row(styled((words, "yellow")), f"{number:,}")
    console.table(table)
    console.lines(f"{result.path}: {result.num_images:,} images, {result.seconds:,.0f} s")


def export_result(result: ExportResult, *, following: str, verbose: bool = False) -> None:
    """Print the result of `export` and the command to type next; `verbose` adds all figures."""
    console = stdout_console()
    parity, latency = result.parity, result.latency_ms
    num_equal = round(parity.top1_agreement * parity.num_examples)
    images = f"{parity.num_examples:,} {parity.split} images"
    agreement = f"same label as the original on {num_equal:,} of {images}"
    agreement += f", probabilities within {parity.max_abs_diff:.1g}"
    if parity.accuracy_change is not None:
        agreement += f"; accuracy {100 * parity.accuracy_change:+.2f} points"
    console.lines(result.path)
    console.sentences(
        f"{result.format} ({result.weights}): {result.bytes:,} bytes, "
        f"{latency.p50:.3f} ms for an image",
        agreement,
    )
    if result.passes > 1:
        console.sentences(f"{result.passes} networks of {result.parameters:,} parameters in all")
    if verbose:
        rows = plain_table(show_header=False)
        rows.add_row("one image", f"{latency.p50:.3f} ms (p50), {latency.p99:.3f} ms (p99)")
        rows.add_row("parameters", f"{result.parameters:,}")
        console.table(rows)
    next_command(console, following, "" if verbose else "latency and parameters")
