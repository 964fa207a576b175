"""Options that several commands share."""

from __future__ import annotations

import functools
import json
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
Result = tuple[Any, Callable[[], None]]
"""JSON document of a command, and the function that prints the result for people."""

TRUST = "Import code from outside the package that the run or model names."

PATH = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)

model_option = click.option(
    "--model",
    type=PATH,
    default="pretrained",
    show_default=True,
    help="A run folder, model file or exported folder.",
)
data_name_option = click.option(
    "--data", "data_name", default="fashion-mnist", metavar="NAME|DIR", help="As in train."
)
split_option = click.option(
    "--split",
    "split_name",
    type=click.Choice(["validation", "test"]),
    default="validation",
    show_default=True,
)
trust_option = click.option("--trust", is_flag=True, help=TRUST)


def output_option(meaning: str, default: str | None = None) -> Callable[[Command], Command]:
    """Declare --output; one with a default is a folder."""
    kind = PATH if default is None else FOLDER
    return click.option("--output", type=kind, default=default, show_default=True, help=meaning)


def json_option(command: Callable[..., Result]) -> Callable[..., None]:
    """Add --json, which prints the document of the command's result."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
    @functools.wraps(command)
    def print_result(*args: Any, as_json: bool, **kwargs: Any) -> None:
        document, show = command(*args, **kwargs)
        if as_json:
            print(json.dumps(document, indent=2))
        else:
            show()

    return print_result


@dataclass(frozen=True)
class DataOptions:
    """Data set that the user named, and how to load it; the name is None if the user gave none."""

    name: str | None
    skip_bad: bool
    strict: bool
    trust: bool

    def load(self, image_spec: ImageSpec, run: Run | None = None, known: str = "") -> Dataset:
        """Load the data set; print its warnings on stderr.

        Args:
            image_spec: Size, colors and crop of the images.
            run: Run whose data is loaded by default, and must not have changed.
            known: Name of the data set to load by default if there is no run.
        """
        from ankleboot.cli.output.terminal import log_line
        from ankleboot.data import load

        options: dict[str, Any] = {
            "image_spec": image_spec,
            "skip_bad": self.skip_bad,
            "strict": self.strict,
            "progress": log_line,
        }
        if run is not None:
            data = load.load_training_data(run, self.name, trust=self.trust, **options)
        else:
            name, is_typed = self.name or known or "fashion-mnist", self.name is not None
            data = load.load_data(name, trust=self.trust or is_typed, **options)
        for warning in data.folder_report.warnings if data.folder_report else ():
            log_line(f"{data.name}: {warning}")
        return data


def data_option(command: Command) -> Command:
    """Add --data, --skip-bad, --strict and --trust, passed together as `data_choice`."""

    @click.option(
        "--data",
        "data_name",
        metavar="NAME|DIR",
        help="fashion-mnist (default), sample, an image folder with a sub-folder for every class, "
        "a folder with the four IDX files, or package.module:load.",
    )
    @click.option(
        "--skip-bad", is_flag=True, help="Leave out images that cannot be read, and count them."
    )
    @click.option(
        "--strict",
        is_flag=True,
        help="Refuse an image folder with an image in more than one split.",
    )
    @trust_option
    @functools.wraps(command)
    def with_choice(
        *args: Any, data_name: str | None, skip_bad: bool, strict: bool, trust: bool, **kwargs: Any
    ) -> Any:
        choice = DataOptions(data_name, skip_bad, strict, trust)
        return command(*args, data_choice=choice, **kwargs)

    return with_choice  # type: ignore[return-value]
