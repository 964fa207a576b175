"""`ankleboot label`: a page on which a person checks labels, or gives them to new images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ankleboot.cli import options
from ankleboot.core.errors import UsageError

if TYPE_CHECKING:
    from ankleboot.cli.options import DataOptions
    from ankleboot.data.dataset import Dataset
    from ankleboot.training.label_queue import LabelQueue


@click.command()
@click.argument("data_name", metavar="DATA")
@click.option(
    "--model", metavar="RUN", type=options.PATH, help="Model whose predictions are shown as well."
)
@click.option(
    "--audit",
    metavar="DIR",
    type=options.FOLDER,
    help="Folder of `ankleboot data audit` whose suspects come first. [default: find them]",
)
@click.option(
    "--new",
    "new_folder",
    metavar="FOLDER",
    type=options.PATH,
    help="Folder of images without labels; they are labeled instead, the most uncertain first.",
)
@click.option(
    "--labels",
    metavar="FILE",
    type=options.PATH,
    help="Label file for the decisions. [default: labels.csv in the folder of the images]",
)
@click.option(
    "--groups",
    metavar="FILE",
    type=options.PATH,
    help="CSV file with the columns path and group: one group judges no image of its own.",
)
@click.option("--skip-bad", is_flag=True, help="Leave out images that cannot be read.")
@options.trust_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    show_default="a free one",
    help="Port of the page.",
)
@options.json_option
def label(
    data_name: str,
    model: Path | None,
    audit: Path | None,
    new_folder: Path | None,
    labels: Path | None,
    groups: Path | None,
    skip_bad: bool,
    trust: bool,
    host: str,
    port: int,
) -> options.Result:
    """Open a page on which you check the labels of DATA, the most doubtful first.

    DATA is an image folder or a table of image files. A linear layer on the features of transfer
    doubts the labels. Keys choose a class, keep the label, or mark an image as not usable; each
    decision goes at once to a label file, and `ankleboot train --labels FILE` uses it. No image is
    changed. Ctrl-C ends the page.
    """
    from ankleboot.cli.output.labels import labels_result
    from ankleboot.data.label_file import open_label_file
    from ankleboot.server.http.access_log import AccessLog
    from ankleboot.server.labeling.serve import serve_labels
    from ankleboot.server.labeling.session import LabelSession

    if audit is not None and new_folder is not None:
        raise UsageError("--audit is about labels that exist; leave it out with --new")
    choice = options.DataOptions(
        data_name, skip_bad=skip_bad, strict=False, trust=trust, groups=groups
    )
    data = _load(choice)
    path = labels or _label_path(data, new_folder)
    with open_label_file(path) as file:
        if new_folder is None and path.exists():
            data = _corrected(data, path)
        queue = _queue(data, choice, audit, new_folder, model)
        title = data.name if new_folder is None else f"{new_folder.name}/"
        session = LabelSession(queue, file, title=title, is_new=new_folder is not None)
        if new_folder is not None and model is None and file.decided:
            session.refit()
        serve_labels(session, host=host, port=port, log=AccessLog("text"), on_ready=_announce)
    document = {"data": data.name, "label_file": str(path)} | session.progress()
    return document, lambda: labels_result(document)


def _announce(address: str) -> None:
    from ankleboot.cli.output.terminal import log_line

    log_line(f"open {address} (Ctrl-C ends; every decision is stored at once)")


def _load(choice: DataOptions) -> Dataset:
    from ankleboot.recipes.catalog import TRANSFER

    data = choice.load(TRANSFER.image_spec)
    if not data.train.names:
        raise UsageError(f"{data.name} has no image files whose labels could be changed")
    return data


def _label_path(data: Dataset, new_folder: Path | None) -> Path:
    """Return the label file beside the images; a table of that name is left alone."""
    from ankleboot.data.label_file import LABEL_FILE

    if new_folder is not None:
        return new_folder / LABEL_FILE
    source = Path(data.source)
    return source / LABEL_FILE if source.is_dir() else source.with_name(f"{source.stem}-labels.csv")


def _corrected(data: Dataset, path: Path) -> Dataset:
    """Apply earlier decisions, so that what they settled is learned and not doubted again."""
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.data.labels import correct_labels

    corrected = correct_labels(data, path)
    if corrected.label_changes is not None:
        log_line(f"earlier decisions: {corrected.label_changes}")
    return corrected


def _queue(
    data: Dataset,
    choice: DataOptions,
    audit: Path | None,
    new_folder: Path | None,
    model: Path | None,
) -> LabelQueue:
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.inference.load import resolve_model
    from ankleboot.training import label_queue
    from ankleboot.training.image_set import load_new_images

    if new_folder is None:
        queue = label_queue.suspect_queue(data, audit, log_line)
    else:
        queue = label_queue.new_image_queue(data, new_folder, log_line)
    if model is None:
        return queue
    resolved = resolve_model(model, trust=choice.trust)
    info = resolved.predictor.info
    if new_folder is not None:
        images = load_new_images(new_folder, info.image_spec, log_line).images
        return label_queue.with_model(queue, resolved, images, (), new=True)
    same = choice.load(info.image_spec)
    is_its_data = info.data_sha256 == data.train_sha256
    learned = data.split(info.split_rule).train.tolist() if is_its_data else []
    return label_queue.with_model(queue, resolved, same.train.images, learned, new=False)
