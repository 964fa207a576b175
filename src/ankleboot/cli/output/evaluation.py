"""What was found out about a model or a data set, as tables and sentences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ankleboot.cli.output.terminal import print_paths, stdout_console
from ankleboot.core.text import escape_unprintable, truncate_middle
from ankleboot.evaluation.compare import Comparison, PairwiseComparison
from ankleboot.evaluation.evaluate import Evaluation

if TYPE_CHECKING:  # it imports TensorFlow
    from ankleboot.training.data_audit import DataAudit

NUM_CONFUSIONS = 3  # listed below the table
NUM_SUSPECTS = 10  # doubtful labels that are listed


def evaluation_result(evaluation: Evaluation, paths: list[Path]) -> None:
    """The result of `evaluate`."""
    console = stdout_console()
    low, high = evaluation.accuracy_ci95
    console.print(
        f"[bold]{100 * evaluation.accuracy:.2f} %[/bold] of {evaluation.num_examples:,} "
        f"{evaluation.split} images of {escape(evaluation.data)} right "
        f"(95 % interval {100 * low:.2f} to {100 * high:.2f})"
    )
    console.print(
        f"top-2 {100 * evaluation.top2_accuracy:.2f} %   loss {evaluation.loss:.4f}   "
        f"Brier {evaluation.brier:.4f}   ECE {evaluation.ece:.4f}"
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("class", no_wrap=True)
    for name in ("precision", "recall", "F1", "images"):
        table.add_column(name, justify="right")
    for scores in evaluation.per_class:
        figures = (f"{100 * value:.1f}" for value in (scores.precision, scores.recall, scores.f1))
        table.add_row(Text(truncate_middle(scores.label)), *figures, str(scores.support))
    console.print(table)
    if console.width >= 16 + 6 * len(evaluation.per_class):
        console.print("true class (rows) by predicted class")
        console.print(_confusion_table(evaluation))
    for count, true, predicted in _confusions(evaluation)[:NUM_CONFUSIONS]:
        console.print(f"{count} x {true} taken for {predicted}", markup=False)
    if evaluation.split == "test":
        console.print(f"test split looked at with this model: {evaluation.test_reads} x")
    print_paths(console, paths)


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


def _confusions(evaluation: Evaluation) -> list[tuple[int, str, str]]:
    names = [scores.label for scores in evaluation.per_class]
    return sorted(
        (
            (count, names[row], names[column])
            for row, counts in enumerate(evaluation.confusion_matrix)
            for column, count in enumerate(counts)
            if row != column and count
        ),
        reverse=True,
    )


def comparison_result(
    found: Comparison, split: str, reads: dict[str, int], paths: list[Path]
) -> None:
    """The result of `compare`."""
    console = stdout_console()
    table = Table(box=None, pad_edge=False)
    table.add_column("model", overflow="fold")
    table.add_column(f"right of {found.num_examples:,} {split} images", justify="right")
    table.add_column("95 %", justify="right", no_wrap=True)
    if split == "test":
        table.add_column("test looks", justify="right")
    for score in found.models:
        low, high = score.accuracy_ci95
        row = [score.model, f"{100 * score.accuracy:.2f} %", f"{100 * low:.2f} to {100 * high:.2f}"]
        table.add_row(*row, *([str(reads[score.model])] if split == "test" else []))
    console.print(table)
    for group in found.groups:
        if group.std is not None:
            runs = f"{len(group.models)} runs"
            mean = f"{100 * group.mean:.2f} +- {100 * group.std:.2f} %"
            console.print(f"{group.name}: {mean} over {runs}", markup=False)
    for sentence in found.sentences:
        console.print(sentence, markup=False, soft_wrap=not console.is_terminal)
    if len(found.pairs) == 1:
        _class_differences(console, found.pairs[0])
    print_paths(console, paths)


def _class_differences(console: Console, pair: PairwiseComparison) -> None:
    notable = [one for one in pair.per_class if one.p_value < 0.05]
    for one in notable:
        console.print(
            f"{one.label}: {pair.first} alone right on {one.only_first}, {pair.second} alone on "
            f"{one.only_second} (p = {one.p_value:.2g})",
            markup=False,
            soft_wrap=True,
        )


def data_fetched(source: str, paths: list[Path]) -> None:
    """The result of `data fetch`."""
    console = stdout_console()
    console.print(
        f"Fashion-MNIST, every file verified; from {source}", markup=False, soft_wrap=True
    )
    print_paths(console, paths)


def data_verified(document: dict[str, Any]) -> None:
    """The result of `data verify`."""
    console = stdout_console()
    if "findings" in document:
        _pictures(console, document)
        return
    console.print(
        f"{document['data']}: {document['train']:,} training and {document['test']:,} test images, "
        f"every file verified; from {document['source']}",
        markup=False,
        soft_wrap=True,
    )
    for name, digest in document["sha256"].items():
        console.print(f"{digest}  {name}", markup=False, soft_wrap=True)


def _pictures(console: Console, document: dict[str, Any]) -> None:
    """What is in a folder; what is wrong with it has been said on stderr."""
    found = document["findings"]
    counts = found["counts"]
    table = Table(box=None, pad_edge=False)
    table.add_column("class")
    for part in counts:
        table.add_column(part, justify="right")
    for name in counts["train"]:
        figures = (f"{part.get(name, 0):,}" for part in counts.values())
        table.add_row(Text(truncate_middle(name, 60)), *figures)
    sums = (f"{sum(part.values()):,}" for part in counts.values())
    table.add_row("total", *sums, style="bold")
    console.print(table)
    sizes = " to ".join("{1} x {0}".format(*found[key]) for key in ("smallest", "largest"))
    lines = (
        f"{document['source']}: {found['bytes'] / 2**20:,.1f} MiB, {sizes} pixels as decoded",
        f"{len(found['twins']):,} pictures are there more than once, {len(found['leaks']):,} of "
        f"them in more than one part, {len(found['conflicts']):,} under more than one label",
        f"{len(found['bad']):,} cannot be read, {len(found['skipped']):,} other files, "
        f"{len(found['special']):,} links, pipes or devices",
    )
    for line in lines:
        console.print(escape_unprintable(line), markup=False, soft_wrap=True)


def audit_result(found: DataAudit, paths: list[Path]) -> None:
    """The result of `data audit`."""
    console = stdout_console()
    counts = [n for part in found.class_counts.values() for n in part.values()]
    balance = "balanced" if len(set(counts)) <= 2 else f"{min(counts):,} to {max(counts):,} images"
    console.print(f"classes: {balance}")
    console.print(
        f"labels: {len(found.suspects):,} of {found.num_train:,} are doubtful; {found.recipe} is "
        f"right on {100 * found.out_of_fold_accuracy:.2f} % of the images it was not trained on, "
        f"{100 * found.accuracy_without_suspects:.2f} % without the doubtful ones (which are "
        "doubtful because it disagrees)",
        soft_wrap=not console.is_terminal,
    )
    table = Table(box=None, pad_edge=False)
    for name in ("image", "label", "the model says", "quality"):
        table.add_column(name, justify="right" if name == "quality" else "left")
    for one in found.suspects[:NUM_SUSPECTS]:
        said = f"{one.suggested} {100 * one.p_suggested:.0f} %"
        table.add_row(
            str(one.index), Text(truncate_middle(one.label)), Text(said), f"{one.quality:.4f}"
        )
    console.print(table)
    for pair in found.duplicates:
        console.print(
            f"{pair.between}: {pair.exact} exact duplicates, {pair.near} images with a near one "
            f"(r > 0.99), {pair.conflicts} of them with another label"
        )
    print_paths(console, paths)


def report_result(document: dict[str, Any]) -> None:
    """The result of `report`."""
    console = stdout_console()
    low, high = document["accuracy_ci95"]
    console.print(
        f"[bold]{100 * document['accuracy']:.2f} %[/bold] of {document['num_examples']:,} "
        f"{document['split']} images right (95 % interval {100 * low:.2f} to {100 * high:.2f})"
    )
    for sentence in document["sentences"]:
        console.print(sentence, markup=False, soft_wrap=not console.is_terminal)
    print(document["path"])
