"""Page of a search, one HTML file."""

import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from ankleboot.core.files import atomic_write
from ankleboot.evaluation import plots
from ankleboot.evaluation.plots.svg import svg
from ankleboot.recipes.catalog import command_of
from ankleboot.training.tuning.summary import MIN_TRIALS, SearchResult
from ankleboot.training.tuning.trials import (
    COMPLETE,
    DIRECTIONS,
    PRUNED,
    Trial,
    describe_end,
    objective_words,
    show_objective,
)
from ankleboot.web.render import render

Charts = dict[str, Callable[[], Figure]]


def write_search_page(result: SearchResult, path: Path) -> None:
    """Write the page of a search."""
    charts = _charts(result)
    settings = result.settings
    content = {
        "title": settings.recipe.name,
        "data": settings.data,
        "folder": str(result.folder),
        "objectives": " and ".join(map(objective_words, settings.objectives)),
        "sentences": result.sentences,
        "titles": list(charts),
        "drawings": [svg(draw, title) for title, draw in charts.items()],
        "importance_note": _importance_note(result),
        "trials": trial_table(result),
        "space": {name: dimension.describe() for name, dimension in settings.space.items()},
        "commands": "\n".join(next_commands(result)),
    }
    atomic_write(path, render(content, "search.html", drawn=("drawings",)).encode())


def trial_table(result: SearchResult) -> list[list[str]]:
    """Return the trials as rows of text, the best first, below a row of titles."""
    objectives = result.settings.objectives
    sign = -1 if DIRECTIONS[objectives[0]] == "maximize" else 1

    def place(trial: Trial) -> tuple[bool, float, int]:
        value = sign * trial.values[0] if trial.values else 0.0
        return trial.state != COMPLETE, value, trial.number

    rows = [["trial", *map(objective_words, objectives), "state", "hash", "changes"]]
    for trial in sorted(result.trials, key=place):
        shown = [show_objective(*pair) for pair in zip(objectives, trial.values, strict=False)]
        shown += [""] * (len(objectives) - len(shown))
        state = trial.state if trial.state == COMPLETE else describe_end(trial, objectives)
        mark = f"{trial.number} *" if trial.number in result.best else str(trial.number)
        rows.append([mark, *shown, state, trial.key, " ".join(trial.changes)])
    return rows


def next_commands(result: SearchResult) -> list[str]:
    """List the commands that come after a search."""
    commands = [f"ankleboot runs list {shlex.quote(str(result.folder / 'trials'))}"]
    for number in result.best[:1]:
        best = next(trial for trial in result.trials if trial.number == number)
        commands.append(command_of(best.recipe))
    return commands


def _charts(result: SearchResult) -> Charts:
    settings = result.settings
    name = settings.objectives[0]
    words = objective_words(name)
    scale, label = (100, f"{words} in %") if name.endswith("accuracy") else (1, words)
    complete = [trial for trial in result.trials if trial.state == COMPLETE]
    charts: Charts = {}
    if complete:
        pruned = [
            (trial.number, scale * trial.curve[-1])
            for trial in result.trials
            if trial.state == PRUNED and trial.curve and name == "validation_accuracy"
        ]
        charts["Value of each trial"] = partial(
            plots.search_course,
            [(trial.number, scale * trial.values[0]) for trial in complete],
            pruned,
            label,
            larger_is_better=DIRECTIONS[name] == "maximize",
        )
    if len(settings.objectives) > 1 and complete:
        second = objective_words(settings.objectives[1])
        points = {trial.number: (trial.values[1], scale * trial.values[0]) for trial in complete}
        charts[f"{words} against {second}".capitalize()] = partial(
            plots.pareto,
            [point for number, point in points.items() if number not in result.best],
            [(*points[number], str(number)) for number in result.best],
            (second, label),
        )
    if result.importance:
        fields, shares = list(result.importance), list(result.importance.values())
        charts["Importance of the fields"] = partial(
            plots.bars, fields, shares, f"share in the spread of {words}"
        )
    return charts


def _importance_note(result: SearchResult) -> str:
    if result.importance:
        return (
            "Importance: what a field contributes to reaching the best tenth of the trials "
            "(PED-ANOVA). With few trials it is rough."
        )
    return f"The importance of the fields is estimated from {MIN_TRIALS} complete trials on."
