"""`ankleboot explain`: explain predictions by maps and similar training images."""

from pathlib import Path

import click

from ankleboot.cli.options import DataOptions, data_option, json_option
from ankleboot.core import plugins


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "--method",
    "methods",
    metavar="NAME",
    multiple=True,
    help=f"Method: {', '.join(plugins.names('explanations'))} or package.module:attribute; may be "
    "repeated. [default: all]",
)
@click.option("--class", "class_name", help="Class to explain. [default: the predicted one]")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("explanations"),
    show_default=True,
    help="Folder for the figures.",
)
@data_option
@json_option
def explain(
    model: Path,
    images: tuple[str, ...],
    methods: tuple[str, ...],
    class_name: str | None,
    output: Path,
    data_choice: DataOptions,
    as_json: bool,
) -> None:
    """Show which pixels support the prediction, and the most similar training images.

    MODEL is a run folder, a .keras file or "pretrained"; an IMAGE is an image file, or the number
    of an image in the data, such as test:17.
    """
    from ankleboot.cli import output as console
    from ankleboot.core.files import make_folder
    from ankleboot.evaluation.explain.explain import explain as explain_images
    from ankleboot.evaluation.plots import save_figure

    explanations = explain_images(
        model, images, methods=methods, class_name=class_name, data=data_choice.load
    )
    make_folder(output)
    documents = []
    for number, explanation in enumerate(explanations):
        path = output / f"{number:03d}-{_file_name(explanation.name)}.png"
        save_figure(explanation.figure(), path)
        documents.append(explanation.to_json() | {"picture": str(path)})
    if as_json:
        console.print_json({"model": str(model), "images": documents})
    else:
        console.explanation_result(documents)


def _file_name(text: str) -> str:
    stem = Path(text).stem.replace(":", "-")
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in stem)
