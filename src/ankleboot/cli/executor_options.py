"""Options of the commands that make several trainings: where, with how many cores, how many."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import click

from ankleboot.cli.options import Command
from ankleboot.core.errors import UsageError

if TYPE_CHECKING:
    from ankleboot.core.executors.executor import Executor


@dataclass(frozen=True)
class ExecutorOptions:
    """Place of several trainings, the cores of each, and their number at once."""

    on: str
    cores: int | None
    parallel: int | None

    def executor(self, *, limit: int | None = None) -> Executor:
        """Return the executor; `limit` is the number at once if the user names none."""
        from ankleboot.core.executors.executor import make_executor

        return make_executor(self.on, cores=self.cores, limit=self.parallel or limit)

    def refuse(self, needed: str) -> None:
        """Refuse the options where a single training runs.

        Raises:
            UsageError: If one is given.
        """
        if self != ExecutorOptions("local", None, None):
            raise UsageError(f"--on, --cores and --parallel go with {needed}")


EXECUTOR_OPTIONS = (
    click.option(
        "--on",
        default="local",
        show_default=True,
        metavar="PLACE",
        help="Where several trainings run: local, ray (a Ray cluster that runs here, or a new one) "
        "or HOST:PORT of a cluster.",
    ),
    click.option(
        "--cores",
        type=click.IntRange(min=1),
        help="Cores of each of several trainings. [default: 1, or all if one runs at a time]",
    ),
    click.option(
        "--parallel",
        type=click.IntRange(min=1),
        metavar="N",
        help="Most trainings at once. [default: as many as fit the cores and the free memory]",
    ),
)


def executor_option(command: Command) -> Command:
    """Add --on, --cores and --parallel, passed together as `place`."""

    @functools.wraps(command)
    def with_place(
        *args: Any, on: str, cores: int | None, parallel: int | None, **kwargs: Any
    ) -> Any:
        return command(*args, place=ExecutorOptions(on, cores, parallel), **kwargs)

    decorated: Any = with_place
    for add_option in reversed(EXECUTOR_OPTIONS):
        decorated = add_option(decorated)
    return cast(Command, decorated)
