"""Bars of long work on stderr, with its rate and the time left; only a terminal gets them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from ankleboot.cli.output.terminal import Terminal, live, stderr_console, styled
from ankleboot.core.progress import is_watched, watched_by

T = TypeVar("T")


class FiguresColumn(ProgressColumn):
    """Parts done, rate and time left, or the time so far while nothing is counted."""

    def __init__(self, noun: str) -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self._noun = f" {noun}" if noun else ""

    def render(self, task: Task) -> Text:
        """Return the text for a bar."""
        if not task.total:
            return styled(_clock(task.elapsed or 0.0))
        parts = [f"{task.completed:,.0f}/{task.total:,.0f}{self._noun}"]
        if task.speed:
            parts.append(f"{task.speed:,.0f}/s" if task.speed >= 10 else f"{task.speed:.1f}/s")
        if task.time_remaining is not None and not task.finished:
            parts.append(f"{_clock(float(task.time_remaining))} left")
        return styled("  ".join(parts))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def make_bar(console: Terminal, noun: str = "") -> Progress:
    """Return a bar of the width of a terminal, which leaves nothing behind; `noun` is counted."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        FiguresColumn(noun),
        console=console,
        transient=True,
        expand=True,
        redirect_stdout=False,  # results are printed meanwhile, perhaps into a file
        redirect_stderr=False,
    )


class _WorkBar:
    """Bar with the time so far, or with the parts that the work reports while it does."""

    def __init__(self, bar: Progress, title: str) -> None:
        self._bar, self._title, self._noun = bar, title, ""
        self._idle = self._task = bar.add_task(title, total=None)

    def __call__(self, noun: str, done: int, total: int) -> None:
        """Show how many parts are done; all of them end the count."""
        if self._noun and (noun != self._noun or done >= total):
            self._bar.remove_task(self._task)
            self._bar.update(self._idle, visible=True)
            self._noun = ""
        if done >= total:
            return
        if not self._noun:
            self._noun = noun
            self._task = self._bar.add_task(f"{self._title}: {noun}", total=total)
            self._bar.update(self._idle, visible=False)
        self._bar.update(self._task, completed=done, total=total)


@contextmanager
def working(title: str) -> Iterator[None]:
    """Draw a bar while a command works, which counts the parts that the work reports.

    Work within work is counted by the outer bar.
    """
    console = stderr_console()
    if not console.is_terminal or is_watched():
        yield
        return
    with make_bar(console) as bar, live(console), watched_by(_WorkBar(bar, title)):
        yield


def counted(items: Iterable[T], total: int, title: str) -> Iterator[T]:
    """Yield the items; draw a bar of those that are done."""
    console = stderr_console()
    if not console.is_terminal or total < 2:
        yield from items
        return
    with make_bar(console) as bar, live(console):
        yield from bar.track(items, total=total, description=title)
