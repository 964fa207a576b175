"""Write the tables of docs/performance.md, and the figures in it, from the stored results.

    python benchmarks/bench.py train --output benchmarks/results     (and scaling, startup, profile)
    python benchmarks/bench.py frontier --output benchmarks/results
    python benchmarks/light_core.py
    make peers; python benchmarks/bench.py peers --output benchmarks/results
    python benchmarks/performance.py

With --check, exits with 1 if the page is stale.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from ankleboot.export.benchmark import BATCH_SIZES
from lib.peer_tables import peer_lines
from lib.scale_tables import many_images, many_trainings
from lib.tables import markdown_table, mean_and_std, with_sections
from reproduce import environment_line

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results"
PAGE = ROOT / "docs/performance.md"
FIGURES = {"train": "time_to_accuracy", "frontier": "frontier"}
"""Name of each figure in docs/images, by the name that `bench.py` gives it."""

NUM_OPERATIONS = 14


def main() -> int:
    old = PAGE.read_text()
    new = with_sections(old, sections())
    if "--check" in sys.argv[1:]:
        if new != old:
            print("docs/performance.md is stale: run python benchmarks/performance.py")
        return int(new != old)
    PAGE.write_text(new)
    for name, figure in FIGURES.items():
        if (RESULTS / f"{name}.png").exists():
            shutil.move(RESULTS / f"{name}.png", ROOT / f"docs/images/{figure}.png")
    return 0


def sections() -> dict[str, list[str]]:
    """Return the lines between the markers of the page."""
    train, growth = stored("train"), stored("growth")
    start, profile = stored("start"), stored("profile")
    predict, light = stored("predict"), stored("light_core")
    sprint = next(row for row in train["summary"] if row["name"] == "sprint")
    return {
        "train": time_to_accuracy(train),
        "train on AVX2": time_to_accuracy(stored("avx2/train")),
        "frontier": frontier(stored("frontier")),
        "published": published(stored("frontier")["published"]),
        "report": report("avx2/report"),
        "peers": peers("serve_peers"),
        "many trainings": many_trainings(stored("scale_study"), stored("scale_tune")),
        "many images": many_images(stored("scale_bulk"), stored("scale_growth")),
        "stages": [
            *markdown_table(
                "stage|seconds",
                [[name, f"{seconds:.2f}"] for name, seconds in sprint["stages"].items()],
            ),
            "",
            f'Medians of {sprint["runs"]} runs; "first_steps" holds the tracing, "feed" is time '
            'spent waiting for images, "saving" time spent waiting for files.',
        ],
        "profile": [
            *markdown_table(
                "operation|calls a step|microseconds a step",
                [
                    [f"`{row['kind']}`", f"{row['calls']:.1f}", f"{row['microseconds']:.0f}"]
                    for row in profile["operations"][:NUM_OPERATIONS]
                ],
            ),
            "",
            f"A step of {profile['batch_size']} images takes {profile['step_ms']:.1f} ms: "
            f"{profile['gflops']:.0f} GFLOP/s in convolutions and dense layers, "
            f"{100 * profile['utilisation']:.0f} % of the {profile['precision']} GEMM peak "
            f"measured beside it ({profile['peak_gflops']:.0f}); {environment_line(profile)}.",
        ],
        "growth": [
            *markdown_table(
                "training file|images trained on|seconds|of its own, MiB|with mapped files, MiB",
                [
                    [
                        f"{row['images']:,}",
                        f"{row['trained_images']:,}",
                        f"{row['training_seconds']:.2f}",
                        f"{row['own_mib']:.0f}",
                        f"{row['peak_mib']:.0f}",
                    ]
                    for row in growth["images"]
                ],
            ),
            "",
            f"Seconds = {growth['fit']['intercept']:.2f} + {1e6 * growth['fit']['slope']:.1f} "
            f"microseconds per image trained on, R^2 = {growth['fit']['r_squared']:.4f}; "
            f"{environment_line(growth)}.",
            "",
            *markdown_table(
                "filters|GFLOP|seconds|GFLOP/s",
                [
                    [
                        f"x {row['width']}",
                        f"{row['gflop']:,.0f}",
                        f"{row['training_seconds']:.2f}",
                        f"{row['gflop'] / row['training_seconds']:.0f}",
                    ]
                    for row in growth["widths"]
                ],
            ),
            "",
            f"Seconds = {growth['fit_flops']['intercept']:.2f} + GFLOP / "
            f"{1 / growth['fit_flops']['slope']:.0f}, "
            f"R^2 = {growth['fit_flops']['r_squared']:.4f}.",
        ],
        "start": [
            *markdown_table(
                "stage|seconds",
                [[name, f"{seconds:.2f}"] for name, seconds in start["stages"].items()],
            ),
            "",
            f"{start['total']:.2f} s in all, median of {len(start['runs'])}; "
            f"{environment_line(start)}.",
        ],
        "predict": [
            *markdown_table(
                "way|bytes|load s|p50 us|p99 us|times faster|images/s|times more|peak MiB"
                "|validation accuracy",
                [way(row) for row in predict["summary"]],
            ),
            "",
            f"{max(row['round'] for row in predict['runs']) + 1} rounds, A B A B, medians; the "
            f"shipped model `{predict['model']}`; {environment_line(predict)}.",
        ],
        "throughput": [
            *markdown_table(
                "way|" + "|".join(str(size) for size in BATCH_SIZES),
                [
                    [f"`{row['name']}`", *best_by_size(row["images_per_second"])]
                    for row in predict["summary"]
                ],
            ),
        ],
        "light_core": [
            f"{light['images']} images from the command to the last answer: "
            f"{light['seconds']:.2f} s (median of {len(light['runs'])}; slowest "
            f"{light['slowest_seconds']:.2f}), {light['peak_mib']:.0f} MiB at the peak, Python "
            f"included; {light['installed_mib']} MiB installed; {environment_line(light)}.",
        ],
    }


def time_to_accuracy(train: dict[str, Any]) -> list[str]:
    peak = train["gemm_peak_gflops"]
    return [
        *markdown_table(
            "contender|seconds|ratio|CPU s|test accuracy|s to 91.23 % validation|peak MiB"
            "|GFLOP/s|of GEMM peak",
            [contender(row) for row in train["summary"]],
        ),
        "",
        f"{max(row['runs'] for row in train['summary'])} rounds, A B A B; "
        f"{environment_line(train)}; GEMM peak {peak['float32']:.0f} GFLOP/s in "
        f"float32, {peak['bfloat16']:.0f} in bfloat16.",
    ]


def frontier(document: dict[str, Any]) -> list[str]:
    """Return the figure and the table of our recipes."""
    rows = [row for row in document["summary"] if row["runs"]]
    if not rows:
        return ["No run is stored yet."]
    head = "recipe|parameters|int8 bytes|test accuracy|best epoch on test|points more|int8, points"
    return [
        "![Test accuracy over parameters and over training time](images/frontier.png)",
        "",
        *markdown_table(head, [size(row) for row in rows]),
        "",
        *markdown_table(
            "recipe|machine|seconds of training|float32, one image|int8, one image|largest load",
            [
                [
                    recipe_name(row),
                    each["machine"],
                    f"{each['train_seconds']:,.0f} (n = {each['runs']})",
                    optional(each["float32_p50_us"], "{:.0f} us"),
                    optional(each["int8_p50_us"], "{:.0f} us"),
                    f"{each['largest_load']:.1f}",
                ]
                for row in rows
                for each in row["machines"]
            ],
        ),
        "",
        *(f"{row['recipe']}: {row['diverged']} runs diverged." for row in rows if row["diverged"]),
        *(f"{each['machine']}: {environment_line(each)}." for each in document["environments"]),
    ]


def size(row: dict[str, Any]) -> list[str]:
    failures = f" ({row['int8_failures']} refused)" if row["int8_failures"] else ""
    return [
        recipe_name(row),
        f"{row['parameters']:,}",
        optional(row["int8_bytes"], "{:,}") + failures,
        f"{mean_and_std(row['test_accuracy'])} % (n = {row['runs']})",
        f"{mean_and_std(row['best_epoch_on_test'])} %",
        mean_and_std(row["best_epoch_gain"]),
        mean_and_std(row["int8_change"], "{:+.2f}"),
    ]


def recipe_name(row: dict[str, Any]) -> str:
    return ", ".join(f"`{part}`" for part in (row["recipe"], *row["overrides"]))


def published(points: list[dict[str, Any]]) -> list[str]:
    """Return the table of published accuracies."""
    weights = {
        "final": "last epoch",
        "validation": "chosen on validation",
        "test": "best epoch on test",
        "unstated": "not stated",
    }
    return markdown_table(
        "network|parameters|accuracy|weights|files|remark",
        [
            [
                f"[{point['name']}]({point['source']})" if point["source"] else point["name"],
                f"{point['parameters']:,}",
                f"{100 * point['accuracy']:.2f} %" + (" (claim)" if point["claim"] else ""),
                weights[point["selection"]],
                point["data"] if point["data"] != "unstated" else "not stated",
                point["note"],
            ]
            for point in points
        ],
    )


def report(name: str) -> list[str]:
    """Return the parts of a report, and of one before a change if that was measured."""
    if not (RESULTS / f"{name}.json").exists():
        return ["No result is stored yet."]
    document = stored(name)
    versions = {key: document[key] for key in ("before",) if key in document} | {"now": document}
    columns = [f"{name}, {unit}" for name in versions for unit in ("seconds", "CPU s")]

    def row(part: str) -> list[str]:
        parts = [{"all": version, **version["parts"]}[part] for version in versions.values()]
        return [f"{each[key]:.1f}" for each in parts for key in ("seconds", "cpu_seconds")]

    loads = [run["load"] for version in versions.values() for run in version["rounds"]]
    ratio = f"ratio {document['ratio']}; " if "ratio" in document else ""
    return [
        *markdown_table(
            "|".join(["part", *columns]), [[p, *row(p)] for p in ("all", *document["parts"])]
        ),
        "",
        f"Medians of {len(document['rounds'])} rounds, A B A B; {ratio}load at most "
        f"{max(loads):.1f}; {environment_line(document)}.",
    ]


def peers(name: str) -> list[str]:
    """Return the table of our server beside servers for models."""
    if not (RESULTS / f"{name}.json").exists():
        return ["No result is stored yet."]
    document = stored(name)
    return [*peer_lines(document), "", f"{environment_line(document)}."]


def contender(row: dict[str, Any]) -> list[str]:
    std = row["test_accuracy_std"]
    spread = f" +- {100 * std:.2f}" if std is not None else ""
    return [
        f"`{row['name']}`",
        f"{row['seconds']:.1f}",
        optional(row["ratio"], "1/{:.1f}") if row["ratio"] != 1 else "1",
        f"{row['cpu_seconds']:.1f}",
        f"{100 * row['test_accuracy_mean']:.2f}{spread} % (n = {row['runs']})",
        optional(row["seconds_to_target"], "{:.1f}"),
        f"{row['peak_mib']:.0f}",
        optional(row["gflops"], "{:.0f}"),
        optional(row["utilisation"] and 100 * row["utilisation"], "{:.0f} %"),
    ]


def way(row: dict[str, Any]) -> list[str]:
    return [
        f"`{row['name']}`",
        f"{row['bytes']:,}",
        f"{row['load_seconds']:.2f}",
        f"{row['p50_us']:,.1f}",
        f"{row['p99_us']:,.1f}",
        f"{row['times_faster']:,.0f}",
        f"{max(row['images_per_second'].values()):,.0f}",
        f"{row['times_throughput']:.1f}",
        f"{row['peak_mib']:.0f}",
        f"{100 * row['validation_accuracy']:.2f} %",
    ]


def best_by_size(rates: dict[str, float]) -> list[str]:
    """Return the images per second by batch size, with the best number of threads."""
    return [
        f"{max(rate for key, rate in rates.items() if key.startswith(f'batch {size},')):,.0f}"
        for size in BATCH_SIZES
    ]


def optional(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def stored(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return document


if __name__ == "__main__":
    sys.exit(main())
