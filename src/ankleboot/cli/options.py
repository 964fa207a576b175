"""Options that several commands share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from ankleboot.cli.groups import DataOption
from ankleboot.cli.output.plain import print_json
from ankleboot.core.errors import AnklebootError, UsageError
from ankleboot.core.paths import expand
from ankleboot.core.splits import SPLITS
from ankleboot.core.views import VIEWS, VIEWS_BELOW
from ankleboot.models.pretrained import catalog

if TYPE_CHECKING:
    from ankleboot.data.dataset import Dataset
    from ankleboot.evaluation.select_split import DataLoader
    from ankleboot.models.run import Run
    from ankleboot.recipes.image_spec import ImageSpec
    from ankleboot.training.train_once import DataRequest

Command = TypeVar("Command", bound=Callable[..., Any])
Result = tuple[Any, Callable[[], None], *tuple[AnklebootError, ...]]
"""JSON document of a command, and the function that prints the result for people.

A check that fails adds the error to raise after the output.
"""

SHIPPED = ", ".join(catalog.FOLDERS)
TRUST = "Import code from outside the package that the run or model names."


class ExpandedPath(click.Path):
    """Path in which `~` is the home folder; shells leave it as it is in --option=~/file."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(expand(value), param, ctx)


PATH = ExpandedPath(path_type=Path)
FOLDER = ExpandedPath(path_type=Path, file_okay=False)

model_option = click.option(
    "--model",
    type=PATH,
    default="pretrained",
    show_default=True,
    help=f"A run folder, model file or exported folder, or a shipped model: {SHIPPED}.",
)
data_name_option = click.option(
    "--data", "data_name", default="fashion-mnist", metavar="NAME|DIR", help="As in train."
)
split_option = click.option(
    "--split",
    "split_name",
    type=click.Choice(SPLITS),
    metavar="SPLIT",
    help="Images to judge on: validation, held-out or test. [default: validation; test for "
    "adopted models, held-out images for models of a fold]",
)
ensemble_option = click.option(
    "--ensemble-with",
    "further",
    type=PATH,
    metavar="MODEL",
    multiple=True,
    help="Further model of an ensemble, which predicts the mean of the models' probabilities; may "
    "be repeated. It is calibrated on their validation images. The models need the same classes, "
    "image spec, data and split.",
)
trust_option = click.option("--trust", is_flag=True, help=TRUST)


def verbose_option(meaning: str) -> Callable[[Command], Command]:
    """Declare --verbose, which prints what matters to few."""
    return click.option("-v", "--verbose", is_flag=True, help=meaning)


def views_option(command: Command) -> Command:
    """Add --views and --views-below, whose default is filled in."""

    @click.option(
        "--views",
        type=click.Choice(VIEWS),
        help="Test-time augmentation: predict an image that the model is unsure of mirrored as "
        "well (flip), or mirrored and shifted by a pixel (flip-shift, for recipes with max_shift), "
        "and take the mean. Not for classes that a mirror changes into others, such as letters.",
    )
    @click.option(
        "--views-below",
        type=click.FloatRange(0, 1),
        metavar="P",
        help="Confidence in the plain view below which an image gets the others; 1 for all "
        f"images. [default: {VIEWS_BELOW}]",
    )
    @functools.wraps(command)
    def with_views(*args: Any, views: str | None, views_below: float | None, **kwargs: Any) -> Any:
        if views_below is None:
            views_below = VIEWS_BELOW
        elif views is None:
            raise UsageError("--views-below goes with --views")
        return command(*args, views=views, views_below=views_below, **kwargs)

    return cast(Command, with_views)


def output_option(meaning: str, default: str | None = None) -> Callable[[Command], Command]:
    """Declare --output; one with a default is a folder."""
    kind = PATH if default is None else FOLDER
    return click.option("--output", type=kind, default=default, show_default=True, help=meaning)


