"""Terminal output of `evaluate`, `compare`, `explain` and `report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ankleboot.cli.output.terminal import print_paths, stdout_console
from ankleboot.core.text import truncate_middle
from ankleboot.evaluation.comparison import ALPHA, Comparison, PairwiseComparison
from ankleboot.evaluation.evaluate import Evaluation

if TYPE_CHECKING:  # imports matplotlib and jinja2
    from ankleboot.evaluation.report.write import Report

NUM_CONFUSIONS = 3  # listed below the table


def evaluation_result(evaluation: Evaluation, paths: list[Path]) -> None:
    """Print the result of `evaluate`."""
    console = stdout_console()
    _print_accuracy(console, evaluation, f" of {escape(evaluation.data)}")
    console.print(
        f"top-2 {100 * evaluation.top2_accuracy:.2f} %   loss {evaluation.loss:.4f}   "
        f"Brier {evaluation.brier:.4f}   ECE {evaluation.ece:.4f}"
    )
    for name, value in evaluation.metrics.items():
        console.print(f"{name.replace('_', ' ')} {value:.4f}", markup=False)
    table = Table(box=None, pad_edge=False)
    table.add_column("class", no_wrap=True)
    for name in ("precision", "recall", "F1", "images"):
        table.add_column(name, justify="right")
    for scores in evaluation.per_class:
        values = (f"{100 * value:.1f}" for value in (scores.precision, scores.recall, scores.f1))
        table.add_row(Text(truncate_middle(scores.label)), *values, str(scores.support))
    console.print(table)
    if console.width >= 16 + 6 * len(evaluation.per_class):
        console.print("true class (rows) by predicted class")
        console.print(_confusion_table(evaluation))
    for count, label, predicted in evaluation.confusions[:NUM_CONFUSIONS]:
        console.print(f"{count} x {label} predicted as {predicted}", markup=False)
    if evaluation.split == "test":
        console.print(
            f"evaluations of this model on the test split: {evaluation.num_test_evaluations}"
        )
    print_paths(console, paths)


def _print_accuracy(console: Console, evaluation: Evaluation, source: str = "") -> None:
    low, high = evaluation.accuracy_ci95
    console.print(
        f"[bold]{100 * evaluation.accuracy:.2f} %[/bold] of {evaluation.num_examples:,} "
        f"{evaluation.split} images{source} correct "
        f"(95 % interval {100 * low:.2f} to {100 * high:.2f})"
    )


def _confusion_table(evaluation: Evaluation) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    names = [scores.label for scores in evaluation.per_class]
    for name in names:
        table.add_column(Text(name[:5]), justify="right", no_wrap=True)
    for index, (name, row) in enumerate(zip(names, evaluation.confusion_matrix, strict=True)):
        cells = (
            f"[bold]{n}[/bold]" if index == column else str(n or ".")
            for column, n in enumerate(row)
        )
        table.add_row(Text(truncate_middle(name)), *cells)
    return table


def comparison_result(comparison: Comparison, paths: list[Path]) -> None:
    """Print the result of `compare`."""
    console = stdout_console()
    is_test = comparison.split == "test"
    table = Table(box=None, pad_edge=False)
    table.add_column("model", overflow="fold")
    images = f"{comparison.num_examples:,} {comparison.split} images"
    table.add_column(f"accuracy on {images}", justify="right")
    table.add_column("95 %", justify="right", no_wrap=True)
    if is_test:
        table.add_column("test evaluations", justify="right")
    for estimate in comparison.models:
        low, high = estimate.accuracy_ci95
        row = [f"{100 * estimate.accuracy:.2f} %", f"{100 * low:.2f} to {100 * high:.2f}"]
        count = [str(comparison.num_test_evaluations[estimate.model])] if is_test else []
        table.add_row(estimate.model, *row, *count)
    console.print(table)
    for group in comparison.groups:
        if group.std is not None:
            mean = f"{100 * group.mean:.2f} +- {100 * group.std:.2f} %"
            console.print(f"{group.name}: {mean} over {len(group.models)} runs", markup=False)
    for sentence in comparison.sentences:
        console.print(sentence, markup=False, soft_wrap=not console.is_terminal)
    if len(comparison.pairs) == 1:
        _print_class_differences(console, comparison.pairs[0])
    print_paths(console, paths)


def _print_class_differences(console: Console, pair: PairwiseComparison) -> None:
    for scores in pair.per_class:
        if scores.p_value < ALPHA:
            console.print(
                f"{scores.label}: only {pair.first} correct on {scores.only_first}, only "
                f"{pair.second} on {scores.only_second} (p = {scores.p_value:.2g})",
                markup=False,
                soft_wrap=True,
            )


def explanation_result(documents: Sequence[dict[str, Any]]) -> None:
    """Print the result of `explain`."""
    console = stdout_console()
    for document in documents:
        console.print(
            f"{document['label']} ({100 * document['confidence']:.0f} %): {document['picture']}",
            markup=False,
            soft_wrap=True,
        )


def report_result(report: Report) -> None:
    """Print the result of `report`."""
    console = stdout_console()
    _print_accuracy(console, report.evaluation)
    for sentence in report.sentences:
        console.print(sentence, markup=False, soft_wrap=not console.is_terminal)
    print_paths(console, [report.path])
