"""Tables of `bench.py peers`: on the terminal, and in docs/performance.md."""

from typing import Any

from ankleboot.cli.output.benchmark import format_optional
from lib.tables import markdown_table

HEAD = (
    "server|setting|ready after|memory|requests/s|ours is|p50, 70 % load|p99, 70 % load"
    "|lost at stops"
)


def peer_lines(document: dict[str, Any]) -> list[str]:
    """Return the table and its notes."""
    stops = document["stops"]
    num_stops = max((each["stops"] for each in stops.values()), default=0)
    tried = [
        f"{trial['peer']} ({trial['setting']}) {trial['requests_per_second']:,.0f}"
        for trial in document["trials"]
    ]
    packages = [
        f"{name} {version}"
        for versions in document["packages"].values()
        for name, version in versions.items()
    ]
    lines = [
        *markdown_table(HEAD, [_row(row, stops.get(row["peer"])) for row in document["summary"]]),
        "",
        f"The same LiteRT file, decoded by Pillow, {document['cores']} cores shared with the load "
        f"client; medians of {document['summary'][0]['runs']} rounds, A B A B, each at its best "
        "number of connections and in its best setting. Ready: from the start to the first right "
        "response. Memory: all processes before the load, shared pages counted once. Lost: "
        f"accepted requests without a response at {num_stops} stops by SIGTERM under load, of all "
        "that were sent.",
        "",
        f"Tried for {len(tried)} settings, requests/s: {', '.join(tried)}. Versions: "
        f"{', '.join(dict.fromkeys(packages))}.",
    ]
    if document["left_out"]:
        lines.append(f"Left out: {', '.join(document['left_out'])}.")
    return lines


def _row(row: dict[str, Any], stops: dict[str, Any] | None) -> list[str]:
    is_reference = row["ratio"] is None or row["ratio"] == 1
    return [
        f"`{row['peer']}`",
        row["setting"],
        f"{row['ready_seconds']:.1f} s",
        format_optional(row["pss_mib_at_start"], "{:.0f} MiB"),
        f"{row['requests_per_second']:,.0f}",
        "" if is_reference else f"{row['ratio']:.1f} x",
        format_optional(row["steady_p50_ms"], "{:.1f} ms"),
        format_optional(row["steady_p99_ms"], "{:.1f} ms"),
        "" if stops is None else f"{stops['lost']:,} of {stops['sent']:,}",
    ]
