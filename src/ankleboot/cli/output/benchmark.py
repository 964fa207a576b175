"""Tables of `ankleboot bench`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ankleboot.cli.output.plain import print_lines
from ankleboot.cli.output.terminal import plain_table, right_column, stdout_console

Row = Mapping[str, Any]


def bench_predict(document: dict[str, Any], path: Path) -> None:
    """Print one line per runtime of `bench predict`."""
    columns: dict[str, Callable[[Row], str]] = {
        "runtime": lambda row: str(row["name"]),
        "bytes": lambda row: f"{row['bytes']:,}",
        "load s": lambda row: f"{row['load_seconds']:.2f}",
        "p50 us": lambda row: f"{row['p50_us']:,.0f}",
        "p99 us": lambda row: f"{row['p99_us']:,.0f}",
        "faster": lambda row: format_optional(row["times_faster"], "{:,.1f} x"),
        "images/s": lambda row: f"{max(row['images_per_second'].values()):,.0f}",
        "more": lambda row: format_optional(row["times_throughput"], "{:.1f} x"),
        "MiB": lambda row: f"{row['peak_mib'] or 0:.0f}",
        "accuracy": lambda row: f"{100 * row['validation_accuracy']:.2f} %",
    }
    note = (
        "p50 and p99: one image at a time; images/s: at the best batch size and threads; accuracy: "
        "of the validation images; faster and more: than model.predict, medians over the rounds"
    )
    print_table(document["summary"], columns, [note])
    print_lines(path)


def bench_photos(document: dict[str, Any], paths: Sequence[Path]) -> None:
    """Print one line per method of `bench photos`."""

    def percent(key: str) -> Callable[[Row], str]:
        return lambda row: _percent(row[key]["share"])

    columns: dict[str, Callable[[Row], str]] = {
        "method": lambda row: str(row["name"]),
        "right": percent("accuracy"),
        "95 %": lambda row: "{:.0f}-{:.0f}".format(*(100 * b for b in row["accuracy"]["ci95"])),
        "answered": percent("answered"),
        "of those right": percent("right_of_answered"),
    }
    for kind in document["methods"][-1]["by_kind"]:
        columns[kind] = lambda row, kind=kind: _percent(row["by_kind"][kind]["share"])  # type: ignore[misc]
    senders = document["num_senders"]
    over = f"intervals over {senders} photographers" if senders else "intervals over photos"
    notes = [f"{document['num_of_the_ten']} photos of the ten classes; all in %, {over}"]
    kinds = document["kinds"]["photo"]
    notes.append(
        f"photo: right on {_percent(kinds['ten_kinds']['share'])} % of all "
        f"{kinds['ten_kinds']['num']} photos of the ten kinds of folders"
    )
    if neighbors := kinds["neighbors"]:
        shown = ", ".join(
            f"{name} {_percent(row['right']['share'])} of {row['right']['num']}"
            for name, row in neighbors.items()
        )
        notes.append(f"photo, right on neighboring kinds, in %: {shown}")
    notes += [
        f"{row['name']}: {_percent(row['declined']['share'])} % of "
        f"{row['declined']['num']} photos of other things rejected, AUROC {row['auroc']:.3f}"
        for row in document["declining"]
        if row["auroc"] is not None
    ]
    masks, times = document["cut_outs"], document["milliseconds"]["all of photo"]
    if masks["num_agreed"]:
        notes.append(
            f"segmentation: IoU {masks['iou_on_composites']['mean']:.3f} on "
            f"{masks['num_agreed']} composites "
            f"(GrabCut {masks['iou_on_composites_grabcut']['mean']:.3f})"
        )
    notes.append(f"a photo takes {times['p50']:.0f} ms (p50), {times['p99']:.0f} ms (p99)")
    print_table(document["methods"], columns, notes)
    print_lines(*paths)


def print_table(
    rows: Sequence[Row], columns: Mapping[str, Callable[[Row], str]], notes: Sequence[str]
) -> None:
    """Print one line per row, with the cells that `columns` gives, and notes below."""
    first, *others = columns
    table = plain_table(first, *map(right_column, others))
    for row in rows:
        table.add_row(*(cell(row) for cell in columns.values()))
    console = stdout_console()
    console.table(table)
    console.sentences(*notes)


def format_optional(value: float | None, form: str) -> str:
    """Format a number; return nothing for None."""
    return "" if value is None else form.format(value)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"
