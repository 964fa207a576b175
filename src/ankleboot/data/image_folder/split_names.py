"""Names that people give to the splits, in file and folder names and in tables."""

import re
from functools import lru_cache

SPLIT_NAMES = {
    name: split
    for split, names in {
        "train": "train training trn trainset",
        "validation": "validation validate valid val dev eval evaluation valset devset",
        "test": "test testing tst testset holdout",
    }.items()
    for name in names.split()
}
"""Split by a lower-case name of it."""

FILLERS = frozenset(
    "set sets split data dataset images image imgs img photos pics samples folder".split()
)
"""Words that may follow the name of a split, as in train_images."""


@lru_cache  # tables ask for the folders of each row
def split_of(name: str) -> str | None:
    """Return the split that a name such as Training, seg_train, train2017 or test-set names."""
    words = [re.sub(r"(?<=[a-z])(19|20)\d\d$", "", w) for w in re.split(r"[\W_]+", name.lower())]
    words = [word for word in words if word]
    if not words:
        return None
    if words[-1] in SPLIT_NAMES:
        return SPLIT_NAMES[words[-1]]
    has_fillers = all(word in FILLERS or word.isdecimal() for word in words[1:])
    return SPLIT_NAMES.get(words[0]) if has_fillers else None


def flag_of(name: str) -> str:
    """Return the split that a name such as is_test or isTrain asks about; "" for other names."""
    match = re.fullmatch(r"is[\W_]*(\w+)", name.strip(), re.IGNORECASE)
    return SPLIT_NAMES.get(match[1].lower(), "") if match else ""
