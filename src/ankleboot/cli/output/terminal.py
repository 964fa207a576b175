"""Terminal output: results on stdout, progress and warnings on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from ankleboot.core.text import escape_lines, escape_unprintable, truncate_middle

WIDE = 10_000  # characters; no line of a pipe is longer
MIN_NAME_LENGTH = 24  # characters of a name that a narrow terminal leaves
EMPTY = "-"  # stands for an empty cell in a pipe

plain_table = partial(Table, box=None, pad_edge=False)
right_column = partial(Column, justify="right")


class Terminal(Console):
    """Console that prints text as it stands: no markup, no emoji codes, no control character.

    Each text is one line: a line break in a name is escaped like everything unprintable, and a
    text that is to be broken into lines is passed as several. A broken pipe is left to the command
    line; rich would exit.
    """

    @property
    def is_terminal(self) -> bool:
        """True if a terminal reads the output; FORCE_COLOR makes no terminal of a pipe."""
        isatty = getattr(self.file, "isatty", None)
        with suppress(ValueError):  # the stream is closed
            return isatty is not None and isatty()
        return False

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

    def table(self, table: Table) -> None:
        """Print a table; a terminal breaks its lines, and a pipe has one line for each row."""
        if not self.is_terminal:
            self.lines(*_unpadded_lines(table))
            return
        for column in table.columns:
            if not column.no_wrap:
                column.overflow = "fold"  # no text is lost
        self.print(table)

    def fit_name(self, text: str, *, beside: int) -> str:
        """Return a name whole if it fits a line with `beside` other characters, else shortened."""
        return truncate_middle(text, max(MIN_NAME_LENGTH, self.width - beside))

    def sentences(self, *sentences: str) -> None:
        """Print sentences; a terminal breaks their lines."""
        for sentence in sentences:
            self.print(sentence, soft_wrap=not self.is_terminal)


def _unpadded_lines(table: Table) -> list[str]:
    """Return the title and rows with two blanks between cells; an empty cell is a hyphen.

    Columns are not aligned, since one long cell would pad every other line by its width.
    """
    rows = list(zip(*(column.cells for column in table.columns), strict=True))
    if table.show_header:
        rows.insert(0, tuple(column.header for column in table.columns))
    lines = ["  ".join(str(cell).strip() or EMPTY for cell in row) for row in rows]
    return [str(table.title), *lines] if table.title else lines


def styled(*parts: str | tuple[str, str]) -> Text:
    """Join texts, some with a style: `styled("all ", (name, "bold"))`."""
    pairs = ((part, "") if isinstance(part, str) else part for part in parts)
    return Text.assemble(*((escape_unprintable(text), style) for text, style in pairs))


def stdout_console() -> Terminal:
    """Return the console for results; it breaks no lines outside a terminal."""
    return _console()


def stderr_console() -> Terminal:
    """Return the console for progress, which is that of a bar if one is drawn."""
    return _live[-1] if _live else _console(stderr=True)


def _console(*, stderr: bool = False) -> Terminal:
    console = Terminal(stderr=stderr, highlight=False)
    return console if console.is_terminal else Terminal(stderr=stderr, highlight=False, width=WIDE)


_live: list[Terminal] = []
"""Consoles with a bar, above which other lines of stderr are printed."""


@contextmanager
def live(console: Terminal) -> Iterator[None]:
    """Print the lines of stderr by a console that draws a bar."""
    _live.append(console)
    try:
        yield
    finally:
        _live.remove(console)


def log_line(message: str) -> None:
    """Print a line of progress or warning on stderr; a closed stderr is ignored."""
    with suppress(OSError):
        stderr_console().lines(message)


def next_command(console: Terminal, command: str, more: str = "") -> None:
    """Print the command to type next, and what the option --verbose would add."""
    console.lines(f"next: {command}")
    if more:
        console.sentences(f"(-v shows {more})")
