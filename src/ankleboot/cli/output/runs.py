"""Tables of runs: on a terminal, as CSV, and for papers in Markdown and LaTeX."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from rich.cells import cell_len
from rich.table import Column

from ankleboot.cli.output.plain import print_csv, print_lines
from ankleboot.cli.output.terminal import log_line, plain_table, stdout_console
from ankleboot.core.text import counted, escape_markdown, escape_unprintable
from ankleboot.evaluation.leaderboard import Standing
from ankleboot.models.run_list.columns import COLUMNS, OWN_COLUMNS, Row, Value, check_column
from ankleboot.models.run_list.prune import PrunePlan
from ankleboot.recipes.recipe import OPTIONS

GAP = 2  # blanks between two columns

LATEX_ESCAPES = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)


def choose_columns(text: str, rows: Sequence[Row]) -> tuple[str, ...]:
    """Read `NAME,NAME`; "all" stands for the columns in which some run has a value.

    Raises:
        UsageError: If a column is unknown.
    """
    if text == "all":
        return tuple(name for name in COLUMNS if any(row[name] not in (None, "") for row in rows))
    return tuple(check_column(name.strip()) for name in text.split(","))


def column_meanings() -> dict[str, str]:
    """Return the meaning of every column."""
    return {**{key: OPTIONS[key].meaning for key in OPTIONS}, **OWN_COLUMNS}


def column_list(meanings: Mapping[str, str]) -> None:
    """Print the columns with their meaning."""
    table = plain_table("column", "meaning")
    for name in COLUMNS:
        table.add_row(name, meanings[name])
    stdout_console().table(table)


def run_table(rows: Sequence[Row], names: Sequence[str], format_name: str, num_runs: int) -> None:
    """Print the chosen columns of runs; on a terminal those that fit it, and the others' names."""
    cells = [[_shown(name, row[name]) for name in names] for row in rows]
    if format_name == "table":
        num = _num_fitting(names, cells)
        if hidden := names[num:]:
            log_line(f"too wide for this terminal: {', '.join(hidden)} (--columns chooses)")
        names, cells = names[:num], [line[:num] for line in cells]
    exact = [[row[name] for name in names] for row in rows]
    _print_table(names, cells, exact, format_name)
    if format_name != "table":
        return
    some = f"{len(rows):,} of " if num_runs != len(rows) else ""
    damaged = sum(row["state"] == "damaged" for row in rows)
    note = f", {damaged:,} damaged: --columns run,error" if damaged else ""
    log_line(f"{some}{counted(num_runs, 'run')}{note}")


def _num_fitting(names: Sequence[str], cells: Sequence[Sequence[str]]) -> int:
    """Return how many columns fit the terminal; all of them in a pipe."""
    console = stdout_console()
    if not console.is_terminal:
        return len(names)
    lines = [names, *cells]
    widths = [
        max(cell_len(escape_unprintable(line[i])) for line in lines) for i in range(len(names))
    ]
    ends = accumulate(GAP + width for width in widths)
    return max(1, sum(end - GAP <= console.width for end in ends))


def run_details(document: Mapping[str, Any]) -> None:
    """Print every value of a run."""
    table = plain_table("column", "value")
    for name, value in document.items():
        if isinstance(value, list):
            value = "; ".join(value)
        if value not in (None, ""):
            table.add_row(name, _shown(name, value))
    stdout_console().table(table)


def difference_table(document: Mapping[str, Sequence[Value]], format_name: str) -> None:
    """Print the columns in which runs differ, a line each, a run in each column."""
    (first, *titles), *lines = [[name, *values] for name, values in document.items()]
    cells = [
        [str(name), *(_shown(str(name), value) for value in values)] for name, *values in lines
    ]
    _print_table([str(first), *map(str, titles)], cells, lines, format_name)


def standings_table(standings: Sequence[Standing], metric: str, format_name: str) -> None:
    """Print the groups of runs with mean, standard deviation, interval and number of runs."""
    names = (metric, "std", "95 % interval of the mean", "best", "n", "data", "recipe")
    cells, exact = [], []
    for each in standings:
        low, high = each.ci95 or (None, None)
        interval = f"{_shown(metric, low)} to {_shown(metric, high)}" if each.ci95 else ""
        spread = _shown(metric, each.std)
        numbers = _shown(metric, each.mean), spread, interval, _shown(metric, each.best)
        cells.append([*numbers, str(each.n), each.data, each.name])
        exact.append([each.mean, each.std, interval, each.best, each.n, each.data, each.name])
    _print_table(names, cells, exact, format_name)


def prune_plan(plan: PrunePlan) -> None:
    """Print what would be removed, and what stays with the reason."""
    console = stdout_console()
    for run, reason in plan.kept.items():
        console.lines(f"stays: {run} ({reason})")
    for folder in plan.folders:
        console.lines(f"to remove: {folder}")
    console.lines(f"{_folders(plan)} to remove")


def pruned(plan: PrunePlan) -> None:
    """Print what was removed."""
    stdout_console().lines(f"{_folders(plan)} removed")


def _folders(plan: PrunePlan) -> str:
    number = len(plan.folders)
    size = f", {plan.num_bytes / 1e6:,.1f} MB" if number else ""
    return f"{counted(number, 'folder')}{size}"


def _shown(name: str, value: Value) -> str:
    """Write a value for people: accuracies in percent, other numbers with four digits."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        if name.endswith("accuracy"):
            return f"{100 * value:.2f} %"
        return f"{value:.1f}" if name.endswith("seconds") else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    return value


def _print_table(
    names: Sequence[str],
    cells: Sequence[Sequence[str]],
    exact: Sequence[Sequence[Value]],
    format_name: str,
) -> None:
    match format_name:
        case "csv":
            print_csv(names, *exact)
        case "markdown":
            head, *body = ([*map(escape_markdown, line)] for line in [names, *cells])
            lines = [head, ["---"] * len(names), *body]
            print_lines(*(f"| {' | '.join(line)} |" for line in lines))
        case "latex":
            print_lines(*_latex(names, cells))
        case _:
            numeric = [
                any(isinstance(line[number], int | float) for line in exact)
                for number in range(len(names))
            ]
            columns = [
                Column(name, justify="right" if is_number else "left")
                for name, is_number in zip(names, numeric, strict=True)
            ]
            table = plain_table(*columns)
            for line in cells:
                table.add_row(*line)
            stdout_console().table(table)


def _latex(names: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    """Write a table for the LaTeX package booktabs."""
    lines = [" & ".join(map(_latex_cell, line)) for line in [names, *cells]]
    head, *body = [f"{line} \\\\" for line in lines]
    begin = f"\\begin{{tabular}}{{{'l' * len(names)}}}"
    return [begin, r"\toprule", head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}"]


def _latex_cell(text: str) -> str:
    return escape_unprintable(text).translate(LATEX_ESCAPES)
