"""What the studies found."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from ankleboot.console.terminal import out, print_paths


def study_list(rows: Sequence[dict[str, Any]]) -> None:
    """The studies: what they ask, what they take, what was found."""
    console = out()
    for row in rows:
        minutes = f"{row['minutes']:g} minutes" if row["runs"] > 1 else "a minute"
        console.print(
            f"[bold]{row['name']}[/bold]  {row['question']}  "
            f"[dim]({row['runs']} runs, about {minutes} on two cores)[/dim]"
        )
        for sentence in row["answer"]:
            console.print(f"    {sentence}", markup=False)
        if row["answer"]:
            console.print(f"    docs/studies/{row['name']}.md", markup=False)
    console.print("\nankleboot study NAME makes the runs here; --quick takes two minutes at most.")


def study_result(document: dict[str, Any]) -> None:
    """A study's answer and its table."""
    console = out()
    console.print(document["question"], style="bold", markup=False)
    for number, sentence in enumerate(document["sentences"], 1):
        console.print(f"{number}. {sentence}", markup=False, soft_wrap=not console.is_terminal)
    head, *lines = document["table"]
    table = Table(box=None, pad_edge=False)
    for place, title in enumerate(head):
        table.add_column(title, justify="right" if place else "left")
    for line in lines:
        table.add_row(*line)
    console.print(table)
    print_paths(console, [Path(document["page"])])
