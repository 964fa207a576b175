"""`ankleboot predict`: label images."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ankleboot.cli import options
from ankleboot.cli.predict_bulk import BulkOptions, bulk_option
from ankleboot.core.errors import DataError, EnvironmentFailure, UsageError

if TYPE_CHECKING:
    from ankleboot.inference.predict import ImageBytes, ImageSource, PreparedImage

IMAGE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"P5\n", b"P6\n")
"""First bytes of images that need hold no zero, which tells the others from lists of paths."""

UNSURE_HINT = (
    "{num:,} of {total:,} images without a reliable label: --save-steps DIR shows what the model "
    "gets, --json all probabilities"
)


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@options.model_option
@options.ensemble_option
@options.views_option
@click.option(
    "--abstain-below",
    type=click.FloatRange(0, 1),
    help="Minimal confidence of a prediction. [default: the model's own threshold]",
)
@click.option(
    "--save-steps",
    type=options.FOLDER,
    metavar="DIR",
    help="Write the preprocessing steps of each image to one image file.",
)
@click.option(
    "--sort-into",
    type=options.FOLDER,
    metavar="DIR",
    help="Copy each image into a folder of DIR with the name of its class; those without a "
    "reliable prediction into DIR/_unsure. DIR/predictions.csv lists them. Nothing is moved.",
)
@click.option("--link", is_flag=True, help="With --sort-into: make links in place of copies.")
@bulk_option
@options.trust_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per image.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
def predict(
    paths: tuple[str, ...],
    model: Path,
    further: tuple[Path, ...],
    views: str | None,
    views_below: float,
    abstain_below: float | None,
    save_steps: Path | None,
    sort_into: Path | None,
    link: bool,
    bulk: BulkOptions,
    trust: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Label the garment on each image.

    Images of 28 x 28 gray pixels go to the shipped model of Fashion-MNIST, all others to the
    shipped model for photos. `--model zero-shot` uses networks that were trained without photos. A
    prediction that must not be relied on is marked, with the reason.

    PATH is a file, a folder, a quoted pattern, or - for standard input: an image, or a list of
    these, one per line. --output takes millions of images. The formats are PNG, JPEG, WebP, BMP,
    GIF, TIFF, PPM and AVIF, and HEIC with ankleboot[heif]. If some files cannot be read, the others
    are labeled all the same and the exit code is 3, or 5 if the system is the reason.
    """
    from ankleboot.cli.output import prediction as output
    from ankleboot.cli.output.progress import counted
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.inference.load import resolve_model
    from ankleboot.inference.photo_check import PhotoCheck
    from ankleboot.inference.polarity import PolarityCheck
    from ankleboot.inference.predict import FailedImage, predict_files
    from ankleboot.inference.router import load_router
    from ankleboot.inference.sort_images import ImageSorter
    from ankleboot.inference.views import cost_of, untrained_notes

    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other")
    if link and not sort_into:
        raise UsageError("--link goes with --sort-into")
    bulk.check(alone=not (as_json or as_csv or sort_into or save_steps), single=not further)
    if bulk.output is not None:
        choices = {"views": views, "views_below": views_below, "abstain_below": abstain_below}
        bulk.predict(paths, model, trust=trust, **choices)
        return
    files = _find(paths, log_line)
    resolved = resolve_model(model, trust=trust)
    if further:
        from ankleboot.evaluation.ensemble import join_models  # here: most calls start sooner

        resolved = join_models(resolved, further, trust=trust)
    router = load_router(resolved, views=views, views_below=views_below)
    for note in untrained_notes(resolved, views):
        log_line(f"{resolved.name}: {note}")
    sorter = ImageSorter(sort_into, link=link) if sort_into else None
    writer = output.StepsWriter(save_steps) if save_steps else None
    checks: tuple[PolarityCheck | PhotoCheck, ...] = (PolarityCheck(), PhotoCheck())

    passes_per_view: list[int] = []

    def check_form(entry: PreparedImage) -> None:
        passes_per_view.append(entry.predictor.info.passes)
        for check in checks:
            check.add(entry)

    results = predict_files(
        router,
        files,
        abstain_below=abstain_below,
        separate=not as_csv,
        on_prediction=writer,
        on_image=check_form,
    )
    failed: list[FailedImage] = []
    num_unsure, passes = 0, []
    with output.prediction_printer(router.default.info, as_json=as_json, as_csv=as_csv) as show:
        for result in counted(results, len(files), "images"):
            if isinstance(result, FailedImage):
                failed.append(result)
            else:
                num_unsure += result.abstained
                passes.append(result.passes)
            if sorter is not None:
                sorter.add(result)
            show(result)
    is_for_people = not (as_json or as_csv)
    if is_for_people and len(failed) > 1:
        output.list_failures(failed)
    if is_for_people and num_unsure and not (sort_into or save_steps):
        log_line(UNSURE_HINT.format(num=num_unsure, total=len(files)))
    if sorter is not None:
        numbers = ", ".join(f"{name} {num:,}" for name, num in sorted(sorter.counts.items()))
        log_line(f"{sorter.finish()}: {numbers or 'no images'}")
    for check in checks:
        if check.note:
            log_line(check.note)
    if further or views:
        log_line(str(cost_of(passes_per_view, passes)))
    if failed:
        exit_codes = {failure.exit_code for failure in failed}
        kind = EnvironmentFailure if EnvironmentFailure.exit_code in exit_codes else DataError
        if is_for_people and len(failed) == 1:
            raise kind(f"{failed[0].path}: {failed[0].error}")
        raise kind(f"{len(failed)} of {len(files)} files could not be read")


def _find(paths: Sequence[str], progress: Callable[[str], None]) -> list[ImageSource]:
    """Return the images that the paths name; "-" stands for standard input."""
    from ankleboot.data.preprocessing.find_images import find_images
    from ankleboot.inference.bulk.inputs import refuse_shards

    images: list[ImageSource] = []
    for path in paths:
        piped = _read_stdin() if path == "-" else [path]
        if isinstance(piped, bytes):
            images.append(_piped_image(piped))
        else:
            if path != "-":
                refuse_shards([path])
            images += find_images(piped, progress)
    if not images:
        raise UsageError("no path on standard input")
    return images


def _read_stdin() -> bytes | list[str]:
    """Return the bytes of a binary standard input, or the lines of a text."""
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:  # closed, or replaced by a stream of text
        lines = list(sys.stdin or ())
    else:
        content = stream.read()
        if b"\0" in content or content.startswith(IMAGE_STARTS):
            return bytes(content)
        lines = os.fsdecode(content).splitlines()  # file names need not be UTF-8
    return [line.rstrip("\r\n") for line in lines if line.strip()]


def _piped_image(content: bytes) -> ImageBytes:
    from ankleboot.data.preprocessing.decode import decode_bytes, formats_of
    from ankleboot.inference.predict import ImageBytes

    name = "standard input"
    try:
        decode_bytes(content, name, formats_of(content[:12], name))
    except DataError as error:
        expected = "expected an image, or a list of paths in lines"
        raise DataError(f"{error}; {expected}") from error
    return ImageBytes(name, content)