def json_option(command: Callable[..., Result]) -> Callable[..., None]:
    """Add --json, which prints the document of the command's result."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
    @functools.wraps(command)
    def print_result(*args: Any, as_json: bool, **kwargs: Any) -> None:
        if as_json and kwargs.get("verbose"):
            raise UsageError("--json prints everything; leave --verbose out")
        document, show, *errors = command(*args, **kwargs)
        if as_json:
            print_json(document)
        else:
            show()
        for error in errors:
            raise error

    return print_result


def collect_options(
    click_options: Sequence[Callable[[Command], Command]],
    keyword: str,
    record: Callable[..., object],
) -> Callable[[Command], Command]:
    """Return a decorator that adds options to a command and passes them together.

    Args:
        click_options: Options with the names of the record's fields.
        keyword: Name of the command's argument that receives the record.
        record: Class of the record.
    """
    fields = inspect.signature(record).parameters

    def add(command: Command) -> Command:
        @functools.wraps(command)
        def with_record(*args: Any, **kwargs: Any) -> Any:
            values = {name: kwargs.pop(name) for name in fields}
            return command(*args, **{keyword: record(**values)}, **kwargs)

        decorated: Any = with_record
        for add_option in reversed(click_options):
            decorated = add_option(decorated)
        return cast(Command, decorated)

    return add


@dataclass(frozen=True)
class DataOptions:
    """Data set that the user named, and how to load it; the name is None if the user gave none."""

    name: str | None
    skip_bad: bool
    strict: bool
    trust: bool
    labels: Path | None = None
    groups: Path | None = None

    @property
    def named(self) -> DataLoader | None:
        """Loader of the data that the user named; None if the user named none."""
        return self.load if self.name else None

    @property
    def request(self) -> DataRequest:
        """The choice, for processes that load the data again; Fashion-MNIST by default."""
        from ankleboot.training.train_once import DataRequest

        return DataRequest(
            self.name or "fashion-mnist",
            self.skip_bad,
            self.strict,
            self.trust or self.name is not None,
            str(self.labels) if self.labels else None,
            str(self.groups) if self.groups else None,
        )

    def check_name(self) -> None:
        """Refuse a name that no data set has, before TensorFlow is imported."""
        from ankleboot.data.load import check_data_name

        if self.name is not None:
            check_data_name(self.name)

    def load(
        self,
        image_spec: ImageSpec,
        run: Run | None = None,
        known: str = "",
        *,
        check_only: bool = False,
    ) -> Dataset:
        """Load the data set; print its warnings on stderr.

        Args:
            image_spec: Size, colors and crop of the images.
            run: Run whose data is loaded by default, and must not have changed.
            known: Name of the data set to load by default if there is no run.
            check_only: Whether faults of images are printed, and no error.
        """
        from ankleboot.cli.output.progress import working
        from ankleboot.cli.output.terminal import log_line

        with working("data"):
            choice = replace(self, skip_bad=True, strict=False) if check_only else self
            data = choice._load(image_spec, run, known)
        if report := data.folder_report:
            is_used = self.skip_bad or not check_only
            for line in report.warnings if is_used else report.findings:
                log_line(f"{data.name}: {line}")
        if changes := data.label_changes:
            for note in (str(changes), *changes.notes):
                log_line(f"{data.name}: {note}")
        return data

    def _load(self, image_spec: ImageSpec, run: Run | None, known: str) -> Dataset:
        from ankleboot.cli.output.terminal import log_line
        from ankleboot.data import load

        options: dict[str, Any] = {
            "image_spec": image_spec,
            "skip_bad": self.skip_bad,
            "strict": self.strict,
            "labels": self.labels,
            "groups": self.groups,
            "progress": log_line,
        }
        if run is not None:
            return load.load_training_data(run, self.name, trust=self.trust, **options)
        name, is_typed = self.name or known or "fashion-mnist", self.name is not None
        options["for_training"] = not known
        return load.load_data(name, trust=self.trust or is_typed, **options)


DATA_OPTIONS = (
    click.option(
        "--data",
        "name",
        cls=DataOption,
        metavar="NAME|DIR",
        help="fashion-mnist (default), sample, an image folder with a sub-folder for every class, "
        "a table (.csv, .jsonl, .parquet, .npz), a .zip of these, a folder with IDX files, or "
        "package.module:load.",
    ),
    click.option(
        "--skip-bad",
        cls=DataOption,
        is_flag=True,
        help="Leave out images that cannot be read, and count them.",
    ),
    click.option(
        "--strict",
        cls=DataOption,
        is_flag=True,
        help="Refuse images or groups that are in more than one split.",
    ),
    click.option(
        "--groups",
        cls=DataOption,
        metavar="FILE",
        type=PATH,
        help="CSV file with the columns path and group: images of one group (a patient, a "
        "photographer) stay on one side of a split.",
    ),
    click.option(
        "--labels",
        cls=DataOption,
        metavar="FILE",
        type=PATH,
        help="Label file that corrects labels of training and validation images, as `ankleboot "
        "label` writes it; the test split keeps its labels.",
    ),
    trust_option,
)


data_option = collect_options(DATA_OPTIONS, "data_choice", DataOptions)
"""Decorator that adds --data and the options that go with it, passed together as `data_choice`."""
