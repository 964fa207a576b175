"""Options of the commands that make several trainings: where, with how many cores, how many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from ankleboot.cli.options import collect_options
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


executor_option = collect_options(EXECUTOR_OPTIONS, "place", ExecutorOptions)
"""Decorator that adds --on, --cores and --parallel, passed together as `place`."""
