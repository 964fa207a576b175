"""The glossary's terms in code: no banned synonyms, no docstring that opens without a verb."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src/ankleboot"

SYNONYMS = {
    "picture": "image, or photo",
    "pictures": "images, or photos",
    "colour": "color",
    "colours": "colors",
    "normalisation": "normalization",
    "normalise": "normalize",
    "normalised": "normalized",
    "grey": "gray",
    "twins": "duplicates",
    "framing": "crop",
    "preparation": "image_spec",
    "experts": "router",
    "said": "message",
    "somebody": "the user",
    "nobody": "no client",
    "journal": "access_log",
    "ancestor": "baseline",
}
"""Words that the code replaces by a term of docs/glossary.md."""

PERSONS = re.compile(r"\b(somebody|nobody|anybody|whoever|everybody)\b", re.IGNORECASE)
NO_VERB = re.compile(r"(What|Where|How|Whom|Whether|Of|As|Who|That|Which)\b")


def names_in(source: str) -> Iterator[str]:
    """Yield every name that the source binds."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def words_of(name: str) -> list[str]:
    """Split a name into words: `to_colour`, `toColour` and `TO_COLOUR` hold "colour"."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1_\2", name)
    return spaced.lower().split("_")


def synonyms_in(source: str) -> list[str]:
    """Return the names that hold a banned word, each with the term to use."""
    return [
        f"{name}: write {SYNONYMS[word]}"
        for name in dict.fromkeys(names_in(source))
        for word in words_of(name)
        if word in SYNONYMS
    ]


def poor_openings(source: str) -> list[str]:
    """Return the first lines of docstrings that open without a verb or noun, or name persons."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        line = (ast.get_docstring(node) or "").partition("\n")[0]
        if NO_VERB.match(line) or PERSONS.search(line):
            found.append(line)
    return found


FILES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_names_are_terms_of_the_glossary(path: Path) -> None:
    assert synonyms_in(path.read_text()) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_docstrings_open_with_a_verb_or_a_noun(path: Path) -> None:
    assert poor_openings(path.read_text()) == []


def test_the_check_of_words_can_fail() -> None:
    assert synonyms_in("def paint(theColour, pictures): said = 1") == [
        "theColour: write color",
        "pictures: write images, or photos",
        "said: write message",
    ]
    assert poor_openings('def f():\n    """What somebody sees."""') == ["What somebody sees."]
    assert poor_openings('def f():\n    """Return the sum."""') == []


def test_the_glossary_defines_each_term_once() -> None:
    rows = re.findall(r"^\| ([a-z -]+) \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    terms = [row for row in rows if row != "term"]
    assert terms == sorted(set(terms))
    assert not set(terms) & set(SYNONYMS)
