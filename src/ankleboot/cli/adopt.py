"""`ankleboot adopt`: make a run folder of a model that another tool made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ankleboot.cli import options
from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.paths import expand
from ankleboot.data.class_names import read_class_names

if TYPE_CHECKING:
    from ankleboot.models.run import Run


@click.command()
@click.argument("model", type=options.PATH)
@click.option(
    "--input",
    "input_",
    default="auto",
    show_default=True,
    metavar="SCALE",
    help="Pixels as the model learned them: unit (0 to 1), byte (0 to 255), signed (-1 to 1), "
    "standard (minus their mean, divided by their standard deviation), another name of "
    "docs/adopt.md, or MEAN,STD; auto tries all names on the data.",
)
@click.option(
    "--labels",
    metavar="FILE|A,B,C",
    help="Class names in the order of the outputs: a file with one a line, or separated by "
    "commas. [default: the order that fits the data]",
)
@click.option(
    "--data",
    "data_name",
    metavar="NAME|DIR",
    help="Labeled images that the model learned, as in train. [default: fashion-mnist for models "
    "of 28 x 28 pixels]",
)
@click.option(
    "--run-dir",
    type=options.PATH,
    help="New folder for the run. [default: runs/adopted-MODEL-seed0-NNN]",
)
@options.json_option
def adopt(
    model: Path, input_: str, labels: str | None, data_name: str | None, run_dir: Path | None
) -> options.Result:
    """Take in MODEL, which another tool made, as a run folder for all other commands.

    MODEL is a .keras, .h5, .tflite or .onnx file, or the folder of a SavedModel. It is scanned and
    loaded in a process with limits, then tried on labeled images: which scale of the pixels, which
    meaning of the outputs and which class order fit is printed, never guessed.
    """
    from ankleboot.cli.output.adoption import adoption_result
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.evaluation.adoption.adopt import adopt as adopt_model
    from ankleboot.models.foreign.scalings import trial_note
    from ankleboot.models.run_dir import refuse_used

    if run_dir is not None:
        refuse_used(run_dir)  # before the model is examined
    choice = options.DataOptions(data_name, skip_bad=False, strict=False, trust=False)
    run = adopt_model(
        model,
        choice.load if data_name else None,
        run_dir,
        input=input_,
        labels=None if labels is None else read_labels(labels),
        progress=log_line,
    )
    document = _document(run)
    if note := trial_note(document["adopted"]):
        log_line(f"{model}: {note}")
    return document, lambda: adoption_result(document)


def _document(run: Run) -> dict[str, Any]:
    manifest = run.manifest()
    return run.to_json() | {"labels": manifest["labels"], "adopted": manifest["adopted"]}


def read_labels(text: str) -> list[str]:
    """Read class names from a file or from a list separated by commas.

    A file may number its lines, as that of Teachable Machine does ("0 cat").

    Raises:
        UsageError: If the file cannot be read.
    """
    path = expand(text)
    try:
        is_file = path.is_file()
    except OSError:  # a list that is too long for a path
        is_file = False
    if not is_file:
        if "," not in text:
            raise UsageError(f"--labels {text}: no such file, and no list separated by commas")
        return [name.strip() for name in text.split(",")]
    try:
        return read_class_names(path)
    except DataError as error:
        raise UsageError(f"--labels {error}") from error
