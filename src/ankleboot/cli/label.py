"""`ankleboot label`: a page on which a person checks labels, or gives them to new images."""

from __future__ import annotations

from pathlib import Path

import click

from ankleboot.cli import options


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
    from ankleboot.cli.output.progress import working
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.inference.load import resolve_model
    from ankleboot.server.http.access_log import AccessLog
    from ankleboot.server.labeling.open import open_labeling
    from ankleboot.server.labeling.serve import serve_labels

    choice = options.DataOptions(
        data_name, skip_bad=skip_bad, strict=False, trust=trust, groups=groups
    )
    with working("label"):
        labeling = open_labeling(
            choice.load,
            model=None if model is None else resolve_model(model, trust=trust),
            audit=audit,
            new_folder=new_folder,
            labels=labels,
            progress=log_line,
        )
    with labeling as session:
        serve_labels(session, host=host, port=port, log=AccessLog("text"), on_ready=_announce)
    document = session.to_json()
    return document, lambda: labels_result(document)


def _announce(address: str) -> None:
    from ankleboot.cli.output.terminal import log_line

    log_line(f"open {address} (Ctrl-C ends; every decision is stored at once)")
