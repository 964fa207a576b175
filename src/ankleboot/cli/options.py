"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """Add --json, passed as `as_json`."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document on stdout."
    )(command)


def data_option(command: Command) -> Command:
    """Add --data, passed as `data_name`; None if it was not given."""
    text = "fashion-mnist (default), sample, or a folder with the four IDX files."
    return click.option("--data", "data_name", metavar="NAME|DIR", help=text)(command)


def split_option(command: Command) -> Command:
    """Add --split, passed as `split_name`."""
    return click.option(
        "--split",
        "split_name",
        type=click.Choice(["validation", "test"]),
        default="validation",
        show_default=True,
    )(command)


def model_option(command: Command) -> Command:
    """Add --model, passed as `model`; the shipped one if it was not given."""
    text = "A run folder, model file or exported folder."
    return click.option(
        "--model",
        type=click.Path(path_type=Path),
        default="pretrained",
        show_default=True,
        help=text,
    )(command)
