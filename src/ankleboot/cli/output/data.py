"""Terminal output of `data`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ankleboot.cli.output.terminal import Terminal, plain_table, right_column, stdout_console
from ankleboot.core.text import counted, percent_text

if TYPE_CHECKING:  # imports TensorFlow
    from ankleboot.data.convert import Conversion
    from ankleboot.training.data_audit import DataAudit

NUM_ISSUES = 10  # doubtful labels that are listed
NUM_DUPLICATES = 5  # pairs of files that are listed


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
    """Print what the user's own images were understood as; the warnings are on stderr."""
    report = document["folder_report"]
    counts = report["counts"]
    console.lines(f"{document['source']}: {report['layout']}")
    table = plain_table("class", *map(right_column, counts))
    for name in counts["train"]:
        numbers = (f"{split.get(name, 0):,}" for split in counts.values())
        table.add_row(console.fit_name(name, beside=12 * len(counts)), *numbers)
    sums = (f"{sum(split.values()):,}" for split in counts.values())
    table.add_row("total", *sums, style="bold")
    console.table(table)
    sizes = dict.fromkeys("{1} x {0}".format(*report[key]) for key in ("smallest", "largest"))
    console.lines(
        *([] if "validation" in counts else ["validation: drawn from train by the recipe"]),
        f"{_size_text(report['bytes'])}, {' to '.join(sizes)} pixels as decoded",
        *_finding_lines(report),
        *(f"  {name} ({reason})" for name, reason in report["unreadable"].items()),
    )


def _size_text(num_bytes: int) -> str:
    if num_bytes < 2**20:
        return f"{num_bytes / 2**10:,.1f} KiB"
    return f"{num_bytes / 2**20:,.1f} MiB"


def _finding_lines(report: dict[str, Any]) -> list[str]:
    """Count what was found beside readable images; the unreadable ones come last, for a list."""
    repeated = len(report["duplicates"])
    in_several = "of them in more than one split"
    special = "pipe, device or link to a folder above"
    lines = [
        _join_found(
            (report["num_named_groups"], "group", "groups"),
            (len(report["split_groups"]), in_several, in_several),
        ),
        _join_found(
            (repeated, "image more than once", "images more than once"),
            (len(report["leakage"]), in_several, in_several),
            (len(report["conflicts"]), "with more than one label", "with more than one label"),
        ),
        _join_found(
            (len(report["skipped"]), "other file", "other files"),
            (len(report["special_files"]), special, "pipes, devices or links to a folder above"),
        ),
        _join_found((len(report["unreadable"]), "unreadable", "unreadable")),
    ]
    if not repeated and not report["unreadable"]:
        lines.append("every image can be read, none occurs more than once")
    return list(filter(None, lines))


def _join_found(*parts: tuple[int, str, str]) -> str:
    """Join numbers with what they count, one or several; without those that are 0."""
    return ", ".join(counted(*part) for part in parts if part[0])


def data_converted(result: Conversion) -> None:
    """Print the result of `data convert`."""
    numbers = ", ".join(f"{count:,} {split}" for split, count in result.images.items())
    stdout_console().lines(f"{result.path}: {numbers} images")


def audit_result(audit: DataAudit, paths: list[Path]) -> None:
    """Print the result of `data audit`."""
    console = stdout_console()
    counts = [n for split in audit.class_counts.values() for n in split.values()]
    balance = "balanced" if len(set(counts)) <= 2 else f"{min(counts):,} to {max(counts):,} images"
    console.print(f"classes: {balance}")
    _print_suspects(console, audit)
    for pair in audit.duplicates:
        console.print(
            f"{pair.between}: {pair.exact} exact duplicates, {pair.near} images with a near one "
            f"(r > 0.99), {pair.conflicts} of them with another label"
        )
        console.lines(*(f"  {a} = {b}" for a, b in pair.files[:NUM_DUPLICATES]))
    console.lines(*paths)


def _print_suspects(console: Terminal, audit: DataAudit) -> None:
    """Print the doubtful labels, or that the models know too little to doubt one."""
    judge = audit.recipe
    if audit.method == "linear layer":
        judge = f"a linear layer on the features of {audit.recipe}"
    accuracy = f"out-of-fold accuracy of {judge}: {100 * audit.out_of_fold_accuracy:.2f} %"
    if audit.near_chance and audit.agreement is not None:
        console.sentences(
            f"labels: none can be judged; {accuracy}, which is near chance (agreement beyond "
            f"chance, kappa, {audit.agreement.kappa:.2f}; 95 % interval from "
            f"{audit.agreement.low:.2f}): what it disagrees with are its own errors. More images, "
            "or classes whose images differ more, would help"
        )
        return
    console.sentences(
        f"labels: {len(audit.suspects):,} of {audit.num_train - audit.num_unusable:,} are "
        f"doubtful; {accuracy} ({100 * audit.accuracy_without_suspects:.2f} % without the "
        "doubtful labels, which are those it disagrees with)"
    )
    table = plain_table("image", "label", "suggested label", right_column("quality"))
    for issue in audit.suspects[:NUM_ISSUES]:
        suggested = f"{issue.suggested} {percent_text(issue.p_suggested)}"
        name = console.fit_name(issue.file, beside=60) or str(issue.index)
        label = console.fit_name(issue.label, beside=60)
        table.add_row(name, label, suggested, f"{issue.quality:.4f}")
    console.table(table)
