"""`ankleboot data`: fetch, verify, export and audit data sets."""

from pathlib import Path

import click

from ankleboot.cli import options
from ankleboot.cli.groups import DataCommand, Group
from ankleboot.cli.output.plain import print_lines
from ankleboot.core.text import counted


@click.group(cls=Group)
def data() -> None:
    """Fetch, verify, convert, export and audit data sets."""


@data.command()
@options.json_option
def fetch() -> options.Result:
    """Fetch Fashion-MNIST into the cache.

    The sources are, in this order: the cache itself, folders of other tools, the public mirrors,
    Debian's archive. Only content with the right SHA-256 is accepted.
    """
    from ankleboot.cli.output.data import data_fetched
    from ankleboot.core.paths import cache_folder
    from ankleboot.data.fashion_mnist.load import FASHION_MNIST, fetch_fashion_mnist

    source = fetch_fashion_mnist()
    files = [str(cache_folder("fashion-mnist") / file.name) for file in FASHION_MNIST]
    return {"source": source, "files": files}, lambda: data_fetched(source, files)


@data.command(cls=DataCommand)
@options.data_option
@options.json_option
def verify(data_choice: options.DataOptions) -> options.Result:
    """Verify Fashion-MNIST by its hashes, or every image of a folder or table.

    The report shows what files and folders were understood as, with the number of images by class
    and split, groups, sizes, unreadable images, duplicates, images in two splits (leakage) and
    images with two labels. It ends with what rules a training out, and exit code 3.
    """
    from ankleboot.cli.output.data import data_verified
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.core.errors import DataError
    from ankleboot.data.load import is_image_folder
    from ankleboot.data.verify_data import find_faults
    from ankleboot.recipes.image_spec import ImageSpec

    is_own = data_choice.name is not None and is_image_folder(data_choice.name)
    # the crop does not matter to the check; this one is the fastest
    loaded = data_choice.load(ImageSpec(crop="none"), known="fashion-mnist", check_only=is_own)
    if is_own:
        log_line("note: checked as small gray copies; the recipe of a training decides its images")
    faults = find_faults(loaded, skip_bad=data_choice.skip_bad, strict=data_choice.strict)
    document = loaded.to_json() | {"ok": not faults, "faults": faults}
    errors = [DataError(f"{loaded.source}: {'; '.join(faults)}")] if faults else []
    return document, lambda: data_verified(document), *errors


@data.command()
@click.argument("source", metavar="SOURCE")
@click.argument("destination", type=options.PATH)
@click.option("--skip-bad", is_flag=True, help="Leave out images that cannot be read.")
@click.option("--strict", is_flag=True, help="Refuse images or groups in more than one split.")
@click.option("--groups", metavar="FILE", type=options.PATH, help="As in train.")
@options.json_option
def convert(
    source: str, destination: Path, skip_bad: bool, strict: bool, groups: Path | None
) -> options.Result:
    """Write SOURCE as a clean folder, or as a Parquet file if DESTINATION ends in .parquet.

    SOURCE is anything that --data takes. Files keep their bytes, pixels become PNG. A folder has a
    sub-folder for every class, inside train/, validation/ and test/ if there are splits.
    """
    from ankleboot.cli.output.data import data_converted
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.data.convert import convert_data

    result = convert_data(
        source, destination, skip_bad=skip_bad, strict=strict, groups=groups, progress=log_line
    )
    for note in result.notes:
        log_line(note)
    return result.to_json(), lambda: data_converted(result)


@data.command(cls=DataCommand)
@click.argument("folder", type=options.PATH)
@options.data_option
@click.option("--split", type=click.Choice(["train", "test"]), default="test", show_default=True)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Number of images; the classes alternate.",
)
@options.json_option
def images(
    folder: Path, data_choice: options.DataOptions, split: str, count: int
) -> options.Result:
    """Write images of a data set as PNG files into FOLDER, named by number and class.

    --data sample needs no download.
    """
    from ankleboot.data.export_images import export_images
    from ankleboot.recipes.image_spec import ImageSpec

    loaded = data_choice.load(ImageSpec())
    chosen = loaded.test if split == "test" else loaded.train
    paths = export_images(chosen, loaded.class_names, folder, count)
    document = {"data": loaded.name, "split": split, "files": [str(path) for path in paths]}
    sentence = f"{counted(len(paths), 'image')} of the {split} split of {loaded.name}: {folder}"
    return document, lambda: print_lines(sentence)


@data.command(cls=DataCommand)
@options.data_option
@options.output_option("Folder for the metrics and the contact sheets.", "audit")
@options.json_option
def audit(data_choice: options.DataOptions, output: Path) -> options.Result:
    """Find doubtful labels, duplicates and unbalanced classes.

    Models that were not trained on an image predict its label, in five folds. On Fashion-MNIST
    they are trainings of sprint, about one minute in all. On own images they are a linear layer on
    the features of transfer, which are computed once: about 20 images a second and core.
    """
    from ankleboot.cli.output.data import audit_result
    from ankleboot.cli.output.progress import working
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.core.files import make_folder, write_json
    from ankleboot.core.silence import import_keras
    from ankleboot.data.load import is_image_folder
    from ankleboot.recipes.catalog import SPRINT, TRANSFER
    from ankleboot.training.data_audit import audit_data, require_audit_extra

    require_audit_extra()
    is_own = data_choice.name is not None and is_image_folder(data_choice.name)
    loaded = data_choice.load((TRANSFER if is_own else SPRINT).image_spec)
    import_keras()
    from ankleboot.evaluation import plots

    with working("audit"):
        found = audit_data(loaded, progress=log_line)
    make_folder(output)
    write_json(output / "audit.json", found.to_json())
    paths = [output / "audit.json"]
    if found.suspects:
        paths.append(output / "suspects.png")
        plots.save_figure(plots.suspects(found.suspects, loaded.train.images), paths[-1])
    if pairs := found.duplicates[0].pairs:
        paths.append(output / "duplicates.png")
        figure = plots.duplicates(pairs, loaded.test.images, loaded.train.images)
        plots.save_figure(figure, paths[-1])
    return found.to_json(), lambda: audit_result(found, paths)
