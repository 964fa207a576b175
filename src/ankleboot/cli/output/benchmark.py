"""What the benchmarks measured."""

from typing import Any

from rich.table import Table

from ankleboot.cli.output.terminal import stdout_console


def bench_train(document: dict[str, Any]) -> None:
    """Print one line per contender of `bench train`."""
    table = _figures(
        "contender",
        "seconds",
        "CPU s",
        "ratio",
        "test accuracy",
        "s to target",
        "MiB",
        "GFLOP/s",
        "of peak",
    )
    for row in document["summary"]:
        std = row["test_accuracy_std"]
        spread = f" +- {100 * std:.2f}" if std is not None else ""
        table.add_row(
            row["name"],
            f"{row['seconds']:.1f}",
            f"{row['cpu_seconds']:.1f}",
            _optional(row["ratio"], "1/{:.1f}"),
            f"{100 * row['test_accuracy_mean']:.2f}{spread} % (n = {row['runs']})",
            _optional(row["seconds_to_target"], "{:.1f}"),
            f"{row['peak_mib']:.0f}",
            _optional(row["gflops"], "{:.0f}"),
            _optional(row["utilisation"] and 100 * row["utilisation"], "{:.0f} %"),
        )
    console = stdout_console()
    console.print(table)
    console.print(
        f"target: {100 * document['target']:.2f} % of the validation images; seconds: medians; "
        f"ratio: median over the rounds, against {document['summary'][0]['name']}"
    )


def bench_predict(document: dict[str, Any]) -> None:
    """Print one line per way of `bench predict`."""
    table = _figures(
        "way",
        "bytes",
        "load s",
        "p50 us",
        "p99 us",
        "faster",
        "images/s",
        "more",
        "MiB",
        "accuracy",
    )
    for row in document["summary"]:
        table.add_row(
            row["name"],
            f"{row['bytes']:,}",
            f"{row['load_seconds']:.2f}",
            f"{row['p50_us']:,.0f}",
            f"{row['p99_us']:,.0f}",
            _optional(row["times_faster"], "{:,.1f} x"),
            f"{max(row['images_per_second'].values()):,.0f}",
            _optional(row["times_throughput"], "{:.1f} x"),
            f"{row['peak_mib'] or 0:.0f}",
            f"{100 * row['validation_accuracy']:.2f} %",
        )
    console = stdout_console()
    console.print(table)
    console.print(
        "p50 and p99: one image at a time; images/s: at the best batch size and threads; accuracy: "
        "of the validation images; faster and more: than model.predict, medians over the rounds",
        soft_wrap=not console.is_terminal,
    )


def bench_photos(document: dict[str, Any]) -> None:
    """Print how well every method of `bench photos` names the photographs."""
    kinds = list(document["methods"][-1]["by_kind"])
    table = _figures("method", "right", "95 %", "answered", "of those right", *kinds)
    for row in document["methods"]:
        low, high = row["accuracy"]["ci95"]
        table.add_row(
            row["name"],
            _percent(row["accuracy"]["share"]),
            f"{100 * low:.0f}-{100 * high:.0f}",
            _percent(row["answered"]["share"]),
            _percent(row["right_of_answered"]["share"]),
            *(_percent(row["by_kind"][kind]["share"]) for kind in kinds),
        )
    console = stdout_console()
    console.print(table)
    lines = [f"{document['num_of_the_ten']} photographs of the ten classes; all in %"]
    for row in document["declining"]:
        if row["auroc"] is not None:
            lines.append(
                f"{row['name']}: {_percent(row['declined']['share'])} % of "
                f"{row['declined']['num']} photographs of other things declined, "
                f"AUROC {row['auroc']:.3f}"
            )
    cut, took = document["cut_outs"], document["milliseconds"]
    if cut["num_agreed"]:
        lines.append(
            f"cut-out: IoU {cut['iou_on_composites']['mean']:.3f} on "
            f"{cut['num_agreed']} composites "
            f"(GrabCut {cut['iou_on_composites_grabcut']['mean']:.3f})"
        )
    whole = took["all of photo"]
    lines.append(f"a photograph takes {whole['p50']:.0f} ms (p50), {whole['p99']:.0f} ms (p99)")
    console.print("\n".join(lines), soft_wrap=not console.is_terminal)


def bench_serve(document: dict[str, Any]) -> None:
    """Print one line per contender of `bench serve`, and what our server did under load."""
    table = _figures("server", "ready s", "MiB", "requests/s", "ratio", "p50 ms", "p99 ms")
    for row in document["summary"]:
        table.add_row(
            row["name"],
            f"{row['ready_seconds']:.2f}",
            _optional(row.get("pss_mib_at_end"), "{:.0f}"),
            f"{row['requests_per_second']:,.1f}",
            _optional(row["ratio"], "{:,.1f} x"),
            f"{row['p50_ms']:.2f}",
            f"{row['p99_ms']:.2f}",
        )
    console = stdout_console()
    console.print(table)
    lines = [
        "one image a request, at each one's best number of connections; MiB: of all processes, "
        "shared pages once; ratio: of our requests/s to its own, median over the rounds"
    ]
    for row in document["summary"]:
        if "steady_p50_ms" in row:
            lines += _under_load(row)
    faults, checked = document["faults"], document["correctness"]
    if faults["sent"]:
        lines.append(
            f"{faults['sent']:,} requests under load: {faults['wrong']} wrong answers, "
            f"{sum(faults['failures'].values())} without an answer, {faults['resets']} resets"
        )
    if checked is not None:
        lines.append(
            f"{checked['sent']:,} requests of {checked['pictures']:,} pictures at once: "
            f"{checked['wrong']} answers differ from those to one caller; {checked['pictures']:,} "
            f"pictures alone: {checked['labels_as_in_process']:,} labels as without a server, "
            f"probabilities within {checked['largest_difference_of_probs']:.1g}"
        )
    console.print("\n".join(lines), soft_wrap=not console.is_terminal)


def _under_load(row: dict[str, Any]) -> list[str]:
    lines = [
        f"at {row['steady_rate']:,.0f} requests/s: p50 {row['steady_p50_ms']:.2f} ms, "
        f"p99 {row['steady_p99_ms']:.2f} ms",
        f"at {row['modest_rate']:,.0f} requests/s: p50 {row['modest_p50_ms']:.2f} ms, "
        f"p99 {row['modest_p99_ms']:.2f} ms",
        f"images/s in requests of many: {row['batched_images_per_second']:,.0f} uploaded, "
        f"{row['listed_images_per_second']:,.0f} in JSON; photographs/s: "
        f"{row['photos_per_second']:,.1f}",
    ]
    floods = {"double": "images", "overload": "images", "photo_overload": "photographs"}
    for name, what in floods.items():
        refused = row.get(f"{name}_503_p99_ms_since_sent")
        lines.append(
            f"{row[f'{name}_offered_per_second']:,.0f} {what}/s offered: "
            f"{100 * row[f'{name}_goodput_share']:.0f} % of the peak answered"
            + _optional(row.get(f"{name}_p99_ms"), ", p99 {:.1f} ms")
            + _optional(refused, "; turned away (503) within {:.1f} ms of being sent (p99)")
        )
    return lines


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"


def _optional(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def _figures(first: str, *rest: str) -> Table:
    """A table of names and figures."""
    table = Table(box=None, pad_edge=False)
    table.add_column(first)
    for title in rest:
        table.add_column(title, justify="right")
    return table
