"""`ankleboot data`: get the data and check it."""

from dataclasses import replace
from pathlib import Path

import click

from ankleboot.cli.options import DataOptions, data_option, json_option


@click.group()
def data() -> None:
    """Get the data and check it."""


@data.command()
@json_option
def fetch(as_json: bool) -> None:
    """Bring Fashion-MNIST into the cache, from wherever it can be had.

    Asked in this order: the cache itself, folders of other tools, the public mirrors, Debian's
    archive. Only content with the right SHA-256 is accepted.
    """
    from ankleboot.cli import output as console
    from ankleboot.core.paths import cache_folder
    from ankleboot.data.load import FASHION_MNIST
    from ankleboot.data.load import fetch_fashion_mnist as fetch_data

    source = fetch_data()
    cache = cache_folder("fashion-mnist")
    paths = [cache / wanted.name for wanted in FASHION_MNIST]
    if as_json:
        console.print_json({"source": source, "files": [str(path) for path in paths]})
    else:
        console.data_fetched(source, paths)


@data.command()
@data_option
@json_option
def verify(data_choice: DataOptions, as_json: bool) -> None:
    """Check every byte of Fashion-MNIST against its pinned hashes, or a folder of pictures.

    Of a folder every picture is decoded: counts by class and part, sizes, what cannot be read,
    what is there twice, in two parts (leakage) or under two labels.
    """
    from ankleboot.cli import output as console
    from ankleboot.recipes.image_spec import ImageSpec

    # how they are prepared is no matter, only that they can be read
    checked = data_choice.load(ImageSpec(crop="none"))
    document = {
        "data": checked.name,
        "train": len(checked.train),
        "test": len(checked.test),
        "ok": True,  # load raises for anything else
        "source": checked.source,
        "sha256": checked.sha256,
    }
    if checked.findings is not None:
        document["findings"] = checked.findings.to_json()
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
    help="How many, the classes in turn.",
)
@json_option
def images(folder: Path, data_choice: DataOptions, split: str, count: int, as_json: bool) -> None:
    """Write images as PNG files into FOLDER, named by number and class.

    With --data sample nothing needs to be fetched.
    """
    from ankleboot.cli import output as console
    from ankleboot.data.export_images import export_images
    from ankleboot.recipes.image_spec import ImageSpec

    loaded = data_choice.load(ImageSpec())
    part = loaded.test if split == "test" else loaded.train
    paths = export_images(part, loaded.class_names, folder, count)
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
    help="Folder for the numbers and the contact sheets.",
)
@json_option
def audit(data_choice: DataOptions, output: Path, as_json: bool) -> None:
    """Look for doubtful labels, duplicates and unbalanced classes.

    Labels are judged by models that have not seen the image (sprint, five folds, about a minute);
    of a folder of pictures on whole ones of 32 x 32 pixels in color.
    """
    from ankleboot.cli import output as console
    from ankleboot.core.files import make_folder, write_json
    from ankleboot.core.silence import import_keras
    from ankleboot.recipes.catalog import SPRINT

    recipe = SPRINT
    if data_choice.is_folder_of_pictures:
        recipe = replace(SPRINT, image_size=32, color=True, crop="none")
    loaded = data_choice.load(recipe.image_spec)
    import_keras()
    from ankleboot.cli.run_folder import save_figure
    from ankleboot.evaluation import plots
    from ankleboot.training.data_audit import audit_data as look

    found = look(loaded, console.log_line, recipe=recipe)
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
