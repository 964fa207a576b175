"""`ankleboot predict --output`: any number of images into one Parquet file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import click

from ankleboot.cli import options
from ankleboot.core.errors import DataError, UsageError


@dataclass(frozen=True)
class BulkOptions:
    """Result file of a bulk prediction, None for another prediction, and where it runs."""

    output: Path | None
    on: str | None
    parallel: int | None

    def check(self, *, alone: bool, single: bool) -> None:
        """Refuse options that do not go together.

        Args:
            alone: Whether no other form of output is asked for.
            single: Whether one model is named.

        Raises:
            UsageError: If they do not.
        """
        if self.output is None:
            if self.on or self.parallel:
                raise UsageError("--on and --parallel go with --output")
        elif not alone:
            raise UsageError("--output excludes --json, --csv, --sort-into and --save-steps")
        elif not single:
            raise UsageError(
                "--output takes one model; export the ensemble to a file, which is faster as well "
                "(ankleboot export RUN --ensemble-with RUN --format litert --output FILE.tflite)"
            )

    def predict(self, paths: tuple[str, ...], model: Path, **choices: Any) -> None:
        """Predict the images of the paths and print what the result counts.

        Raises:
            DataError: If some images could not be read; the others are in the result all the same.
            Others: The errors of `predict_bulk`.
        """
        from ankleboot.cli.output.prediction import bulk_result
        from ankleboot.cli.output.terminal import log_line
        from ankleboot.inference.bulk.predict_bulk import predict_bulk

        result = predict_bulk(
            paths,
            cast(Path, self.output),
            model,
            on=self.on or "local",
            parallel=self.parallel,
            lines=_stdin_lines(),
            log=log_line,
            **choices,
        )
        bulk_result(result)
        if result.num_failed:
            raise DataError(
                f"{result.num_failed:,} of {result.num_images:,} images could not be read"
            )


BULK_OPTIONS = (
    click.option(
        "--output",
        type=options.PATH,
        metavar="FILE.parquet",
        help="Write a row for each image to a new Parquet file, of any number of images. PATH may "
        "then also be a .tar or .parquet file of images, or a .txt file of paths. Repeat the "
        "command after a kill to continue.",
    ),
    click.option(
        "--on",
        metavar="PLACE",
        help="With --output: local, ray (a Ray cluster that runs here, or a new one) or HOST:PORT "
        "of a cluster. [default: local]",
    ),
    click.option(
        "--parallel",
        type=click.IntRange(min=1),
        metavar="N",
        help="With --output: most processes at once. [default: as many as fit the cores and the "
        "free memory]",
    ),
)


bulk_option = options.collect_options(BULK_OPTIONS, "bulk", BulkOptions)
"""Decorator that adds --output, --on and --parallel, passed together as `bulk`."""


def _stdin_lines() -> Iterator[str]:
    """Yield the lines of standard input when they are asked for; file names need not be UTF-8."""
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise UsageError("standard input is closed, so there is no list of paths")
    yield from map(os.fsdecode, stream)
