"""Columns of a table by their meaning: the label, split and group of each row.

A column is used if its name or its values leave no doubt; a note says so, unless it has the name
that the documentation asks for. Other columns that look like a split or a group get a note as well.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

from ankleboot.core.errors import DataError
from ankleboot.core.text import escape_unprintable
from ankleboot.data.image_folder.report import join_names
from ankleboot.data.image_folder.split_names import SPLIT_NAMES, flag_of, split_of
from ankleboot.data.tables.table import Table

MISSING = frozenset(("nan", "<na>", "#n/a"))
"""Words, in lower case, that pandas and spreadsheets write into empty cells."""

TRUE, FALSE = ("1", "true", "yes", "t", "y"), ("0", "false", "no", "f", "n", "")

GROUP_WORDS = frozenset(
    "animal burst camera case clip donor individual lesion participant patient person photographer "
    "sender sequence session site slide specimen subject user video".split()
)
NUMBER_WORDS = frozenset("code id key name no nr num number uid".split())
SPLIT_WORDS = frozenset("fold folds kfold partition split subset".split())
BOX_WORDS = frozenset("bbox xmin ymin xmax ymax".split())


def text_of(value: Any) -> str:
    """Return a cell as text; "" for an empty one, also where a program wrote NaN."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    return "" if text.lower() in MISSING else text


def label_of(value: Any, class_names: Sequence[str], place: str) -> str:
    """Return the name of a class; "" for a row without a label.

    Raises:
        DataError: If the cell holds several labels, or something else than a name.
    """
    if class_names and isinstance(value, int):
        return class_names[value] if 0 <= value < len(class_names) else ""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, (list, dict, bytes)):
        kinds = {list: "a list", dict: "an object", bytes: "bytes"}
        raise DataError(
            f"{place}: the label is {kinds[type(value)]} ({str(value)[:60]}); expected one name "
            "or number"
        )
    text = text_of(value)
    if "\n" in text:
        raise DataError(
            f"{place}: a label with line breaks ({text[:60]!a}); is a quote not closed?"
        )
    return escape_unprintable(text)


def says_splits(table: Table) -> bool:
    """Check if columns are called what says the split of each row."""
    return bool(table.find("split") or any(map(flag_of, table.columns)))


def read_splits(table: Table, used: Sequence[str], notes: list[str]) -> tuple[list[str], list[str]]:
    """Return the columns that say the splits, and the split of each row; nothing if there are none.

    It is a column called split; else flags such as is_test; else one that holds nothing but the
    names of splits. `used` are the columns with another meaning.

    Raises:
        DataError: If a column of splits or flags holds something else.
    """
    others = [name for name in table.columns if name not in used]
    if column := table.find("split"):
        texts = [text_of(value) for value in table.columns[column]]
        meanings = {text: split_of(text) or "" for text in dict.fromkeys(texts)}
        if unknown := [repr(text) for text, split in meanings.items() if not split]:
            raise DataError(
                f"{table.path}: column {column!r} has {join_names(unknown)}; "
                f"expected {', '.join(SPLIT_NAMES)}"
            )
        return [column], [meanings[text] for text in texts]
    flags = {name: split for name in others if (split := flag_of(name))}
    if flags:
        names = ", ".join(map(repr, flags))
        notes.append(f"{table.path.name}: splits taken from {names}, with 1 or 0 in each row")
        return list(flags), _splits_by_flags(table, flags)
    for name in others:
        splits = [split_of(v) if isinstance(v, str) else None for v in table.columns[name]]
        if len({*splits} - {None}) > 1 and "train" in splits and None not in splits:
            notes.append(f"{table.path.name}: column {name!r} taken as the split")
            return [name], [split or "" for split in splits]
    return [], []


def read_groups(table: Table, used: Sequence[str], notes: list[str]) -> tuple[str, list[str]]:
    """Return the name of the column with the groups, "" for none, and the group of each row."""
    if column := table.find("group"):
        return column, [text_of(value) for value in table.columns[column]]
    for name in table.columns:
        if name in used or not _names_group(name):
            continue
        groups = [text_of(value) for value in table.columns[name]]
        if 1 < len(set(groups)) < len(groups):
            notes.append(
                f"{table.path.name}: column {name!r} taken as the group, which a split keeps "
                "together"
            )
            return name, groups
    return "", [""] * len(table)


def note_unused(table: Table, used: Sequence[str], notes: list[str]) -> None:
    """Note each column that looks like a split, a group or a box and is not used."""
    for name in table.columns:
        if name in used:
            continue
        if flag_of(name) or SPLIT_WORDS & set(_words(name)):
            hint = "a column called split with train, validation and test is"
        elif _names_group(name):
            hint = "a column called group keeps images together"
        else:
            continue
        notes.append(f"{table.path.name}: column {name!r} is not used; {hint}")
    if boxes := [name for name in table.columns if name.lower() in BOX_WORDS]:
        notes.append(
            f"{table.path.name}: boxes ({join_names(boxes)}) are not cut out; each row is the "
            "whole image"
        )


def _splits_by_flags(table: Table, flags: dict[str, str]) -> list[str]:
    rest = "test" if "train" in flags.values() else "train"
    splits: list[str] = []
    for row in range(len(table)):
        true = []
        for name, split in flags.items():
            text = text_of(table.columns[name][row]).lower()
            if text not in (*TRUE, *FALSE):
                raise DataError(
                    f"{table.path}: {table.place(row)}: column {name!r} has {text!a}; expected "
                    "1 or 0"
                )
            true += [split] if text in TRUE else []
        if len(true) > 1:
            raise DataError(f"{table.path}: {table.place(row)} is in {' and '.join(true)}")
        splits.append(true[0] if true else rest)
    return splits


def _words(name: str) -> list[str]:
    words = re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", name)
    return [word.lower() for word in words if word]


def _names_group(name: str) -> bool:
    words = _words(name)
    is_known = bool(words) and words[0].removesuffix("s") in GROUP_WORDS
    return is_known and all(word in NUMBER_WORDS for word in words[1:])
