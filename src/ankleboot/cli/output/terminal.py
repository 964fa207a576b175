"""Where words go: results to stdout, progress and notes to stderr."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ankleboot.core.text import escape_unprintable

FEW = 20  # things that are done before a bar is worth drawing


def print_json(document: Any) -> None:
    """The one JSON document of a command."""
    print(json.dumps(document, indent=2))


def stdout_console() -> Console:
    """Where results go; lines are not broken when nobody watches."""
    console = Terminal(highlight=False)
    return console if console.is_terminal else Terminal(highlight=False, width=120)


class Terminal(Console):
    """Leaves it to the command line what a reader's early leaving means; rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        raise  # called by rich while it handles the BrokenPipeError


def log_line(message: str) -> None:
    """One line of progress or warning on stderr; a run does not end because nobody reads it."""
    with suppress(OSError):
        words = escape_unprintable(message)
        Terminal(stderr=True, highlight=False, soft_wrap=True).print(words, markup=False)


@contextmanager
def counting(total: int, what: str) -> Iterator[Callable[[], None]]:
    """Show a bar on stderr while something is done `total` times; call what it yields each time."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal or total <= FEW:
        yield lambda: None
        return
    columns = (TextColumn(what), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,  # results are printed meanwhile, perhaps into a file
        redirect_stderr=False,
    ) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


def print_paths(console: Console, paths: list[Path]) -> None:
    """Say which files were written, a line each."""
    for path in paths:
        console.print(str(path), markup=False, soft_wrap=True)
