"""Terminal output of `evaluate`, `compare`, `explain` and `report`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.table import Column, Table

from ankleboot.cli.output.terminal import (
    Terminal,
    next_command,
    plain_table,
    right_column,
    stdout_console,
    styled,
)
from ankleboot.evaluation.evaluate import Evaluation
from ankleboot.evaluation.statistics import ALPHA

if TYPE_CHECKING:
    from ankleboot.evaluation.compare import Comparison
    from ankleboot.evaluation.explain.explanation import Explanation
    from ankleboot.evaluation.model_pairs import PairwiseComparison
    from ankleboot.evaluation.report.write import Report

NUM_CONFUSIONS = 3  # most frequent errors that are named
NUM_CLASS_ROWS = 10  # classes that `compare` lists
NUM_SCORE_CHARACTERS = 36  # of the columns beside the names of the classes
MIN_MATRIX_WIDTH = 30  # characters of a line that the names of the classes leave to the counts


def evaluation_result(
    evaluation: Evaluation,
    paths: Sequence[Path],
    *,
    is_calibrated: bool,
    following: str,
    verbose: bool = False,
) -> None:
    """Print the result of `evaluate`.

    Args:
        evaluation: Result to print.
        paths: Files that were written, which `verbose` shows.
        is_calibrated: Whether a calibration was fitted for the model.
        following: Command to type next.
        verbose: Whether the classes, the confusion matrix and the files are shown as well.
    """
    console = stdout_console()
    _print_accuracy(console, evaluation, f" of {evaluation.data}")
    if evaluation.confusions:
        errors = (f"{n} x {a} as {b}" for n, a, b in evaluation.confusions)
        console.sentences(f"most errors: {', '.join(islice(errors, NUM_CONFUSIONS))}")
    state = "after calibration" if is_calibrated else "without calibration"
    others = (f"{key.replace('_', ' ')} {value:.4f}" for key, value in evaluation.metrics.items())
    console.sentences(
        ", ".join((f"loss {evaluation.loss:.4f} {state}", f"ECE {evaluation.ece:.4f}", *others))
    )
    if evaluation.cost.passes_per_image > 1:
        console.sentences(str(evaluation.cost))
    if verbose:
        _print_details(console, evaluation)
    console.sentences(*evaluation.sentences)
    if evaluation.split == "test":
        console.print(
            f"evaluations of this model on the test split: {evaluation.num_test_evaluations}"
        )
    if verbose:
        console.lines(*paths)
    next_command(console, following, "" if verbose else "classes, confusion matrix and files")


def _print_details(console: Terminal, evaluation: Evaluation) -> None:
    """Print what `evaluate --verbose` adds."""
    console.print(
        f"top-2 accuracy {100 * evaluation.top2_accuracy:.2f} %, Brier score {evaluation.brier:.4f}"
    )
    table = plain_table(
        Column("class", no_wrap=True), *map(right_column, ("precision", "recall", "F1", "images"))
    )
    for scores in evaluation.per_class:
        values = map(_percent, (scores.precision, scores.recall, scores.f1))
        name = console.fit_name(scores.label, beside=NUM_SCORE_CHARACTERS)
        table.add_row(name, *values, str(scores.support))
    console.table(table)
    console.print("true class (rows) by predicted class (columns, by number)")
    for part in _confusion_tables(console, evaluation):
        console.table(part)


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


def _confusion_tables(console: Terminal, evaluation: Evaluation) -> Iterator[Table]:
    """Yield the confusion matrix, in several tables of some columns each if it is too wide."""
    matrix = evaluation.confusion_matrix
    last = len(matrix) - 1
    names = [
        f"{number:>{len(str(last))}} {console.fit_name(scores.label, beside=MIN_MATRIX_WIDTH)}"
        for number, scores in enumerate(evaluation.per_class)
    ]
    width = 1 + max(len(str(count)) for count in (last, *chain(*matrix)))
    num_columns = max(1, (console.width - max(map(cell_len, names))) // width)
    for start in range(0, len(matrix), num_columns):
        columns = range(len(matrix))[start : start + num_columns]
        numbers = (right_column(str(i), no_wrap=True) for i in columns)
        table = plain_table(Column(no_wrap=True), *numbers, padding=(0, 1, 0, 0))
        for index, (name, row) in enumerate(zip(names, matrix, strict=True)):
            cells = (
                styled((str(row[i]), "bold")) if index == i else str(row[i] or ".") for i in columns
            )
            table.add_row(name, *cells)
        yield table


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
    console.table(table)
    for group in comparison.groups:
        if group.std is not None:
            mean = f"{100 * group.mean:.2f} +- {100 * group.std:.2f} %"
            console.print(f"{group.name}: {mean} over {len(group.models)} runs")
    console.sentences(*comparison.sentences)
    if len(comparison.pairs) == 1:
        _print_class_differences(console, comparison.pairs[0])
    console.lines(*paths)


def _print_class_differences(console: Terminal, pair: PairwiseComparison) -> None:
    """Print the classes in which one of two models is better, the largest difference first."""
    rows = [scores for scores in pair.per_class if scores.p_value < ALPHA]
    if not rows:
        return
    rows.sort(key=lambda scores: -abs(scores.only_first - scores.only_second))
    console.sentences(f"images that only this model gets right, by class (p < {ALPHA}):")
    table = plain_table(
        Column("class", no_wrap=True),
        right_column(pair.first),
        right_column(pair.second),
        right_column("p", no_wrap=True),
    )
    for scores in rows[:NUM_CLASS_ROWS]:
        name = console.fit_name(scores.label, beside=NUM_SCORE_CHARACTERS)
        counts = str(scores.only_first), str(scores.only_second)
        table.add_row(name, *counts, f"{scores.p_value:.2g}")
    console.table(table)
    if len(rows) > NUM_CLASS_ROWS:
        console.sentences(f"{len(rows) - NUM_CLASS_ROWS} more such classes; --json lists them")


def explanation_result(
    explanations: Sequence[Explanation], documents: Sequence[dict[str, Any]]
) -> None:
    """Print the result of `explain`: a line an image, and why a label is not reliable."""
    for explanation, document in zip(explanations, documents, strict=True):
        stdout_console().lines(f"{explanation.verdict(with_reason=True)}: {document['picture']}")


def report_result(report: Report) -> None:
    """Print the result of `report`."""
    console = stdout_console()
    _print_accuracy(console, report.evaluation)
    console.sentences(*report.sentences)
    console.lines(f"{report.path}: open it in a browser", *filter(None, [report.card]))
