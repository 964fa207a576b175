"""Quizzes: generated files are fresh, and every item has one right answer."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import make_quizzes
from ankleboot.core import plugins

ROOT = Path(__file__).parents[2]
QUIZZES = ROOT / "docs/studies/quizzes"
NAMES = plugins.BUILT_IN["studies"]
TEXT = r"(?:\\.|[^\\{}~=#:])+"
"""Text of a GIFT file: its signs stand behind a backslash."""
ITEM = re.compile(
    rf"::(?P<title>{TEXT})::\[plain\](?P<question>{TEXT}) \{{\n"
    rf"(?P<answers>(?:[=~]{TEXT}\n){{2,}})####(?P<why>{TEXT})\n\}}\n"
)


def parse_gift(text: str) -> list[dict[str, Any]]:
    """Parse all items of a GIFT file; fail on anything else in it."""
    body = re.sub(r"^(//|\$CATEGORY: ).*\n", "", text, flags=re.MULTILINE)
    assert ITEM.sub("", body).strip() == ""
    return [
        {
            "title": match["title"],
            "question": unescaped(match["question"]),
            "right": [
                unescaped(line[1:]) for line in match["answers"].split("\n") if line[:1] == "="
            ],
            "wrong": [
                unescaped(line[1:]) for line in match["answers"].split("\n") if line[:1] == "~"
            ],
            "why": unescaped(match["why"]),
        }
        for match in ITEM.finditer(body)
    ]


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def source_items(name: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = tomllib.loads((QUIZZES / f"{name}.toml").read_text())["items"]
    return items


def test_pages_and_gift_files_are_fresh() -> None:
    command = [sys.executable, str(ROOT / "tools/make_quizzes.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0


def test_every_study_has_a_quiz() -> None:
    assert {path.stem for path in QUIZZES.glob("*.toml")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_gift_file_holds_ten_items_with_one_right_answer_each(name: str) -> None:
    text = (QUIZZES / f"{name}.gift").read_text()
    items = parse_gift(text)
    assert len(items) == 10 and len({item["title"] for item in items}) == 10
    assert f"$CATEGORY: Ankleboot/{name}\n" in text
    for item, source in zip(items, source_items(name), strict=True):
        assert item["question"] == source["question"] and item["why"] == source["why"]
        assert item["right"] == [source["answer"]]
        assert sorted(item["wrong"]) == sorted(source["wrong"]) and len(item["wrong"]) == 3


@pytest.mark.parametrize("name", NAMES)
def test_page_folds_each_answer(name: str) -> None:
    text = (QUIZZES / f"{name}.md").read_text()
    for item in source_items(name):
        answer, why = re.escape(item["answer"]), re.escape(item["why"])
        folded = re.search(rf"\*\*([A-D])\. {answer}\.\*\* {why}\n\n</details>", text)
        assert folded and f"- {folded[1]}. {item['answer']}\n" in text
    assert text.count("<details><summary>Answer</summary>") == 10


@pytest.mark.parametrize("name", NAMES)
def test_length_and_place_of_an_answer_do_not_give_it_away(name: str) -> None:
    items = make_quizzes.read_items(QUIZZES / f"{name}.toml")
    longest = sum(len(item.answer) > max(map(len, item.wrong)) for item in items)
    assert longest <= 6
    assert len({item.options.index(item.answer) for item in items}) >= 3


def test_signs_of_gift_are_escaped() -> None:
    item = make_quizzes.Item("a {b}: ~c = d#e\\f?", "1", ["2", "3", "4"], "g:h")
    text = make_quizzes.gift("x", [item])
    assert "a \\{b\\}\\: \\~c \\= d\\#e\\\\f?" in text
    assert parse_gift(text)[0]["question"] == item.question


@pytest.mark.parametrize("wrong", [["2", "3"], ["2", "2", "3"], ["1", "2", "3"], ["2", "3", ""]])
def test_item_without_four_different_answers_is_refused(wrong: list[str]) -> None:
    with pytest.raises(ValueError, match="'Why\\?'"):
        make_quizzes.Item("Why?", "1", wrong, "So.")
