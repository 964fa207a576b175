"""Predictions as a table, JSON lines or CSV; preprocessing steps as images; results of exports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Column
from rich.text import Text

from ankleboot.cli.output.plain import print_csv, print_json
from ankleboot.cli.output.terminal import plain_table, right_column, stdout_console, styled
from ankleboot.core.files import atomic_write, make_folder
from ankleboot.core.text import folder_name, truncate_middle
from ankleboot.inference.decide import Prediction
from ankleboot.inference.predict import FailedImage, PreparedImage
from ankleboot.models.files.metadata import ModelMetadata

if TYPE_CHECKING:  # imports TensorFlow
    from ankleboot.export.export import ExportResult
    from ankleboot.inference.bulk.predict_bulk import BulkResult  # imports pyarrow

Result = Prediction | FailedImage

MIN_SHOWN_PROB = 0.05  # probability of a second label that the table shows


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
        table = plain_table(
            Column("image", overflow="fold"),
            Column("label", no_wrap=True),
            right_column("confidence", no_wrap=True),
            Column("second label or reason", overflow="fold"),
        )
        yield lambda result: table.add_row(*_table_row(result))
        stdout_console().print(table)


def _csv_row(result: Result, labels: Sequence[str]) -> list[object]:
    if isinstance(result, FailedImage):
        return [result.path, *[""] * 5, result.error, *[""] * (len(labels) + 1)]
    probs = [*(result.probs[label] for label in labels), result.none_of_these]
    figures = [result.index, f"{result.confidence:.6f}", str(result.abstained).lower()]
    numbers = [f"{prob:.6f}" for prob in probs]
    return [result.path, result.label, *figures, result.reason or "", "", *numbers]


def _table_row(result: Result) -> list[Text | str]:
    if isinstance(result, FailedImage):
        return [result.path, styled((result.error, "red"))]
    label, style = truncate_middle(result.label), ""
    second = sorted(result.probs, key=lambda name: -result.probs[name])[1]
    prob = result.probs[second]
    remark = f"{truncate_middle(second)} {100 * prob:.0f} %" if prob >= MIN_SHOWN_PROB else ""
    if result.abstained:
        label, style, remark = f"{label}?", "yellow", result.reason or ""
    return [result.path, styled((label, style)), f"{100 * result.confidence:.0f} %", remark]


class StepsWriter:
    """Writer of the preprocessing steps of images, to files with the names of the images."""

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self._folder, self._names = folder, set[str]()

    def __call__(self, prepared: PreparedImage, prediction: Prediction) -> None:
        from ankleboot.data.preprocessing.visualize import preprocessing_strip

        sure = f"{prediction.label}, {100 * prediction.confidence:.0f} % sure"
        strip = preprocessing_strip(
            prepared.decoded.pixels, prepared.garment, prepared.image, prediction.reason or sure
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
        table.add_row(truncate_middle(label), f"{number:,}")
    for words, number in (("no reliable label", result.num_unsure), ("unread", result.num_failed)):
        if number:
            table.add_row(styled((words, "yellow")), f"{number:,}")
    console.print(table)
    console.lines(f"{result.path}: {result.num_images:,} images, {result.seconds:,.0f} s")


def export_result(result: ExportResult) -> None:
    """Print the result of `export`."""
    console = stdout_console()
    parity, latency = result.parity, result.latency_ms
    num_equal = round(parity.top1_agreement * parity.num_examples)
    images = f"{parity.num_examples:,} {parity.split} images"
    agreement = (
        f"same label as the original on {num_equal:,} of {images}; "
        f"probabilities within {parity.max_abs_diff:.1g}"
    )
    if parity.accuracy_change is not None:
        agreement += f"; accuracy {100 * parity.accuracy_change:+.2f} points"
    rows = plain_table(show_header=False)
    rows.add_row("format", result.format)
    rows.add_row("bytes", f"{result.bytes:,}")
    rows.add_row("parity", agreement)
    if result.passes > 1:
        rows.add_row("cost", f"{result.passes} networks of {result.parameters:,} parameters in all")
    rows.add_row("one image", f"{latency.p50:.3f} ms (p50), {latency.p99:.3f} ms (p99)")
    console.print(rows)
    console.lines(result.path)
