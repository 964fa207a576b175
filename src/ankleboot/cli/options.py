"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ankleboot.data.dataset import Dataset
    from ankleboot.models.run import Run
    from ankleboot.recipes.image_spec import ImageSpec

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """Add --json, passed as `as_json`."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document on stdout."
    )(command)


@dataclass(frozen=True)
class DataOptions:
    """Data set that the user named, and how to load it.

    Attributes:
        name: Name for `load_data`; None if the user gave none.
        skip_bad: Whether to leave out images that cannot be read.
        strict: Whether to refuse a folder with an image in more than one split.
        trust: Whether a run or model may name a data set from outside the package.
    """

    name: str | None
    skip_bad: bool
    strict: bool
    trust: bool

    @property
    def is_image_folder(self) -> bool:
        """True if the user named an image folder."""
        from ankleboot.data.load import is_image_folder

        return self.name is not None and is_image_folder(self.name)

    def load(self, image_spec: ImageSpec, run: Run | None = None, known: str = "") -> Dataset:
        """Load the data set; print its warnings on stderr.

        Args:
            image_spec: Size, colors and crop of the images.
            run: Run whose data is loaded by default, and must not have changed.
            known: Name of the data set to load by default if there is no run.
        """
        from ankleboot.cli import output
        from ankleboot.data import load

        options: dict[str, Any] = {
            "image_spec": image_spec,
            "skip_bad": self.skip_bad,
            "strict": self.strict,
            "progress": output.log_line,
        }
        if run is not None:
            data = load.load_training_data(run, self.name, trust=self.trust, **options)
        else:
            name, is_typed = self.name or known or "fashion-mnist", self.name is not None
            data = load.load_data(name, trust=self.trust or is_typed, **options)
        for warning in data.folder_report.warnings if data.folder_report else ():
            output.log_line(f"{data.name}: {warning}")
        return data


def data_option(command: Command) -> Command:
    """Add --data, --skip-bad, --strict and --trust, passed together as `data_choice`."""

    @functools.wraps(command)
    def with_choice(
        *args: Any, data_name: str | None, skip_bad: bool, strict: bool, trust: bool, **kwargs: Any
    ) -> Any:
        choice = DataOptions(data_name, skip_bad, strict, trust)
        return command(*args, data_choice=choice, **kwargs)

    text = (
        "fashion-mnist (default), sample, an image folder with a sub-folder for every class, a "
        "folder with the four IDX files, or package.module:load."
    )
    flags = {
        "--trust": "Import code from outside the package that the run or model names.",
        "--strict": "Refuse an image folder with an image in more than one split.",
        "--skip-bad": "Leave out images that cannot be read, and count them.",
    }
    for flag, meaning in flags.items():
        with_choice = click.option(flag, is_flag=True, help=meaning)(with_choice)
    return click.option("--data", "data_name", metavar="NAME|DIR", help=text)(with_choice)  # type: ignore[return-value]


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


def trust_option(command: Command) -> Command:
    """Add --trust, passed as `trust`."""
    return click.option(
        "--trust",
        is_flag=True,
        help="Import code from outside Ankleboot that the model's files name.",
    )(command)
