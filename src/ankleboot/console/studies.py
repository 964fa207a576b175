"""What the studies found."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ankleboot.console.terminal import out, print_paths


def study_list(rows: Sequence[dict[str, Any]]) -> None:
    """The studies: what they ask, what they take, what was found."""
    console = out()
    for row in rows:
        runs = f"{row['runs']} runs" if row["runs"] > 1 else "1 run"
        minutes = f"{row['minutes']:g} minutes" if row["minutes"] > 1 else "a minute"
        console.print(
            f"[bold]{row['name']}[/bold]  {row['question']} "
            f"[dim]({runs}, about {minutes} on two cores)[/dim]"
        )
        if row["answer"]:
            console.print(Padding(_numbered(row["answer"]), (0, 0, 1, 2)))
    console.print("ankleboot study NAME makes the runs here; --quick takes two minutes at most.")


def _numbered(sentences: Sequence[str]) -> Table:
    """Sentences with their numbers before them."""
    grid = Table.grid(padding=(0, 1))
    for number, sentence in enumerate(sentences, 1):
        grid.add_row(f"{number}.", Text(sentence))
    return grid


def study_result(document: dict[str, Any]) -> None:
    """A study's answer and its table."""
    console = out()
    console.print(document["question"], style="bold", markup=False)
    console.print(_numbered(document["sentences"]))
    head, *lines = document["table"]
    table = Table(box=None, pad_edge=False)
    for place, title in enumerate(head):
        table.add_column(title, justify="right" if place else "left")
    for line in lines:
        table.add_row(*line)
    console.print(table)
    print_paths(console, [Path(document["page"])])
