"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ankleboot.cli.run_folder import data_of

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
    """The data that the user asked for.

    Attributes:
        name: As `load` wants it; None if nothing was said.
        skip_bad: Leave out pictures that cannot be read.
        strict: Refuse leakage between the parts.
    """

    name: str | None
    skip_bad: bool
    strict: bool

    @property
    def is_folder_of_pictures(self) -> bool:
        """Whether it is neither Fashion-MNIST nor its sample, but somebody's own."""
        from ankleboot.data.load import is_image_folder

        return self.name is not None and is_image_folder(self.name)

    def load(self, image_spec: ImageSpec, *, run: Run | None = None, known: str = "") -> Dataset:
        """Load it, and say on stderr what is remarkable about it.

        Args:
            image_spec: What the recipe or model makes of pictures.
            run: What it trained on is taken where nothing was said, and must not have changed.
            known: The name of the data if there is no run.
        """
        from ankleboot.cli import output
        from ankleboot.data.load import load_data
        from ankleboot.data.verify_data import verify_folder_unchanged

        name = self.name or (data_of(run) if run else known) or "fashion-mnist"
        skip_bad = self.skip_bad or (run is not None and run.manifest().get("num_bad", 0) > 0)
        data = load_data(
            name, image_spec, skip_bad=skip_bad, strict=self.strict, say=output.log_line
        )
        for sentence in data.findings.sentences if data.findings else ():
            output.log_line(f"{data.name}: {sentence}")
        if run is not None:
            verify_folder_unchanged(run, data)
        return data


def data_option(command: Command) -> Command:
    """Add --data, --skip-bad and --strict, passed together as `data_choice`."""

    @functools.wraps(command)
    def with_choice(
        *args: Any, data_name: str | None, skip_bad: bool, strict: bool, **kwargs: Any
    ) -> Any:
        choice = DataOptions(data_name, skip_bad, strict)
        return command(*args, data_choice=choice, **kwargs)

    text = (
        "fashion-mnist (default), sample, a folder of pictures with a sub-folder for every class, "
        "or one with the four IDX files."
    )
    skip = "Leave out pictures that cannot be read, and say how many."
    refuse = "Refuse a folder in which a picture is in more than one part."
    option = click.option("--data", "data_name", metavar="NAME|DIR", help=text)
    for flag, words in (("--strict", refuse), ("--skip-bad", skip)):
        with_choice = click.option(flag, is_flag=True, help=words)(with_choice)
    return option(with_choice)  # type: ignore[return-value]


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
