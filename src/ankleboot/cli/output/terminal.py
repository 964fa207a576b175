"""Terminal output: results on stdout, progress and warnings on stderr."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ankleboot.core.text import escape_unprintable

MIN_BAR_LENGTH = 20  # steps from which on a progress bar is drawn


def print_json(document: Any) -> None:
    """Print the JSON document of a command."""
    print(json.dumps(document, indent=2))


def stdout_console() -> Console:
    """Return the console for results; it breaks no lines outside a terminal."""
    console = Terminal(highlight=False)
    return console if console.is_terminal else Terminal(highlight=False, width=120)


class Terminal(Console):
    """Console that leaves a broken pipe to the command line; rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        raise  # called by rich while it handles the BrokenPipeError


def log_line(message: str) -> None:
    """Print a line of progress or warning on stderr; a closed stderr is ignored."""
    with suppress(OSError):
        text = escape_unprintable(message)
        Terminal(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False)


@contextmanager
def counting(total: int, title: str) -> Iterator[Callable[[], None]]:
    """Draw a progress bar of `total` steps on stderr; call the yielded function after each."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal or total <= MIN_BAR_LENGTH:
        yield lambda: None
        return
    columns = (TextColumn(title), BarColumn(), TextColumn("{task.completed}/{task.total}"))
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
    """Print the paths of written files, one a line."""
    for path in paths:
        console.print(str(path), markup=False, soft_wrap=True)
