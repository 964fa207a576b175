"""Figures of a search: the course of the trials, and two objectives against each other."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ankleboot.evaluation.plots.style import BEST_COLOR, TRAIN_COLOR, VALIDATION_COLOR, diagram

Number = float | int
Points = Sequence[tuple[Number, Number]]


def search_course(
    complete: Points, pruned: Points, label: str, *, larger_is_better: bool
) -> Figure:
    """Draw the value of each trial by its number, and the best one so far as a line."""
    figure, axes = diagram(7.4, 4.0)
    if pruned:
        axes.plot(*zip(*pruned, strict=True), "x", color=BEST_COLOR, label="pruned, at its end")
    if complete:
        axes.plot(*zip(*complete, strict=True), "o", color=TRAIN_COLOR, label="complete")
        better = max if larger_is_better else min
        best = [better(value for _, value in complete[: n + 1]) for n in range(len(complete))]
        numbers = [number for number, _ in complete]
        line = {"color": VALIDATION_COLOR, "where": "post", "label": "best so far"}
        axes.step(numbers, best, **line)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.set(xlabel="trial", ylabel=label)
    axes.legend(frameon=False)
    return figure


def pareto(
    others: Points, front: Sequence[tuple[Number, Number, str]], labels: Sequence[str]
) -> Figure:
    """Draw two objectives of every trial; the trials that no other beats are joined and named."""
    figure, axes = diagram(7.4, 4.4)
    if others:
        axes.plot(*zip(*others, strict=True), "o", color=BEST_COLOR, alpha=0.7, label="beaten")
    ordered = sorted(front)
    if ordered:
        x, y, names = zip(*ordered, strict=True)
        axes.plot(x, y, "o-", color=TRAIN_COLOR, label="not beaten")
        for point in ordered:
            axes.annotate(
                point[2], point[:2], textcoords="offset points", xytext=(6, 5), fontsize=9
            )
    axes.set(xlabel=labels[0], ylabel=labels[1])
    axes.legend(frameon=False)
    return figure
