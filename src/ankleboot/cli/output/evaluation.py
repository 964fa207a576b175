"""Terminal output of `evaluate`, `compare`, `explain` and `report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Column, Table

from ankleboot.cli.output.terminal import (
    Terminal,
    plain_table,
    right_column,
    stdout_console,
    styled,
)
from ankleboot.core.text import truncate_middle
from ankleboot.evaluation.evaluate import Evaluation
from ankleboot.evaluation.statistics import ALPHA

if TYPE_CHECKING:
    from ankleboot.evaluation.compare import Comparison
    from ankleboot.evaluation.report.write import Report

NUM_CONFUSIONS = 3  # listed below the table


def evaluation_result(evaluation: Evaluation, paths: list[Path]) -> None:
    """Print the result of `evaluate`."""
    console = stdout_console()
    _print_accuracy(console, evaluation, f" of {evaluation.data}")
    console.print(
        f"top-2 {100 * evaluation.top2_accuracy:.2f} %   loss {evaluation.loss:.4f}   "
        f"Brier {evaluation.brier:.4f}   ECE {evaluation.ece:.4f}"
    )
    for name, value in evaluation.metrics.items():
        console.print(f"{name.replace('_', ' ')} {value:.4f}")
    table = plain_table(
        Column("class", no_wrap=True), *map(right_column, ("precision", "recall", "F1", "images"))
    )
    for scores in evaluation.per_class:
        values = map(_percent, (scores.precision, scores.recall, scores.f1))
        table.add_row(truncate_middle(scores.label), *values, str(scores.support))
    console.print(table)
    if console.width >= 16 + 6 * len(evaluation.per_class):
        console.print("true class (rows) by predicted class")
        console.print(_confusion_table(evaluation))
    for count, label, predicted in evaluation.confusions[:NUM_CONFUSIONS]:
        console.print(f"{count} x {label} predicted as {predicted}")
    if evaluation.cost.passes_per_image > 1:
        console.print(str(evaluation.cost))
    console.sentences(*evaluation.sentences)
    if evaluation.split == "test":
        console.print(
            f"evaluations of this model on the test split: {evaluation.num_test_evaluations}"
        )
    console.lines(*paths)


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100 * fraction:.1f}"


def _print_accuracy(console: Terminal, evaluation: Evaluation, source: str = "") -> None:
    low, high = evaluation.accuracy_ci95
    console.print(
        styled(
            (f"{100 * evaluation.accuracy:.2f} %", "bold"),
            f" of {evaluation.num_examples:,} {evaluation.split} images{source} correct "
            f"(95 % interval {100 * low:.2f} to {100 * high:.2f})",
        )
    )


def _confusion_table(evaluation: Evaluation) -> Table:
    names = [scores.label for scores in evaluation.per_class]
    table = plain_table(
        Column(no_wrap=True), *(right_column(name[:5], no_wrap=True) for name in names)
    )
    for index, (name, row) in enumerate(zip(names, evaluation.confusion_matrix, strict=True)):
        cells = (
            styled((str(n), "bold")) if index == column else str(n or ".")
            for column, n in enumerate(row)
        )
        table.add_row(truncate_middle(name), *cells)
    return table


def comparison_result(comparison: Comparison, paths: list[Path]) -> None:
    """Print the result of `compare`."""
    console = stdout_console()
    is_test = comparison.split == "test"
    table = plain_table(
        Column("model", overflow="fold"),
        right_column(f"accuracy on {comparison.num_examples:,} {comparison.split} images"),
        right_column("95 %", no_wrap=True),
        *([right_column("test evaluations")] if is_test else []),
    )
    for estimate in comparison.models:
        low, high = estimate.accuracy_ci95
        row = [f"{100 * estimate.accuracy:.2f} %", f"{100 * low:.2f} to {100 * high:.2f}"]
        count = [str(comparison.num_test_evaluations[estimate.model])] if is_test else []
        table.add_row(estimate.model, *row, *count)
    console.print(table)
    for group in comparison.groups:
        if group.std is not None:
            mean = f"{100 * group.mean:.2f} +- {100 * group.std:.2f} %"
            console.print(f"{group.name}: {mean} over {len(group.models)} runs")
    console.sentences(*comparison.sentences)
    if len(comparison.pairs) == 1:
        pair = comparison.pairs[0]
        console.lines(
            *(
                f"{scores.label}: only {pair.first} correct on {scores.only_first}, only "
                f"{pair.second} on {scores.only_second} (p = {scores.p_value:.2g})"
                for scores in pair.per_class
                if scores.p_value < ALPHA
            )
        )
    console.lines(*paths)


def explanation_result(documents: Sequence[dict[str, Any]]) -> None:
    """Print the result of `explain`."""
    stdout_console().lines(
        *(
            f"{document['label']} ({100 * document['confidence']:.0f} %): {document['picture']}"
            for document in documents
        )
    )


def report_result(report: Report) -> None:
    """Print the result of `report`."""
    console = stdout_console()
    _print_accuracy(console, report.evaluation)
    console.sentences(*report.sentences)
    console.lines(report.path)
