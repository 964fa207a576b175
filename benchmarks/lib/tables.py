"""Tables of the benchmark results, on stdout and in Markdown."""

from typing import Any

from ankleboot.cli.output.benchmark import format_optional, print_table


def print_training(document: dict[str, Any]) -> None:
    """Print one line per contender of `bench.py train`."""
    columns = {
        "contender": lambda row: row["name"],
        "seconds": lambda row: f"{row['seconds']:.1f}",
        "CPU s": lambda row: f"{row['cpu_seconds']:.1f}",
        "ratio": lambda row: format_optional(row["ratio"], "1/{:.1f}"),
        "test accuracy": _test_accuracy,
        "s to target": lambda row: format_optional(row["seconds_to_target"], "{:.1f}"),
        "MiB": lambda row: f"{row['peak_mib']:.0f}",
        "GFLOP/s": lambda row: format_optional(row["gflops"], "{:.0f}"),
        "of peak": lambda row: format_optional(
            row["utilisation"] and 100 * row["utilisation"], "{:.0f} %"
        ),
    }
    note = (
        f"target: {100 * document['target']:.2f} % of the validation images; seconds: medians; "
        f"ratio: median over the rounds, against {document['summary'][0]['name']}"
    )
    print_table(document["summary"], columns, [note])


def print_frontier(document: dict[str, Any]) -> None:
    """Print one line per recipe of `bench.py frontier`."""
    columns = {
        "recipe": lambda row: ", ".join([row["recipe"], *row["overrides"]]),
        "parameters": lambda row: _count(row["parameters"]),
        "int8 bytes": lambda row: _count(row["int8_bytes"]),
        "test accuracy": lambda row: f"{mean_and_std(row['test_accuracy'])} (n = {row['runs']})",
        "best epoch on test": lambda row: mean_and_std(row["best_epoch_on_test"]),
        "points more": lambda row: mean_and_std(row["best_epoch_gain"]),
        "int8, points": lambda row: mean_and_std(row["int8_change"], "{:+.2f}"),
        "seconds": lambda row: " / ".join(f"{m['train_seconds']:.0f}" for m in row["machines"]),
    }
    machines = dict.fromkeys(m["machine"] for row in document["summary"] for m in row["machines"])
    notes = [
        "accuracies in %: mean +- standard deviation over seeds; seconds: medians by machine",
        *machines,
    ]
    notes += [
        f"{row['recipe']}: {row['diverged']} runs diverged, {row['int8_failures']} int8 files "
        "were beyond the limits of export"
        for row in document["summary"]
        if row["diverged"] or row["int8_failures"]
    ]
    print_table(document["summary"], columns, notes)


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def mean_and_std(value: dict[str, float | None], form: str = "{:.2f}") -> str:
    """Format a mean and a standard deviation of fractions as percent."""
    mean, std = value["mean"], value["std"]
    if mean is None:
        return ""
    return form.format(100 * mean) + ("" if std is None else f" +- {100 * std:.2f}")


def _test_accuracy(row: dict[str, Any]) -> str:
    std = row["test_accuracy_std"]
    spread = f" +- {100 * std:.2f}" if std is not None else ""
    return f"{100 * row['test_accuracy_mean']:.2f}{spread} % (n = {row['runs']})"


def print_serving(document: dict[str, Any]) -> None:
    """Print one line per contender of `bench.py serve`, then the results of our server."""
    columns = {
        "server": lambda row: row["name"],
        "ready s": lambda row: f"{row['ready_seconds']:.2f}",
        "MiB": lambda row: format_optional(row.get("pss_mib_at_end"), "{:.0f}"),
        "requests/s": lambda row: f"{row['requests_per_second']:,.1f}",
        "ratio": lambda row: format_optional(row["ratio"], "{:,.1f} x"),
        "p50 ms": lambda row: f"{row['p50_ms']:.2f}",
        "p99 ms": lambda row: f"{row['p99_ms']:.2f}",
    }
    notes = [
        "one image a request, at the best number of connections; MiB: all processes, shared pages "
        "counted once; ratio: our requests/s over those of the contender, median over the rounds"
    ]
    for row in document["summary"]:
        if "steady_p50_ms" in row:
            notes += _load_lines(row)
    faults, checked = document["faults"], document["correctness"]
    if faults["sent"]:
        notes.append(
            f"{faults['sent']:,} requests under load: {faults['wrong']} wrong responses, "
            f"{sum(faults['failures'].values())} without a response, {faults['resets']} resets"
        )
    if checked is not None:
        notes.append(
            f"{checked['sent']:,} concurrent requests of {checked['pictures']:,} images: "
            f"{checked['wrong']} responses differ from those to sequential requests; of these, "
            f"{checked['labels_as_in_process']:,} labels equal predictions without a server, "
            f"probabilities within {checked['largest_difference_of_probs']:.1g}"
        )
    print_table(document["summary"], columns, notes)


def _load_lines(row: dict[str, Any]) -> list[str]:
    lines = [
        f"at {row[f'{load}_rate']:,.0f} requests/s: p50 {row[f'{load}_p50_ms']:.2f} ms, "
        f"p99 {row[f'{load}_p99_ms']:.2f} ms"
        for load in ("steady", "modest")
    ]
    lines.append(
        f"images/s in batched requests: {row['batched_images_per_second']:,.0f} uploaded, "
        f"{row['listed_images_per_second']:,.0f} in JSON; photos/s: {row['photos_per_second']:,.1f}"
    )
    floods = {"double": "images", "overload": "images", "photo_overload": "photos"}
    for name, content in floods.items():
        rejected = row.get(f"{name}_503_p99_ms_since_sent")
        lines.append(
            f"{row[f'{name}_offered_per_second']:,.0f} {content}/s offered: "
            f"{100 * row[f'{name}_goodput_share']:.0f} % of the peak answered"
            + format_optional(row.get(f"{name}_p99_ms"), ", p99 {:.1f} ms")
            + format_optional(rejected, "; rejected (503) within {:.1f} ms of being sent (p99)")
        )
    return lines


def with_sections(text: str, sections: dict[str, list[str]]) -> str:
    """Return a page whose lines between `<!-- NAME -->` and `<!-- end of NAME -->` are replaced."""
    for name, lines in sections.items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(start)
        text = "\n".join([before + start, *lines, end]) + rest.partition(end)[2]
    return text


def markdown_table(head: str, rows: list[list[str]]) -> list[str]:
    """Return the lines of a table; `head` has the titles between bars."""
    titles = head.split("|")
    ruler = "|---" * len(titles) + "|"
    return [f"| {' | '.join(titles)} |", ruler, *(f"| {' | '.join(row)} |" for row in rows)]
