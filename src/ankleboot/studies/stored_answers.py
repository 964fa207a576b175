"""Answers of the full studies in numbers, shipped with the package.

`python benchmarks/studies.py` writes stored_answers.json from the stored results. The plain answers
stand with the questions.
"""

import json
import textwrap
from pathlib import Path

from ankleboot.studies.study import Study

STORED_ANSWERS = Path(__file__).parent / "stored_answers.json"
LINE_LENGTH = 100  # characters


def stored_answers() -> dict[str, tuple[str, ...]]:
    """Return the three parts of the answer of every study that was run in full."""
    return {name: tuple(answer) for name, answer in json.loads(STORED_ANSWERS.read_text()).items()}


def format_answer(study: Study) -> str:
    """Return a study's question, its plain answer, the numbers, and the commands that repeat it."""
    plain = " ".join(study.plain.sentences) if study.plain else ""
    answer = stored_answers().get(study.name, ("This study was not run in full yet.",))
    parts = (
        [study.question, plain, "How sure are we?", *answer] if plain else [study.question, *answer]
    )
    lines = [textwrap.fill(part, LINE_LENGTH) for part in parts]
    command = f"ankleboot study {study.name}"
    lines += ["", f"{command} --quick    # a first impression, one run of each variant"]
    lines += [f"{command}            # all seeds, with tests: about {study.minutes:g} minutes"]
    return "\n".join(lines)
