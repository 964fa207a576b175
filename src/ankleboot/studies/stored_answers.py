"""What the full studies found, as it ships with the package.

`python benchmarks/studies.py` writes stored_answers.json from the stored results.
"""

import json
import textwrap
from pathlib import Path

from ankleboot.studies.study import Study

PATH = Path(__file__).parent / "stored_answers.json"
LINE = 100  # characters


def answers() -> dict[str, tuple[str, ...]]:
    """The three sentences of every study that was run in full."""
    return {name: tuple(found) for name, found in json.loads(PATH.read_text()).items()}


def format_answer(study: Study) -> str:
    """What the full study found, for people, and the commands that repeat it."""
    found = answers().get(study.name, ("This study was not run in full yet.",))
    lines = [
        line for sentence in (study.question, *found) for line in textwrap.wrap(sentence, LINE)
    ]
    quick = f"ankleboot study {study.name} --quick"
    full = f"ankleboot study {study.name}"
    return "\n".join(
        [
            *lines,
            "",
            f"{quick}    # a look, two minutes at most",
            f"{full:<{len(quick)}}    # all seeds, with tests: about {study.minutes:g} minutes",
        ]
    )
