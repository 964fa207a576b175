"""Answers of the full studies, shipped with the package.

`python benchmarks/studies.py` writes stored_answers.json from the stored results.
"""

import json
import textwrap
from pathlib import Path

from ankleboot.studies.study import Study

STORED_ANSWERS = Path(__file__).parent / "stored_answers.json"
LINE_LENGTH = 100  # characters


def stored_answers() -> dict[str, tuple[str, ...]]:
    """Return the three sentences of every study that was run in full."""
    return {name: tuple(answer) for name, answer in json.loads(STORED_ANSWERS.read_text()).items()}


def format_answer(study: Study) -> str:
    """Return a study's question, its stored answer and the commands that repeat it."""
    answer = stored_answers().get(study.name, ("This study was not run in full yet.",))
    lines = [textwrap.fill(sentence, LINE_LENGTH) for sentence in (study.question, *answer)]
    command = f"ankleboot study {study.name}"
    lines += ["", f"{command} --quick    # a look, two minutes at most"]
    lines += [f"{command}            # all seeds, with tests: about {study.minutes:g} minutes"]
    return "\n".join(lines)
