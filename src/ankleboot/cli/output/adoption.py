"""Terminal output of `adopt`."""

import shlex
from typing import Any

from ankleboot.cli.output.terminal import plain_table, right_column, stdout_console
from ankleboot.models.foreign.scalings import meaning

OUTPUTS = {
    "softmax": "probabilities (softmax)",
    "logits": "logits; a softmax was added",
    "sigmoid": "a sigmoid for each class; probabilities are divided by their sum",
    "binary-sigmoid": "one sigmoid for two classes; it became two probabilities",
    "binary-logit": "one logit for two classes; it became two probabilities",
}
LAYOUTS = {
    "hwc": "height, width, channels",
    "hw": "height, width, without a channel",
    "chw": "channels, height, width",
    "flat": "one row of values",
}
FITS = {
    "same": "",
    "resize": "; images are resized inside the model",
    "pad": "; images get black margins inside the model",
}


def adoption_result(document: dict[str, Any]) -> None:
    """Print what was found about an adopted model, and the table of candidates."""
    console, adopted = stdout_console(), document["adopted"]
    convention, labels = adopted["convention"], document["labels"]
    shape = " x ".join(map(str, adopted["input_shape"]))
    console.lines(
        f"input    {shape}: {LAYOUTS[convention['layout']]}{FITS[convention['fit']]}",
        f"outputs  {adopted['num_outputs']}: {OUTPUTS[convention['outputs']]}",
        f"pixels   {convention['scaling']}: {meaning(convention['scaling'])}",
        f"classes  {_order(convention['order'], labels)}",
        *(f"note     {note}" for note in adopted["notes"]),
    )
    if adopted["trials"]:
        table = plain_table(
            "pixels",
            "size",
            right_column("training images"),
            right_column("accuracy"),
            right_column("in the best class order"),
        )
        for trial in adopted["trials"]:
            values = (f"{100 * trial[key]:.1f} %" for key in ("accuracy", "reordered_accuracy"))
            num_images = trial.get("num_images", adopted["num_images"])
            table.add_row(trial["input"], trial["fit"], f"{num_images:,}", *values)
        console.table(table)
    else:
        console.lines("no labeled images: nothing of this was tried; evaluate it with --data")
    folder = document["run_dir"]
    console.lines(folder, f"next: ankleboot evaluate {shlex.quote(folder)}")


def _order(order: list[int], labels: list[str]) -> str:
    if order == list(range(len(order))):
        return f"in the order of the outputs: {', '.join(labels)}"
    pairs = sorted(zip(order, labels, strict=True))
    return "in another order; outputs are " + ", ".join(f"{i} {label}" for i, label in pairs)
