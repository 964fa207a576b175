"""Write the figures of docs/deploy.md from the stored results.

    python benchmarks/bench.py serve --output benchmarks/results
    python benchmarks/serving_stops.py --stops 50
    python benchmarks/serving_attack.py --seconds 60
    python benchmarks/serving_page.py

With --check, only says whether the page is stale.
"""

import sys
from typing import Any

from performance import ROOT, stored, table

PAGE = ROOT / "docs/deploy.md"


def main() -> int:
    old = PAGE.read_text()
    start, end = "<!-- serving -->", "<!-- end of serving -->"
    before, _, rest = old.partition(start)
    new = before + "\n".join([start, *lines(), end]) + rest.partition(end)[2]
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
        *table(
            "one 28 x 28 PNG a request|ready after|memory|requests/s|ours against it",
            [contender(row) for row in serve["summary"]],
        ),
        "",
        f"Medians of {ours['runs']} rounds, A B A B, each at its best number of connections; "
        "memory is what all processes have, shared pages counted once, before the first request; "
        f"{hardware['cores']} cores of an {hardware['cpu']}, the load client on them too; "
        f"{packages(serve)}; {serve['date']}. The peers are the plain tutorial: an endpoint, or "
        "`gr.Interface`, that calls `model.predict`.",
        "",
        *table("our server|measured", [[what, figure] for what, figure in figures(ours)]),
        "",
        f"Correctness: {correct['sent']:,} requests of {correct['pictures']:,} pictures over "
        f"{correct['connections']} connections: {correct['wrong']} answers differ by a bit from "
        f"those to a single caller, {failed(correct)} failed; asked one by one, "
        f"{correct['labels_as_in_process']:,} of {correct['pictures']:,} labels are those of "
        f"`ankleboot predict`, probabilities within {correct['largest_difference_of_probs']:g}.",
        "",
        f"Ends: {stops['stops']} SIGTERMs under load, {stops['sent']:,} requests: "
        f"{lost(stops)} accepted ones lost, {stops['resets']} resets, exit codes "
        f"{', '.join(stops['exit_codes'])}, the slowest end {stops['slowest_stop_seconds']:.1f} s.",
        "",
        f"Attack: {attack['seconds']:.0f} s of oversized and endless bodies, decompression bombs, "
        "forms of ten thousand parts, JSON of a million items, slow and leaving clients: memory "
        f"grew by {attack['most_grown_mib']:.0f} MiB at most and by "
        f"{attack['grown_at_end_mib']:.0f} in the end, {attack['processes_replaced']} processes "
        f"were lost, faults: {len(attack['faults'])}. A picture of the largest allowed size takes "
        f"{attack['largest_allowed']['most_mib'] - attack['calm_mib']:.0f} MiB for the moment in "
        "which it is decoded.",
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
        ("28 x 28 PNGs a second, per core", f"{cores:,.0f}"),
        ("28 x 28 PNGs in a form", f"{row['uploads_per_second']:,.0f} requests/s"),
        ("64 of them a request", f"{row['batched_images_per_second']:,.0f} images/s"),
        ("photographs of 640 x 480", f"{row['photos_per_second']:.0f} a second"),
        ("560 requests a second, at random moments", latency(row, "modest")),
        (f"70 % of the peak ({row['steady_rate']:,.0f}/s)", latency(row, "steady")),
        ("twice the peak offered", flooded(row, "double")),
        ("five times the peak offered", flooded(row, "overload")),
        ("five times as many photographs as can be answered", flooded(row, "photo_overload")),
    ]


def latency(row: dict[str, Any], name: str) -> str:
    return f"p50 {row[f'{name}_p50_ms']:.1f} ms, p99 {row[f'{name}_p99_ms']:.1f} ms"


def flooded(row: dict[str, Any], name: str) -> str:
    """What was answered under overload, and how quickly the others were turned away."""
    key = f"{name}_503_p99_ms_since_sent"
    away = f", the rest 503 within {row[key]:.0f} ms (p99)" if key in row else ""
    return (
        f"{row[f'{name}_offered_per_second']:,.0f}/s arrived: "
        f"{100 * row[f'{name}_goodput_share']:.0f} % of the peak answered{away}; "
        f"{row[f'{name}_resets']:.0f} resets"
    )


def packages(document: dict[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in document["packages"].items())


def failed(document: dict[str, Any]) -> int:
    return int(sum(document["failures"].values()))


def lost(document: dict[str, Any]) -> int:
    """Requests that were sent whole and got no whole answer; a refused connection is none."""
    return failed(document) - int(document["failures"]["refused"])


if __name__ == "__main__":
    sys.exit(main())
