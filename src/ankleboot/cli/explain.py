"""`ankleboot explain`: where the network looked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ankleboot.cli.options import DataOptions, data_option, json_option
from ankleboot.cli.run_folder import place_of, save_figure
from ankleboot.core.errors import DataError, ModelError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from ankleboot.data.dataset import Dataset
    from ankleboot.recipes.image_spec import ImageSpec

METHODS = ("grad-cam", "occlusion", "integrated-gradients", "smooth-grad")
"""The keys of `ankleboot.evaluation.explain.methods.METHODS`, which imports TensorFlow; a test compares them."""


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "--method",
    "chosen",
    type=click.Choice(METHODS),
    multiple=True,
    help="Several by repetition. [default: all]",
)
@click.option("--class", "class_name", help="Explain this class, not the predicted one.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("explanations"),
    show_default=True,
    help="Folder for the pictures.",
)
@data_option
@json_option
def explain(
    model: Path,
    images: tuple[str, ...],
    chosen: tuple[str, ...],
    class_name: str | None,
    output: Path,
    data_choice: DataOptions,
    as_json: bool,
) -> None:
    """Show which pixels speak for the answer, and the most similar training images.

    MODEL is a run folder, a .keras file or "pretrained"; an IMAGE is a picture file, or a number in
    a part of the data such as test:17.
    """
    import numpy as np

    from ankleboot.cli import output as console
    from ankleboot.core.files import make_folder
    from ankleboot.evaluation import test_set_usage
    from ankleboot.evaluation.evaluate import recipe_of
    from ankleboot.inference.keras import KerasPredictor
    from ankleboot.inference.load import load_predictor
    from ankleboot.models.run import find_run

    place = place_of(model)
    predictor = load_predictor(place)
    if not isinstance(predictor, KerasPredictor):
        raise ModelError(f"{model}: explaining needs the network; name a run folder or .keras file")
    info, names = predictor.info, predictor.info.labels
    if class_name is not None and class_name not in names:
        raise UsageError(f"unknown class {class_name!r}; valid: {', '.join(names)}")
    loaded = data_choice.load(info.image_spec, run=find_run(place), known=info.data)
    pixels = np.stack([_read(image, loaded, info.image_spec) for image in images])

    from ankleboot.evaluation import plots
    from ankleboot.evaluation.explain import features
    from ankleboot.evaluation.explain import methods as explaining

    probs = predictor.predict(pixels)
    index = names.index(class_name) if class_name else None
    classes = probs.argmax(axis=1) if index is None else np.full(len(pixels), index)
    maps = {
        name: explaining.METHODS[name](predictor.model, pixels, classes)
        for name in (chosen or METHODS)
    }
    learned = loaded.split(recipe_of(info)).train
    asked = [int(name.partition(":")[2]) for name in images if name.startswith("train:")]
    among = np.setdiff1d(learned, asked)
    near = features.nearest_training_images(predictor.model, pixels, loaded.train.images, among)
    if any(image.startswith("test:") for image in images):
        test_set_usage.record_test_evaluation(model, info)
    make_folder(output)
    documents: list[dict[str, Any]] = []
    for row, name in enumerate(images):
        label = names[classes[row]]
        confidence = float(probs[row, classes[row]])
        path = output / f"{row:03d}-{_file_name(name)}.png"
        figure = plots.explanation(
            pixels[row],
            {method: found[row] for method, found in maps.items()},
            f"{name}: {label} ({100 * confidence:.0f} %)",
            loaded.train.images[near[row]],
            [loaded.class_names[loaded.train.labels[i]] for i in near[row]],
        )
        save_figure(figure, path)
        documents.append(
            {
                "path": name,
                "label": label,
                "confidence": confidence,
                "picture": str(path),
                "nearest": [
                    {"train_index": int(i), "label": loaded.class_names[loaded.train.labels[i]]}
                    for i in near[row]
                ],
            }
        )
    if as_json:
        console.print_json({"model": str(model), "images": documents})
    else:
        for document in documents:
            print(
                f"{document['label']} ({100 * document['confidence']:.0f} %): {document['picture']}"
            )


def _read(image: str, loaded: Dataset, image_spec: ImageSpec) -> np.ndarray:
    """A picture file, or an image of the data set as in test:17."""
    from ankleboot.data.preprocessing import preprocess

    part, colon, number = image.partition(":")
    if colon and part in ("train", "test") and number.isdigit():
        pixels = (loaded.train if part == "train" else loaded.test).images
        if int(number) >= len(pixels):
            raise DataError(f"{image}: there are {len(pixels):,} images in {part}")
        found: np.ndarray = pixels[int(number)]
        return found
    return preprocess.load_image(Path(image), image_spec)


def _file_name(text: str) -> str:
    return "".join(
        c if c.isalnum() or c in "-_" else "-" for c in Path(text).stem.replace(":", "-")
    )
