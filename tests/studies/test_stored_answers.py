"""Stored answers of the studies."""

from dataclasses import replace

from ankleboot.studies.stored_answers import format_answer, stored_answers
from ankleboot.studies.study import get_study


def test_stored_answer_names_the_commands_that_repeat_it() -> None:
    study = get_study("pooling")
    text = format_answer(study)
    assert all(len(line) <= 100 for line in text.splitlines())
    assert study.plain
    parts = [
        study.question,
        *study.plain.sentences,
        "How sure are we?",
        *stored_answers()["pooling"],
    ]
    assert " ".join(parts) in " ".join(text.split())
    assert "ankleboot study pooling --quick" in text
    assert "was not run in full yet" in format_answer(replace(study, name="new", plain=None))
