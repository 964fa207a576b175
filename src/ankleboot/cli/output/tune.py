"""Result of a search on the terminal."""

from collections.abc import Sequence
from pathlib import Path

from ankleboot.cli.output.terminal import plain_table, right_column, stdout_console
from ankleboot.training.tuning.page import next_commands, trial_table
from ankleboot.training.tuning.summary import SearchResult

SHOWN = 10  # best trials


def search_result(result: SearchResult, paths: Sequence[Path]) -> None:
    """Print the best trials, what they say, and what to do next."""
    console = stdout_console()
    titles, *rows = trial_table(result)
    objectives = len(result.settings.objectives)
    table = plain_table(*map(right_column, titles[: 1 + objectives]), *titles[1 + objectives :])
    for row in rows[:SHOWN]:
        table.add_row(*row)
    console.table(table)
    if len(rows) > SHOWN:
        console.print(f"and {len(rows) - SHOWN} more")
    for name, share in result.importance.items():
        console.print(f"importance of {name}: {share:.2f}")
    console.sentences(*result.sentences)
    console.lines(*paths)
    console.lines("next:", *(f"  {command}" for command in next_commands(result)))
