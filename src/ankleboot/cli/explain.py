"""`ankleboot explain`: explain predictions by maps and similar training images."""

import os
from pathlib import Path

import click

from ankleboot.cli import options
from ankleboot.cli.groups import DataCommand
from ankleboot.cli.plugin_name import PluginName
from ankleboot.core import plugins
from ankleboot.core.errors import DataError
from ankleboot.core.paths import expand
from ankleboot.core.splits import SPLITS
from ankleboot.core.text import folder_name


@click.command(cls=DataCommand)
@click.argument("model", type=options.PATH)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "--method",
    "methods",
    metavar="NAME",
    type=PluginName("explanations"),
    multiple=True,
    help=f"Method: {', '.join(plugins.names('explanations'))} or package.module:attribute; may be "
    "repeated. [default: all that apply to the model]",
)
@click.option("--class", "class_name", help="Class to explain. [default: the predicted one]")
@options.output_option("Folder for the figures.", "explanations")
@options.data_option
@options.json_option
def explain(
    model: Path,
    images: tuple[str, ...],
    methods: tuple[str, ...],
    class_name: str | None,
    output: Path,
    data_choice: options.DataOptions,
) -> options.Result:
    """Show which pixels support the prediction, and the most similar training images.

    MODEL is a run folder, a model file or "pretrained"; an IMAGE is an image file, or the number
    of an image in the data, such as validation:17. With "pretrained" a photo is explained for the
    model that predict uses for photos. A question mark, with the reason, marks a label from which
    predict would abstain. Of a .tflite or .onnx file predictions alone are known, which the method
    occlusion explains.
    """
    from ankleboot.cli.output.evaluation import explanation_result
    from ankleboot.cli.output.progress import working
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.core.files import make_folder
    from ankleboot.evaluation.explain.explain import IMAGE_OF_DATA
    from ankleboot.evaluation.explain.explain import explain as explain_images
    from ankleboot.evaluation.plots import save_figure

    data_choice.check_name()
    for image in images:
        if not (IMAGE_OF_DATA.fullmatch(image) or os.path.exists(expand(image))):
            raise DataError(f"{image}: no such file{_advice(image)}")
    with working("explain"):
        explanations = explain_images(
            model, images, methods=methods, class_name=class_name, data=data_choice.load
        )
    for note in dict.fromkeys(note for one in explanations for note in one.notes):
        log_line(f"note: {note}")
    make_folder(output)
    documents = []
    for number, explanation in enumerate(explanations):
        stem = Path(explanation.name).stem
        name = "".join(c if c.isalnum() or c in "-_" else "-" for c in stem)
        path = output / f"{_model_name(model)}-{number:03d}-{name}.png"
        save_figure(explanation.figure(), path)
        documents.append(explanation.to_json() | {"picture": str(path)})
    document = {"model": str(model), "images": documents}
    return document, lambda: explanation_result(explanations, documents)


def _advice(image: str) -> str:
    """Return how an image of the data is named, if the user meant one; else nothing."""
    if image.partition(":")[0] not in ("train", *SPLITS):
        return ""
    return "; an image of the data has a split (train, validation, test) and a number: validation:0"


def _model_name(model: Path) -> str:
    """Return a model's name in the names of figures, which keeps those of other models."""
    path = model.resolve()
    return folder_name(f"{path.parent.name}-{path.stem}" if path.is_file() else path.name)
