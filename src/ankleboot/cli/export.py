"""`ankleboot export`: write a model for another runtime."""

from __future__ import annotations

from pathlib import Path

import click

from ankleboot.cli.options import DataOptions, data_option, json_option
from ankleboot.cli.run_folder import place_of

FORMATS = (
    "litert",
    "litert-fp16",
    "litert-int8",
    "onnx",
    "onnx-int8",
    "openvino",
    "saved-model",
    "web",
    "playground",
)
"""The keys of `ankleboot.export.export.FORMATS`, which imports TensorFlow; a test compares them."""


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--format", "format_name", type=click.Choice(FORMATS), required=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="The file or folder to make. [default: in RUN/exports, or in exports]",
)
@data_option
@json_option
def export(
    model: Path, format_name: str, output: Path | None, data_choice: DataOptions, as_json: bool
) -> None:
    """Write MODEL for another runtime, and prove that it answers the same.

    MODEL is a run folder, a .keras file or "pretrained". The file takes uint8 pixels and has
    everything inside; it is loaded again and compared with Keras on the whole test split
    (where the data has none, on the validation images). If its
    answers differ it is removed, and the exit code is 4.
    """
    from ankleboot.cli import output as console
    from ankleboot.core.silence import import_keras
    from ankleboot.models.run import find_run
    from ankleboot.recipes.recipe import Recipe

    place = place_of(model)
    run = find_run(place)
    import_keras()
    from ankleboot.export import export as exporting

    if output is None:
        folder = run.folder if run and place == model else Path()
        output = folder / "exports" / exporting.FORMATS[format_name].file_name
    exporting.check_target(output, format_name)
    recipe = run.recipe() if run else Recipe(name="default")
    loaded = data_choice.load(recipe.image_spec, run=run)
    exported = exporting.export(model, format_name, output, loaded)
    if as_json:
        console.print_json(exported.to_json())
    else:
        console.export_result(exported)
