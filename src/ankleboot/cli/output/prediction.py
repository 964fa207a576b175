"""Predictions as a table, JSON lines or CSV; preprocessing steps as images; results of exports."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from ankleboot.cli.output.terminal import print_paths, stdout_console
from ankleboot.core.files import atomic_write, make_folder
from ankleboot.core.text import escape_unprintable, truncate_middle
from ankleboot.inference.decide import Prediction
from ankleboot.inference.predict import FailedImage
from ankleboot.inference.prepare import PreparedImage
from ankleboot.models.files.metadata import ModelMetadata

if TYPE_CHECKING:  # imports TensorFlow
    from ankleboot.export.export import ExportResult

MIN_SHOWN_PROB = 0.05  # probability of a second label that the table shows


def prediction_printer(
    info: ModelMetadata, *, as_json: bool, as_csv: bool
) -> JsonLines | CsvLines | PredictionTable:
    """Return the printer that the options of `predict` ask for."""
    if as_json:
        return JsonLines()
    return CsvLines(info) if as_csv else PredictionTable()


class JsonLines:
    """One JSON object per line, as soon as it is known."""

    def add(self, result: Prediction | FailedImage) -> None:
        print(json.dumps(result.to_json()), flush=True)

    def end(self) -> None:
        pass


class CsvLines:
    """A header, and a line per image with the probability of every class."""

    def __init__(self, info: ModelMetadata) -> None:
        self._labels = info.predicted_labels
        self._writer = csv.writer(sys.stdout, lineterminator="\n")
        columns = ("path", "label", "index", "confidence", "abstained", "reason", "error")
        self._writer.writerow([*columns, *self._labels, "none_of_these"])

    def add(self, result: Prediction | FailedImage) -> None:
        path = escape_unprintable(result.path)
        if isinstance(result, FailedImage):
            row: list[object] = [path, *[""] * 5, result.error, *[""] * (len(self._labels) + 1)]
        else:
            probs = [*(result.probs[label] for label in self._labels), result.none_of_these]
            figures = [result.index, f"{result.confidence:.6f}", str(result.abstained).lower()]
            numbers = [f"{prob:.6f}" for prob in probs]
            row = [path, result.label, *figures, result.reason or "", "", *numbers]
        self._writer.writerow(row)

    def end(self) -> None:
        pass


class PredictionTable:
    """A table of label, confidence, and the second label or the reason to abstain."""

    def __init__(self) -> None:
        self._table = Table(box=None, pad_edge=False)
        self._table.add_column("image", overflow="fold")
        self._table.add_column("label", no_wrap=True)
        self._table.add_column("confidence", justify="right", no_wrap=True)
        self._table.add_column("second label or reason", overflow="fold")

    def add(self, result: Prediction | FailedImage) -> None:
        path = Text(escape_unprintable(result.path))
        if isinstance(result, FailedImage):
            self._table.add_row(path, Text(result.error, style="red"), "", "")
            return
        label, style = truncate_middle(result.label), ""
        second = sorted(result.probs, key=lambda name: -result.probs[name])[1]
        prob = result.probs[second]
        remark = f"{truncate_middle(second)} {100 * prob:.0f} %" if prob >= MIN_SHOWN_PROB else ""
        if result.abstained:
            label, style, remark = f"{label}?", "yellow", result.reason or ""
        confidence = f"{100 * result.confidence:.0f} %"
        self._table.add_row(path, Text(label, style=style), confidence, Text(remark))

    def end(self) -> None:
        stdout_console().print(self._table)


class StepsWriter:
    """Writer of the preprocessing steps of images, to files with the names of the images."""

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self._folder, self._names = folder, set[str]()

    def __call__(self, prepared: PreparedImage, prediction: Prediction) -> None:
        from ankleboot.data.preprocessing.visualize import preprocessing_strip

        caption = (
            prediction.reason or f"{prediction.label}, {100 * prediction.confidence:.0f} % sure"
        )
        strip = preprocessing_strip(
            prepared.decoded.pixels, prepared.garment, prepared.image, caption
        )
        path = self._folder / f"{self._unused_name(Path(prediction.path).stem)}.png"
        atomic_write(path, lambda temp: strip.save(temp, "PNG"))

    def _unused_name(self, stem: str) -> str:
        """Number equal names of images in several folders."""
        name, number = stem, 1
        while name in self._names:
            number += 1
            name = f"{stem}-{number}"
        self._names.add(name)
        return name


def export_result(result: ExportResult) -> None:
    """Print the result of `export`."""
    console = stdout_console()
    parity, latency = result.parity, result.latency_ms
    num_equal = round(parity.top1_agreement * parity.num_examples)
    agreement = (
        f"same label as Keras on {num_equal:,} of {parity.num_examples:,} {parity.split} images; "
        f"probabilities within {parity.max_abs_diff:.1g}"
    )
    if parity.accuracy_change is not None:
        agreement += f"; accuracy {100 * parity.accuracy_change:+.2f} points"
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_row("format", result.format)
    rows.add_row("bytes", f"{result.bytes:,}")
    rows.add_row("parity", agreement)
    rows.add_row("one image", f"{latency.p50:.3f} ms (p50), {latency.p99:.3f} ms (p99)")
    console.print(rows)
    print_paths(console, [result.path])
