"""Lists and answers of the studies."""

import textwrap
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from ankleboot.cli.output.terminal import (
    Terminal,
    plain_table,
    right_column,
    stdout_console,
    styled,
)

INDENT = "  "


def study_list(rows: Sequence[dict[str, Any]]) -> None:
    """Print every study with its question and the first sentence of its plain answer."""
    console = stdout_console()
    width = console.width if console.is_terminal else None
    for row in rows:
        console.print(styled((row["name"], "bold"), f": {row['question']}"), soft_wrap=True)
        console.lines(*_filled(next(iter(row["plain"]), "This study has no answer yet."), width))
    minutes = ", ".join(f"{row['name']} {row['minutes']:g}" for row in rows)
    console.sentences(
        f"Next: ankleboot study NAME (--quick: minutes, no claim). Minutes on two cores: {minutes}."
    )


def _filled(sentence: str, width: int | None) -> list[str]:
    """Break a sentence into indented lines; None for one line."""
    if width is None:
        return [INDENT + sentence]
    return textwrap.wrap(sentence, width, initial_indent=INDENT, subsequent_indent=INDENT)


def _print_numbered(console: Terminal, sentences: Sequence[str]) -> None:
    """Print numbered sentences, one line each outside a terminal."""
    for number, sentence in enumerate(sentences, 1):
        if console.is_terminal:
            grid = Table.grid(padding=(0, 1))
            grid.add_row(f"{number}.", sentence)
            console.print(grid)
        else:
            console.lines(f"{number}. {sentence}")


def study_results(documents: Sequence[dict[str, Any]]) -> None:
    """Print the answer and the table of each study."""
    console = stdout_console()
    for document in documents:
        console.print(document["question"], style="bold")
        if document["quick"]:
            _print_full_answer(console, document)
        elif document["plain"]:
            console.sentences(_plain_answer(document))
        _print_numbered(console, document["sentences"])
        (head, *titles), *rows = document["table"]
        table = plain_table(head, *map(right_column, titles))
        for row in rows:
            table.add_row(*row)
        console.table(table)
        console.lines(document["page"])


def _print_full_answer(console: Terminal, document: dict[str, Any]) -> None:
    """Print the answer of the full study apart from the figures of a quick run."""
    full, quick = document["described_runs"]
    is_pipe = not console.is_terminal
    if document["plain"]:
        console.lines("")
        console.print(f"Answer of the full study ({full}):", style="bold", soft_wrap=is_pipe)
        console.sentences(" ".join(document["plain"]))
    console.lines("")
    title = f"This quick run, which claims nothing ({quick}):"
    console.print(title, style="bold", soft_wrap=is_pipe)


def _plain_answer(document: dict[str, Any]) -> str:
    """Return the plain answer, or what of it these runs do not support."""
    if document["unsupported"]:
        return f"Not supported by these runs: {'; '.join(document['unsupported'])}."
    return " ".join(document["plain"])
