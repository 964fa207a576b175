"""Terminal output of `label`."""

from typing import Any

from ankleboot.cli.output.terminal import stdout_console


def labels_result(document: dict[str, Any]) -> None:
    """Print what was decided, and how to use it."""
    console = stdout_console()
    if not document["decided"]:
        console.sentences("Nothing was decided, so there is nothing to use")
        return
    console.sentences(
        f"{document['decided']:,} of {document['total']:,} images decided: "
        f"{document['changed']:,} labels given or changed, {document['confirmed']:,} kept, "
        f"{document['unusable']:,} images not usable"
    )
    console.lines(document["label_file"])
