"""Files that belong together by their names: those of the splits, and the shards of each.

train.csv and Test.csv, fashion-mnist_train.csv and fashion-mnist_test.csv, training.zip and
testing.zip, train-00000-of-00002.parquet and train-00001-of-00002.parquet.
"""

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from ankleboot.core.errors import DataError, UsageError
from ankleboot.data.image_folder.listing import SPLIT_ORDER, natural_order
from ankleboot.data.image_folder.report import join_names
from ankleboot.data.image_folder.split_names import split_of

_SHARD = re.compile(r"[-_](\d+)-of-(\d+)$")


def split_of_file(path: Path) -> str:
    """Return the split that the name of a file says, "" for none."""
    return split_of(_stem(path)) or ""


def files_of_splits(path: Path) -> dict[str, list[Path]]:
    """Return the files that belong to one by their names, in the same folder, by split.

    A file whose name says no split is one of training, with its shards.

    Raises:
        DataError: If a shard is missing, or two files are of the same split.
        UsageError: If the name says another split, and a file of training is beside it.
    """
    beside = [p for p in files_beside(path) if _is_of_series(p, path) and p.is_file()]
    by_split: dict[str, list[Path]] = defaultdict(list)
    for other in beside:
        by_split[split_of_file(other)].append(other)
    role = split_of_file(path)
    if role != "train":
        if role and "train" in by_split:
            train = by_split["train"][0]
            raise UsageError(f"--data {path}: a {role} split by its name; give {train} to train on")
        by_split = {"train": [p for p in by_split[role] if _stem(p) == _stem(path)]}
    ordered = {
        split: [path.with_name(name) for name in natural_order(p.name for p in by_split[split])]
        for split in SPLIT_ORDER
        if split in by_split
    }
    for split, files in ordered.items():
        _check_one(path, split, files)
    return ordered


def check_shards(files: Sequence[Path]) -> None:
    """Refuse files of which each says how many there are, if some of them are missing.

    Raises:
        DataError: With the names of those that are missing.
    """
    series: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for file in files:
        if match := _SHARD.search(file.stem):
            series[_stem(file), match[2]].append(file)
    for (stem, total), shards in series.items():
        matches = [match for file in shards if (match := _SHARD.search(file.stem))]
        numbers, width = {int(match[1]) for match in matches}, len(matches[0][1])
        first = 1 if int(total) in numbers else 0
        missing = [
            f"{stem}-{number:0{width}d}-of-{total}{shards[0].suffix}"
            for number in range(first, min(first + int(total), 100_000))
            if number not in numbers
        ]
        if missing:
            raise DataError(
                f"{shards[0]}: {len(shards)} of {int(total):,} files of {stem}; missing beside it: "
                f"{join_names(missing)}"
            )


def files_beside(path: Path) -> list[Path]:
    """Return a file, and what else is in its folder in natural order."""
    try:
        names = natural_order(name for name in os.listdir(path.parent) if name[0] != ".")
    except OSError:
        names = ()  # a folder whose files may be read, but not listed
    return [path, *(path.with_name(name) for name in names if name != path.name)]


def _is_of_series(path: Path, other: Path) -> bool:
    return path.suffix.lower() == other.suffix.lower() and _series(path) == _series(other)


def _series(path: Path) -> tuple[str, ...]:
    """Return the words of a name without those of the split and the shard."""
    words = [word for word in re.split(r"[\W_]+", _stem(path).lower()) if word]
    if not split_of_file(path):
        return tuple(words)
    return tuple(word for word in words if not split_of(word))


def _stem(path: Path) -> str:
    return _SHARD.sub("", path.stem)


def _check_one(path: Path, split: str, files: Sequence[Path]) -> None:
    check_shards(files)
    if len(set(map(_stem, files))) > 1:
        names = join_names([file.name for file in files])
        raise DataError(
            f"{path}: several files of {split} ({names}); keep one of them, or rename the others "
            "so that their names hold no split"
        )
