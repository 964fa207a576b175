"""Answers about pictures: a table for people, lines for machines; and the end of an export."""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from ankleboot.cli.output.terminal import print_paths, stdout_console
from ankleboot.core.text import escape_unprintable, truncate_middle
from ankleboot.inference.predict import FailedImage, Prediction
from ankleboot.models.files.metadata import ModelMetadata

if TYPE_CHECKING:  # it imports TensorFlow
    from ankleboot.export.export import ExportResult

WORTH_SAYING = 0.05  # probability of a second answer


class JsonLines:
    """One JSON object per line, as soon as it is there."""

    def add(self, result: Prediction | FailedImage) -> None:
        print(json.dumps(result.to_json()), flush=True)

    def end(self) -> None:
        pass


class CsvLines:
    """A header, and a line per picture with the probability of every class."""

    def __init__(self, info: ModelMetadata) -> None:
        self._labels = [label for label in info.labels if label not in info.reject_labels]
        self._writer = csv.writer(sys.stdout, lineterminator="\n")
        names = ("path", "label", "index", "confidence", "abstained", "reason", "error")
        self._writer.writerow([*names, *self._labels, "none_of_these"])

    def add(self, result: Prediction | FailedImage) -> None:
        path = escape_unprintable(result.path)
        if isinstance(result, FailedImage):
            row: list[object] = [path, *[""] * 5, result.error, *[""] * (len(self._labels) + 1)]
        else:
            shares = [*(result.probs[label] for label in self._labels), result.none_of_these]
            figures = [result.index, f"{result.confidence:.6f}", str(result.abstained).lower()]
            numbers = [f"{share:.6f}" for share in shares]
            row = [path, result.label, *figures, result.reason or "", "", *numbers]
        self._writer.writerow(row)

    def end(self) -> None:
        pass


class PredictionTable:
    """For people: label, confidence, and the next best answer or why there is none."""

    def __init__(self) -> None:
        self._table = Table(box=None, pad_edge=False)
        self._table.add_column("picture", overflow="fold")
        self._table.add_column("shows", no_wrap=True)
        self._table.add_column("sure", justify="right", no_wrap=True)
        self._table.add_column("or else", overflow="fold")

    def add(self, result: Prediction | FailedImage) -> None:
        path = Text(escape_unprintable(result.path))
        if isinstance(result, FailedImage):
            self._table.add_row(path, Text(result.error, style="red"), "", "")
            return
        second = sorted(result.probs, key=lambda label: -result.probs[label])[1]
        share = result.probs[second]
        other = f"{truncate_middle(second)} {100 * share:.0f} %" if share >= WORTH_SAYING else ""
        label, style = truncate_middle(result.label), ""
        if result.abstained:
            label, style = f"{label}?", "yellow"
            other = result.reason or ""
        sure = f"{100 * result.confidence:.0f} %"
        self._table.add_row(path, Text(label, style=style), sure, Text(other))

    def end(self) -> None:
        stdout_console().print(self._table)


def export_result(exported: ExportResult) -> None:
    """The result of `export`."""
    console = stdout_console()
    parity, latency = exported.parity, exported.latency_ms
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_row("format", exported.format)
    rows.add_row("bytes", f"{exported.bytes:,}")
    same = round(parity.top1_agreement * parity.num_examples)
    agreement = (
        f"same first answer as Keras on {same:,} of {parity.num_examples:,} {parity.split} images; "
        f"probabilities within {parity.max_abs_diff:.1g}"
    )
    if parity.accuracy_change is not None:
        agreement += f"; accuracy {100 * parity.accuracy_change:+.2f} points"
    rows.add_row("parity", agreement)
    rows.add_row("one image", f"{latency.p50:.3f} ms (p50), {latency.p99:.3f} ms (p99)")
    console.print(rows)
    print_paths(console, [exported.path])
