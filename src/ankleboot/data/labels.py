"""Corrected labels of a data set, from a label file; see `label_file`.

The test split keeps its labels, so that models trained before and after a correction are judged
alike. Which images validate is drawn from the original labels and does not change either.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.text import counted, unknown_name
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.label_changes import LabelChanges
from ankleboot.data.label_file import Decision, read_label_file

NUM_LISTED = 5  # names in a message


def correct_labels(data: Dataset, path: AnyPath) -> Dataset:
    """Apply the decisions of a label file to the training and validation images.

    Raises:
        UsageError: If there is no such file, or the images do not come from files.
        DataError: If the file has another form, names a class that the data lacks, or none of the
            images.
    """
    file = expand(path)
    content, decisions = read_label_file(file)
    return apply_decisions(data, file, content, decisions)


def apply_decisions(
    data: Dataset, path: Path, content: bytes, decisions: tuple[Decision, ...]
) -> Dataset:
    """Apply decisions that were read before; errors as in `correct_labels`."""
    if not data.train.names:
        raise UsageError(
            f"--labels {path}: {data.name} has no image files that a line could name; expected an "
            "image folder or a table of image files"
        )
    index = {name: i for i, name in enumerate(data.train.names)}
    final = {decision.path.removeprefix("./"): decision.label for decision in decisions}
    labels, original = data.train.labels.copy(), data.train.labels
    rows = {index[name]: label for name, label in final.items() if name in index}
    for row, label in rows.items():
        if label:
            labels[row] = _class_index(data.class_names, label, path, data.train.names[row])
    unusable = np.array(sorted(row for row, label in rows.items() if not label), np.int64)
    changes = LabelChanges(
        path=path,
        content=content,
        original=original,
        changed=np.flatnonzero(labels != original),
        unusable=unusable,
        num_confirmed=sum(1 for i, label in rows.items() if label and labels[i] == original[i]),
        notes=_notes(data, final, path),
    )
    train = LabeledImages(data.train.images, labels, data.train.names)
    return replace(data, train=train, label_changes=changes)


def _class_index(class_names: tuple[str, ...], label: str, path: Path, image: str) -> int:
    try:
        return class_names.index(label)
    except ValueError:
        reason = unknown_name("class", label, class_names)
        raise DataError(f"{path}: {image}: {reason}") from None


def _notes(data: Dataset, final: Mapping[str, str], path: Path) -> tuple[str, ...]:
    """Describe the lines that have no effect; refuse a file that has no others."""
    train, test = set(data.train.names), set(data.test.names)
    in_test = [name for name in final if name in test and name not in train]
    unknown = [name for name in final if name not in train and name not in test]
    if final and len(unknown) == len(final):
        raise DataError(
            f"{path}: names no image of {data.name}, but {_join(unknown)}; expected paths such as "
            f"{data.train.names[0]}"
        )
    notes = []
    if in_test:
        keep = counted(len(in_test), "test image keeps its label", "test images keep their labels")
        notes.append(f"{keep} ({_join(in_test)})")
    if unknown:
        are = counted(len(unknown), "image is", "images are")
        notes.append(f"{are} not in {data.name} ({_join(unknown)})")
    return tuple(f"{path.name}: {note}" for note in notes)


def _join(names: list[str]) -> str:
    more = f" and {len(names) - NUM_LISTED:,} more" if len(names) > NUM_LISTED else ""
    return ", ".join(names[:NUM_LISTED]) + more
