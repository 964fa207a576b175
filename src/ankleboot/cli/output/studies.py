"""Lists and answers of the studies."""

from collections.abc import Sequence
from typing import Any

from rich.padding import Padding
from rich.table import Table

from ankleboot.cli.output.terminal import (
    Terminal,
    plain_table,
    right_column,
    stdout_console,
    styled,
)


def study_list(rows: Sequence[dict[str, Any]]) -> None:
    """Print every study with its question, duration and stored answer."""
    console = stdout_console()
    for row in rows:
        runs = f"{row['runs']} runs" if row["runs"] > 1 else "1 run"
        minutes = f"{row['minutes']:g} minutes" if row["minutes"] > 1 else "a minute"
        console.print(
            styled(
                (row["name"], "bold"),
                f"  {row['question']} ",
                (f"({runs}, about {minutes} on two cores)", "dim"),
            )
        )
        _print_numbered(console, row["answer"], indent=2)
        console.print()
    console.print("ankleboot study NAME makes the runs here; --quick takes two minutes at most.")


def _print_numbered(console: Terminal, sentences: Sequence[str], *, indent: int = 0) -> None:
    """Print numbered sentences, one line each outside a terminal."""
    for number, sentence in enumerate(sentences, 1):
        if console.is_terminal:
            grid = Table.grid(padding=(0, 1))
            grid.add_row(f"{number}.", sentence)
            console.print(Padding.indent(grid, indent))
        else:
            console.lines(f"{' ' * indent}{number}. {sentence}")


def study_results(documents: Sequence[dict[str, Any]]) -> None:
    """Print the answer and the table of each study."""
    console = stdout_console()
    for document in documents:
        console.print(document["question"], style="bold")
        _print_numbered(console, document["sentences"])
        (head, *titles), *rows = document["table"]
        table = plain_table(head, *map(right_column, titles))
        for row in rows:
            table.add_row(*row)
        console.print(table)
        console.lines(document["page"])
