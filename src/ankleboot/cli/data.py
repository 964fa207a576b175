"""`ankleboot data`: fetch, verify, export and audit data sets."""

from dataclasses import replace
from pathlib import Path

import click

from ankleboot.cli.options import DataOptions, data_option, json_option


@click.group()
def data() -> None:
    """Fetch, verify, export and audit data sets."""


@data.command()
@json_option
def fetch(as_json: bool) -> None:
    """Fetch Fashion-MNIST into the cache.

    The sources are, in this order: the cache itself, folders of other tools, the public mirrors,
    Debian's archive. Only content with the right SHA-256 is accepted.
    """
    from ankleboot.cli import output as console
    from ankleboot.core.paths import cache_folder
    from ankleboot.data.fashion_mnist.load import FASHION_MNIST, fetch_fashion_mnist

    source = fetch_fashion_mnist()
    cache = cache_folder("fashion-mnist")
    paths = [cache / file.name for file in FASHION_MNIST]
    if as_json:
        console.print_json({"source": source, "files": [str(path) for path in paths]})
    else:
        console.data_fetched(source, paths)


@data.command()
@data_option
@json_option
def verify(data_choice: DataOptions, as_json: bool) -> None:
    """Verify Fashion-MNIST by its hashes, or every image of a folder.

    The report on a folder has the number of images by class and split, their sizes, unreadable
    images, duplicates, images in two splits (leakage) and images with two labels.
    """
    from ankleboot.cli import output as console
    from ankleboot.recipes.image_spec import ImageSpec

    # the crop does not matter to the check; this one is the fastest
    loaded = data_choice.load(ImageSpec(crop="none"))
    document = loaded.to_json()
    if as_json:
        console.print_json(document)
    else:
        console.data_verified(document)


@data.command()
@click.argument("folder", type=click.Path(path_type=Path))
@data_option
@click.option("--split", type=click.Choice(["train", "test"]), default="test", show_default=True)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Number of images; the classes alternate.",
)
@json_option
def images(folder: Path, data_choice: DataOptions, split: str, count: int, as_json: bool) -> None:
    """Write images of a data set as PNG files into FOLDER, named by number and class.

    --data sample needs no download.
    """
    from ankleboot.cli import output as console
    from ankleboot.data.export_images import export_images
    from ankleboot.recipes.image_spec import ImageSpec

    loaded = data_choice.load(ImageSpec())
    chosen = loaded.test if split == "test" else loaded.train
    paths = export_images(chosen, loaded.class_names, folder, count)
    if as_json:
        console.print_json({"data": loaded.name, "split": split, "files": [str(p) for p in paths]})
    else:
        print(f"{len(paths)} images of the {split} split of {loaded.name}: {folder}")


@data.command()
@data_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("audit"),
    show_default=True,
    help="Folder for the metrics and the contact sheets.",
)
@json_option
def audit(data_choice: DataOptions, output: Path, as_json: bool) -> None:
    """Find doubtful labels, duplicates and unbalanced classes.

    Models that were not trained on an image predict its label (sprint, five folds, about one
    minute). Image folders are audited as whole images of 32 x 32 pixels in color.
    """
    from ankleboot.cli import output as console
    from ankleboot.core.files import make_folder, write_json
    from ankleboot.core.silence import import_keras
    from ankleboot.recipes.catalog import SPRINT

    recipe = SPRINT
    if data_choice.is_image_folder:
        recipe = replace(SPRINT, image_size=32, color=True, crop="none")
    loaded = data_choice.load(recipe.image_spec)
    import_keras()
    from ankleboot.evaluation import plots
    from ankleboot.evaluation.plots import save_figure
    from ankleboot.training.data_audit import audit_data as look

    found = look(loaded, recipe=recipe, progress=console.log_line)
    make_folder(output)
    write_json(output / "audit.json", found.to_json())
    paths = [output / "audit.json", output / "suspects.png"]
    save_figure(plots.suspects(found.suspects, loaded.train.images), paths[1])
    across = found.duplicates[0]
    if across.pairs:
        paths.append(output / "duplicates.png")
        images = loaded.test.images, loaded.train.images
        save_figure(plots.duplicates(across.pairs, *images), paths[2])
    if as_json:
        console.print_json(found.to_json())
    else:
        console.audit_result(found, paths)
