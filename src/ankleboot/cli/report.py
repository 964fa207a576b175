"""`ankleboot report`: one page about a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ankleboot.cli.options import DataOptions, data_option, json_option, split_option

if TYPE_CHECKING:
    import numpy as np

    from ankleboot.recipes.image_spec import ImageSpec


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
    data_choice: DataOptions,
    as_json: bool,
) -> None:
    """Write an HTML page about RUN that opens from the disk and needs no network.

    How good, how sure, what it confuses and why, over- or underfitted, where it looks, how it takes
    spoiled images, how it was made. Every look at the test split is counted.
    """
    from ankleboot.cli import output as console
    from ankleboot.core.files import make_folder
    from ankleboot.core.silence import import_keras
    from ankleboot.evaluation import test_set_usage
    from ankleboot.evaluation.evaluate import select_split
    from ankleboot.models.pretrained import catalog
    from ankleboot.models.run import Run

    place = catalog.resolve(run_dir)
    run = Run(place)
    run.check_model()
    image_spec = run.recipe().image_spec
    loaded = data_choice.load(image_spec, run=run)
    select_split(loaded, split_name, run.recipe())  # refuses before a look is counted
    if output is None:
        output = Path("report.html") if catalog.is_shipped(place) else run.folder / "report.html"
    import_keras()
    from ankleboot.evaluation.report.write import write_report
    from ankleboot.training import learning_curve as curve

    sizes = curve.learning_curve(run, loaded, console.log_line) if learning_curve else ()
    count = (
        test_set_usage.record_test_evaluation
        if split_name == "test"
        else test_set_usage.num_test_evaluations
    )
    make_folder(output.parent)
    document = write_report(
        run,
        loaded,
        output,
        split=split_name,
        test_reads=count(run_dir),
        sizes=sizes,
        photos=None if photo_folder is None else _read(photo_folder, image_spec),
    )
    if as_json:
        console.print_json(document)
    else:
        console.report_result(document)


def _read(folder: Path, image_spec: ImageSpec) -> np.ndarray:
    import numpy as np

    from ankleboot.cli import output as console
    from ankleboot.data.preprocessing import preprocess
    from ankleboot.data.preprocessing.find_images import find_images

    paths = find_images([str(folder)], console.log_line)
    return np.stack([preprocess.load_image(path, image_spec) for path in paths])
