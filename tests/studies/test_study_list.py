"""List of the studies on the terminal, and what a run prints."""

import io
from typing import Any

import pytest

from ankleboot.cli.output import studies as output
from ankleboot.cli.output.terminal import Terminal
from ankleboot.cli.study import _list_studies
from ankleboot.core import plugins
from ankleboot.studies.study import get_study


class Screen(io.StringIO):
    """Terminal that keeps what it shows."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [60, 80, 120])
def test_list_fits_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    terminal = Terminal(file=screen, highlight=False, width=width, color_system=None)
    monkeypatch.setattr(output, "stdout_console", lambda: terminal)
    output.study_list(_list_studies())
    lines = screen.getvalue().splitlines()
    answers = [line for line in lines if line.startswith("  ")]
    assert len(answers) >= len(plugins.names("studies"))
    assert all(len(line) <= width for line in answers)
    if width >= 80:
        assert len(lines) <= 22 and all(len(line) <= width for line in lines)


def test_list_in_a_pipe_has_two_lines_for_each_study(capsys: pytest.CaptureFixture[str]) -> None:
    rows = _list_studies()
    output.study_list(rows)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * len(rows) + 1
    for row, question, answer in zip(rows, lines[::2], lines[1::2], strict=False):
        plain = get_study(row["name"]).plain
        assert plain and row["plain"] == list(plain.sentences)
        assert question == f"{row['name']}: {row['question']}"
        assert answer == f"  {plain.sentences[0]}"


def document(**more: Any) -> dict[str, Any]:
    return {
        "question": "Why?",
        "quick": False,
        "plain": ["Because.", "Always."],
        "unsupported": [],
        "described_runs": ["all images, 5 seeds", "the sample, 1 seed"],
        "sentences": ["One.", "Two.", "Three."],
        "table": [["variant", "accuracy, %"], ["one", "90.00"]],
        "page": "study.html",
    } | more


def printed(found: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> list[str]:
    output.study_results([found])
    return capsys.readouterr().out.splitlines()


def test_plain_answer_is_printed_if_the_runs_support_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert printed(document(), capsys)[:3] == ["Why?", "Because. Always.", "1. One."]
    assert printed(document(plain=[]), capsys)[:2] == ["Why?", "1. One."]
    found = printed(document(unsupported=["a is better", "b is not"]), capsys)
    assert found[1] == "Not supported by these runs: a is better; b is not."


def test_a_quick_run_stands_apart_from_the_answer_of_the_full_study(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quick = document(quick=True, unsupported=["a is better"])
    assert printed(quick, capsys)[:7] == [
        "Why?",
        "",
        "Answer of the full study (all images, 5 seeds):",
        "Because. Always.",
        "",
        "This quick run, which claims nothing (the sample, 1 seed):",
        "1. One.",
    ]
    bare = printed(document(quick=True, plain=[]), capsys)
    assert bare[:3] == ["Why?", "", "This quick run, which claims nothing (the sample, 1 seed):"]
