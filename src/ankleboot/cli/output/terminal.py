"""Terminal output: results on stdout, progress and warnings on stderr."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from ankleboot.core.text import escape_unprintable

T = TypeVar("T")

MIN_BAR_LENGTH = 20  # steps from which on a progress bar is drawn

WIDE = 10_000  # characters

plain_table = partial(Table, box=None, pad_edge=False)
right_column = partial(Column, justify="right")


class Terminal(Console):
    """Console for text as it stands; a broken pipe is left to the command line, rich would exit."""

    def on_broken_pipe(self) -> None:
        raise  # called by rich while it handles the BrokenPipeError

    def lines(self, *items: object) -> None:
        """Print items, one a line however long."""
        for item in items:
            self.print(str(item), markup=False, soft_wrap=True)

    def sentences(self, *sentences: str) -> None:
        """Print sentences; a terminal breaks their lines."""
        for sentence in sentences:
            self.print(sentence, markup=False, soft_wrap=not self.is_terminal)


def stdout_console() -> Terminal:
    """Return the console for results; it breaks no lines outside a terminal."""
    console = Terminal(highlight=False)
    return console if console.is_terminal else Terminal(highlight=False, width=120)


def table_console() -> Terminal:
    """Return the console for wide tables; it breaks no lines outside a terminal at all."""
    console = Terminal(highlight=False)
    return console if console.is_terminal else Terminal(highlight=False, width=WIDE)


def log_line(message: str) -> None:
    """Print a line of progress or warning on stderr; a closed stderr is ignored."""
    with suppress(OSError):
        Terminal(stderr=True, highlight=False).lines(escape_unprintable(message))


def counted(items: Iterable[T], total: int, title: str) -> Iterator[T]:
    """Yield the items; draw a progress bar on stderr."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal or total <= MIN_BAR_LENGTH:
        yield from items
        return
    with Progress(
        TextColumn(title),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,  # results are printed meanwhile, perhaps into a file
        redirect_stderr=False,
    ) as progress:
        yield from progress.track(items, total=total)
