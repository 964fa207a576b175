"""Terminal output of `pseudo-label`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ankleboot.cli.output.terminal import (
    next_command,
    plain_table,
    right_column,
    stdout_console,
)
from ankleboot.core.text import percent_text

if TYPE_CHECKING:  # imports OpenCV
    from ankleboot.training.label_photos import LabeledPhotos

REASONS = {"low confidence": "confidence below {:g}"}


def pseudo_label_result(result: LabeledPhotos) -> None:
    """Print the labels by class, what was left out, what was assumed, and the next command."""
    console = stdout_console()
    console.lines(
        f"{result.table}: {result.num_labeled:,} of {result.num_images:,} photos have a label"
    )
    table = plain_table("class", right_column("photos"), right_column("assumed share"))
    for name, number in result.classes.items():
        table.add_row(name, f"{number:,}", percent_text(result.frequencies[name]))
    console.table(table)
    counts = [
        f"{number:,} {REASONS.get(reason, reason).format(result.min_confidence)}"
        for reason, number in result.left_out.items()
        if number
    ]
    if counts:
        console.sentences(f"left out: {', '.join(counts)}")
    console.lines(*(f"  {path} ({reason})" for path, reason in result.unreadable.items()))
    console.sentences(
        "The shares were estimated from the photos, and moved a little towards equal ones. A class "
        "that is absent gets some photos all the same: inspect them before you train."
    )
    command = shlex.join(["--data", str(result.table)])
    next_command(console, f"ankleboot train transfer {command} --set crop=cut-out")
