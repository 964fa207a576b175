"""Figure of validation accuracy by seconds of training."""

from typing import Any

from matplotlib.figure import Figure

from ankleboot.evaluation.plots.style import BEST_COLOR, PALETTE, diagram


def draw_time_to_accuracy(runs: list[dict[str, Any]], target: float) -> Figure:
    """Draw validation accuracy by training seconds (logarithmic), a curve for each run."""
    figure, axes = diagram(8.6, 4.8)
    by_name: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        by_name.setdefault(run["name"], []).append(run)
    for number, (name, own) in enumerate(by_name.items()):
        color = PALETTE[number % len(PALETTE)]
        for run in own:
            seconds, accuracies = zip(*run["curve"], strict=True)
            percent = [100 * accuracy for accuracy in accuracies]
            alpha = 0.9 if run is own[0] else 0.25
            axes.plot(seconds, percent, "o-", color=color, markersize=3.5, alpha=alpha)
        last, accuracy = max(own, key=lambda run: run["seconds"])["curve"][-1]
        place = {"xytext": (6, 4 if number % 2 else -12), "textcoords": "offset points"}
        axes.annotate(name, (last, 100 * accuracy), color=color, fontweight="bold", **place)
    axes.axhline(100 * target, color=BEST_COLOR, linestyle="--", linewidth=1)
    axes.annotate(
        f"{100 * target:.2f} %: published by the ancestor",
        (0.16, 100 * target),
        xycoords=("axes fraction", "data"),
        xytext=(0, -11),
        textcoords="offset points",
        color=BEST_COLOR,
        fontsize=8,
    )
    ticks = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
    axes.set_xscale("log")
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    longest = max(run["curve"][-1][0] for run in runs)
    axes.set_xlim(min(run["curve"][0][0] for run in runs) / 1.3, longest * 2.2)
    axes.set(xlabel="seconds of training (tracing included)", ylabel="validation accuracy in %")
    return figure
