"""Terminal output: results on stdout, progress and warnings on stderr."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from ankleboot.core.text import escape_lines, escape_unprintable

T = TypeVar("T")

MIN_BAR_LENGTH = 20  # steps from which on a progress bar is drawn

WIDE = 10_000  # characters

plain_table = partial(Table, box=None, pad_edge=False)
right_column = partial(Column, justify="right")


class Terminal(Console):
    """Console that prints text as it stands: no markup, no emoji codes, no control character.

    Each text is one line: a line break in a name is escaped like everything unprintable, and a
    text that is to be broken into lines is passed as several. A broken pipe is left to the command
    line; rich would exit.
    """

    def on_broken_pipe(self) -> None:
        raise  # called by rich while it handles the BrokenPipeError

    def render_str(self, text: str, **options: Any) -> Text:
        """Render a text, also the cell of a table."""
        options |= {"emoji": False, "markup": False, "highlight": False, "highlighter": None}
        return super().render_str(escape_unprintable(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """Render anything; what rich did not take from `render_str` is escaped here."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(escape_lines(text), style)

    def lines(self, *items: object) -> None:
        """Print items, one a line however long."""
        for item in items:
            self.print(str(item), soft_wrap=True)

    def sentences(self, *sentences: str) -> None:
        """Print sentences; a terminal breaks their lines."""
        for sentence in sentences:
            self.print(sentence, soft_wrap=not self.is_terminal)


def styled(*parts: str | tuple[str, str]) -> Text:
    """Join texts, some with a style: `styled("all ", (name, "bold"))`."""
    pairs = ((part, "") if isinstance(part, str) else part for part in parts)
    return Text.assemble(*((escape_unprintable(text), style) for text, style in pairs))


def stdout_console() -> Terminal:
    """Return the console for results; it breaks no lines outside a terminal."""
    console = Terminal(highlight=False)
    return console if console.is_terminal else Terminal(highlight=False, width=120)


def table_console() -> Terminal:
    """Return the console for wide tables; it breaks no lines outside a terminal at all."""
    console = Terminal(highlight=False)
    return console if console.is_terminal else Terminal(highlight=False, width=WIDE)


def stderr_console() -> Terminal:
    """Return the console for progress."""
    return Terminal(stderr=True, highlight=False)


def log_line(message: str) -> None:
    """Print a line of progress or warning on stderr; a closed stderr is ignored."""
    with suppress(OSError):
        stderr_console().lines(message)


def counted(items: Iterable[T], total: int, title: str) -> Iterator[T]:
    """Yield the items; draw a progress bar on stderr."""
    console = stderr_console()
    if not console.is_terminal or total <= MIN_BAR_LENGTH:
        yield from items
        return
    with Progress(
        TextColumn(title, markup=False),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,  # results are printed meanwhile, perhaps into a file
        redirect_stderr=False,
    ) as progress:
        yield from progress.track(items, total=total)
