"""Terminal output of `data`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ankleboot.cli.output.terminal import Terminal, plain_table, right_column, stdout_console
from ankleboot.core.text import escape_unprintable, truncate_middle

if TYPE_CHECKING:  # imports TensorFlow
    from ankleboot.training.data_audit import DataAudit

NUM_ISSUES = 10  # doubtful labels that are listed


def data_fetched(source: str, paths: Sequence[str]) -> None:
    """Print the result of `data fetch`."""
    stdout_console().lines(f"Fashion-MNIST, every file verified; from {source}", *paths)


def data_verified(document: dict[str, Any]) -> None:
    """Print the result of `data verify`."""
    console = stdout_console()
    if "folder_report" in document:
        _print_folder(console, document)
        return
    console.lines(
        f"{document['data']}: {document['train']:,} training and {document['test']:,} test images, "
        f"every file verified; from {document['source']}",
        *(f"{digest}  {name}" for name, digest in document["sha256"].items()),
    )


def _print_folder(console: Terminal, document: dict[str, Any]) -> None:
    """Print the counts of an image folder; its warnings are on stderr."""
    report = document["folder_report"]
    counts = report["counts"]
    table = plain_table("class", *map(right_column, counts))
    for name in counts["train"]:
        numbers = (f"{split.get(name, 0):,}" for split in counts.values())
        table.add_row(Text(truncate_middle(name, 60)), *numbers)
    sums = (f"{sum(split.values()):,}" for split in counts.values())
    table.add_row("total", *sums, style="bold")
    console.print(table)
    sizes = " to ".join("{1} x {0}".format(*report[key]) for key in ("smallest", "largest"))
    lines = (
        f"{document['source']}: {report['bytes'] / 2**20:,.1f} MiB, {sizes} pixels as decoded",
        f"{len(report['duplicates']):,} images occur more than once, {len(report['leakage']):,} "
        f"of them in more than one split, {len(report['conflicts']):,} with more than one label",
        f"{len(report['unreadable']):,} unreadable, {len(report['skipped']):,} other files, "
        f"{len(report['special_files']):,} links, pipes or devices",
    )
    console.lines(*map(escape_unprintable, lines))


def audit_result(audit: DataAudit, paths: list[Path]) -> None:
    """Print the result of `data audit`."""
    console = stdout_console()
    counts = [n for split in audit.class_counts.values() for n in split.values()]
    balance = "balanced" if len(set(counts)) <= 2 else f"{min(counts):,} to {max(counts):,} images"
    console.print(f"classes: {balance}")
    console.sentences(
        f"labels: {len(audit.suspects):,} of {audit.num_train:,} are doubtful; out-of-fold "
        f"accuracy of {audit.recipe}: {100 * audit.out_of_fold_accuracy:.2f} % "
        f"({100 * audit.accuracy_without_suspects:.2f} % without the doubtful labels, which are "
        "those it disagrees with)"
    )
    table = plain_table("image", "label", "suggested label", right_column("quality"))
    for issue in audit.suspects[:NUM_ISSUES]:
        suggested = Text(f"{issue.suggested} {100 * issue.p_suggested:.0f} %")
        label = Text(truncate_middle(issue.label))
        table.add_row(str(issue.index), label, suggested, f"{issue.quality:.4f}")
    console.print(table)
    for pair in audit.duplicates:
        console.print(
            f"{pair.between}: {pair.exact} exact duplicates, {pair.near} images with a near one "
            f"(r > 0.99), {pair.conflicts} of them with another label"
        )
    console.lines(*paths)
