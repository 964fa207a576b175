"""`ankleboot pseudo-label`: labels for photos without any."""

from __future__ import annotations

from pathlib import Path

import click

from ankleboot.cli import options
from ankleboot.core.errors import DataError

MIN_CONFIDENCE = 0.7  # source: docs/photos.md


@click.command()
@click.argument("folders", metavar="FOLDER...", nargs=-1, required=True, type=options.PATH)
@click.option(
    "--output",
    type=options.PATH,
    default="pseudo_labels.csv",
    show_default=True,
    metavar="FILE.csv",
    help="New table with the columns path, label and confidence.",
)
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=MIN_CONFIDENCE,
    show_default=True,
    metavar="P",
    help="Least confidence of a photo in the table. A lower value keeps more photos and more "
    "wrong labels.",
)
@options.json_option
def pseudo_label(folders: tuple[Path, ...], output: Path, min_confidence: float) -> options.Result:
    """Label unlabeled photos of single garments, for `train --data`.

    The zero-shot model and the names of ImageNet give each photo a first label. Features of the
    garment on white correct the labels, and keep each class as frequent as the first labels
    suggest. Only labels with enough confidence are written. FOLDER is searched recursively; the
    names of folders have no meaning, and no photo is changed. Twenty photos are needed, and some
    hundreds are better. If some files cannot be read, the others are labeled all the same and the
    exit code is 3.
    """
    from ankleboot.cli.output.progress import working
    from ankleboot.cli.output.pseudo_label import pseudo_label_result
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.training.label_photos import label_photos

    with working("photos"):
        result = label_photos(folders, output, min_confidence=min_confidence, progress=log_line)
    if num := len(result.unreadable):
        failure = DataError(f"{num:,} of {result.num_images:,} files could not be read")
        return result.to_json(), lambda: pseudo_label_result(result), failure
    return result.to_json(), lambda: pseudo_label_result(result)
