"""Write the measurements into docs/deploy.md from the stored results.

    python benchmarks/bench.py serve --output benchmarks/results
    python benchmarks/serving_stops.py --stops 50
    python benchmarks/serving_attack.py --seconds 60
    python benchmarks/serving_page.py

With --check, it only reports whether the page is stale.
"""

import sys
from typing import Any

from lib.tables import markdown_table, with_sections
from performance import ROOT, stored

PAGE = ROOT / "docs/deploy.md"


def main() -> int:
    old = PAGE.read_text()
    new = with_sections(old, {"serving": lines()})
    if "--check" in sys.argv[1:]:
        if new != old:
            print("docs/deploy.md is stale: run python benchmarks/serving_page.py")
        return int(new != old)
    PAGE.write_text(new)
    return 0


def lines() -> list[str]:
    serve, stops, attack = (stored(name) for name in ("serve", "serving_stops", "serving_attack"))
    ours = serve["summary"][0]
    hardware, correct = serve["hardware"], serve["correctness"]
    return [
        *markdown_table(
            "server, one 28 x 28 PNG per request|ready after|memory|requests/s|speed-up",
            [contender(row) for row in serve["summary"]],
        ),
        "",
        f"Medians of {ours['runs']} rounds, A B A B, each at its best number of connections; "
        "memory of all processes before the first request, shared pages counted once; "
        f"{hardware['cores']} cores of an {hardware['cpu']}, shared with the load client; "
        f"{packages(serve)}; {serve['date']}. The other servers are those of the tutorials: an "
        "endpoint, or `gr.Interface`, that calls `model.predict`.",
        "",
        *markdown_table(
            "`ankleboot serve`|measured", [[what, figure] for what, figure in figures(ours)]
        ),
        "",
        f"Correctness: {correct['sent']:,} requests with {correct['pictures']:,} images over "
        f"{correct['connections']} connections: {correct['wrong']} responses differ by a bit from "
        f"those to a single client, {failed(correct)} failed. One by one, "
        f"{correct['labels_as_in_process']:,} of {correct['pictures']:,} labels are those of "
        f"`ankleboot predict`, probabilities within {correct['largest_difference_of_probs']:g}.",
        "",
        f"Shutdown: {stops['stops']} SIGTERMs under load, {stops['sent']:,} requests: "
        f"{lost(stops)} accepted requests lost, {stops['resets']} resets, exit codes "
        f"{', '.join(stops['exit_codes'])}, the slowest shutdown took "
        f"{stops['slowest_stop_seconds']:.1f} s.",
        "",
        f"Attack: {attack['seconds']:.0f} s of oversized and endless bodies, decompression bombs, "
        "forms of ten thousand parts, JSON of a million items, slow and disconnecting clients: "
        f"memory grew by {attack['most_grown_mib']:.0f} MiB at most and by "
        f"{attack['grown_at_end_mib']:.0f} at the end, {attack['processes_replaced']} processes "
        f"were lost, faults: {len(attack['faults'])}. An image of the largest allowed size takes "
        f"{attack['largest_allowed']['most_mib'] - attack['calm_mib']:.0f} MiB while "
        "it is decoded.",
    ]


def contender(row: dict[str, Any]) -> list[str]:
    return [
        f"`{row['name']}`",
        f"{row['ready_seconds']:.1f} s",
        f"{row['pss_mib_at_start']:.0f} MiB",
        f"{row['requests_per_second']:,.0f}",
        "" if row["name"] == "ankleboot" else f"{row['ratio']:,.0f} x",
    ]


def figures(row: dict[str, Any]) -> list[tuple[str, str]]:
    cores = row["requests_per_second"] / 2
    return [
        ("28 x 28 PNGs per second and core", f"{cores:,.0f}"),
        ("28 x 28 PNGs in a form", f"{row['uploads_per_second']:,.0f} requests/s"),
        ("64 of them per request", f"{row['batched_images_per_second']:,.0f} images/s"),
        ("photos of 640 x 480", f"{row['photos_per_second']:.0f} per second"),
        ("560 requests per second at random moments", latency(row, "modest")),
        (f"70 % of the peak ({row['steady_rate']:,.0f}/s)", latency(row, "steady")),
        ("twice the peak offered", flooded(row, "double")),
        ("five times the peak offered", flooded(row, "overload")),
        ("five times the peak of photos offered", flooded(row, "photo_overload")),
    ]


def latency(row: dict[str, Any], name: str) -> str:
    return f"p50 {row[f'{name}_p50_ms']:.1f} ms, p99 {row[f'{name}_p99_ms']:.1f} ms"


def flooded(row: dict[str, Any], name: str) -> str:
    """Describe the responses under overload, and how quickly the server rejected the others."""
    key = f"{name}_503_p99_ms_since_sent"
    away = f", the rest 503 within {row[key]:.0f} ms (p99)" if key in row else ""
    return (
        f"{row[f'{name}_offered_per_second']:,.0f}/s arrived: "
        f"{100 * row[f'{name}_goodput_share']:.0f} % of the peak predicted{away}; "
        f"{row[f'{name}_resets']:.0f} resets"
    )


def packages(document: dict[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in document["packages"].items())


def failed(document: dict[str, Any]) -> int:
    return int(sum(document["failures"].values()))


def lost(document: dict[str, Any]) -> int:
    """Return the number of whole requests that got no whole response."""
    return failed(document) - int(document["failures"]["refused"])


if __name__ == "__main__":
    sys.exit(main())
