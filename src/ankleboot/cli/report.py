"""`ankleboot report`: one page about a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ankleboot.cli.options import DataChoice, data_option, json_option, split_option

if TYPE_CHECKING:
    import numpy as np

    from ankleboot.preparation import Preparation


@click.command()
@click.argument("run_dir", metavar="RUN", type=click.Path(path_type=Path))
@split_option
@click.option(
    "--output", type=click.Path(path_type=Path), help="The HTML file. [default: RUN/report.html]"
)
@click.option(
    "--learning-curve",
    is_flag=True,
    help="Train on 500 to 24,000 images too: would more images help? Takes most of a training.",
)
@click.option(
    "--photos",
    "photo_folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder of pictures that show none of the classes: does it notice?",
)
@data_option
@json_option
def report(
    run_dir: Path,
    split_name: str,
    output: Path | None,
    learning_curve: bool,
    photo_folder: Path | None,
    data_choice: DataChoice,
    as_json: bool,
) -> None:
    """Write an HTML page about RUN that opens from the disk and needs no network.

    How good, how sure, what it confuses and why, over- or underfitted, where it looks, how it takes
    spoiled images, how it was made. Every look at the test split is counted.
    """
    from ankleboot import console, pretrained, test_reads
    from ankleboot.evaluation import part_of
    from ankleboot.files import make_folder
    from ankleboot.quiet import import_keras
    from ankleboot.runs import Run

    place = pretrained.resolve(run_dir)
    run = Run(place)
    run.check_model()
    preparation = run.recipe().preparation
    loaded = data_choice.load(preparation, run=run)
    part_of(loaded, split_name, run.recipe())  # refuses before a look is counted
    if output is None:
        output = Path("report.html") if pretrained.is_shipped(place) else run.folder / "report.html"
    import_keras()
    from ankleboot import learning_curve as curve
    from ankleboot.report import write_report

    sizes = curve.learning_curve(run, loaded, console.note) if learning_curve else ()
    count = test_reads.count if split_name == "test" else test_reads.so_far
    make_folder(output.parent)
    document = write_report(
        run,
        loaded,
        output,
        split=split_name,
        test_reads=count(run_dir),
        sizes=sizes,
        photos=None if photo_folder is None else _read(photo_folder, preparation),
    )
    if as_json:
        console.print_json(document)
    else:
        console.report_result(document)


def _read(folder: Path, preparation: Preparation) -> np.ndarray:
    import numpy as np

    from ankleboot import console, photos
    from ankleboot.photos.find import find

    paths = find([str(folder)], console.note)
    return np.stack([photos.prepare(path, preparation) for path in paths])
