"""`ankleboot export`: write a model for another runtime."""

from pathlib import Path

import click

from ankleboot.cli.options import DataOptions, data_option, json_option
from ankleboot.core import plugins


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "format_name",
    required=True,
    help=f"{', '.join(plugins.names('formats'))}, or package.module:attribute.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="File or folder to write. [default: in RUN/exports, or in exports]",
)
@data_option
@json_option
def export(
    model: Path, format_name: str, output: Path | None, data_choice: DataOptions, as_json: bool
) -> None:
    """Write MODEL for another runtime, and verify that its predictions are the same.

    MODEL is a run folder, a .keras file or "pretrained". The file takes uint8 pixels and returns
    calibrated probabilities. It is loaded again and compared with Keras on the whole test split, or
    on the validation images of data without one. A file that differs by more than the format's
    limits is removed; the exit code is 4.
    """
    from ankleboot.cli import output as console
    from ankleboot.export.export import export_model

    result = export_model(model, format_name, output, data_choice.load)
    if as_json:
        console.print_json(result.to_json())
    else:
        console.export_result(result)
