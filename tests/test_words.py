"""The glossary's terms in code, documents and help texts; docstrings that open with a verb."""

import ast
import inspect
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ankleboot.cli.main import cli

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

GLOSSARY = ROOT / "docs/glossary.md"
CODE = re.compile(
    r"^```.*?^```|^    [^\n]*|<!--.*?-->|`[^`]*`|\"[^\"]{1,300}\"|\]\([^)]*\)|https?:\S+",
    re.MULTILINE | re.DOTALL,
)
"""Code, comments, quotations and addresses, which may hold any word."""

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


def glossary_rows() -> Iterator[list[str]]:
    """Yield the cells of each row of the glossary's tables."""
    for line in GLOSSARY.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[-1] not in ("instead of", "---"):
            yield cells


def banned_words() -> dict[str, str]:
    """Return the words that the glossary bans, each with the terms to write."""
    terms = defaultdict(list)
    for term, *_, banned in glossary_rows():
        for word in filter(None, banned.split(", ")):
            terms[word].append(term)
    return {word: " or ".join(written) for word, written in terms.items()}


BANNED = banned_words()
BANNED_WORD = re.compile(rf"\b({'|'.join(BANNED)})\b", re.IGNORECASE)


def banned_in(text: str) -> list[str]:
    """Return the banned words in the prose of a text, each with its line and the terms to write."""
    prose = CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    return [
        f"line {prose.count(chr(10), 0, match.start()) + 1}: {match[0]}: "
        f"write {BANNED[match[0].lower()]}"
        for match in BANNED_WORD.finditer(prose)
    ]


def help_texts(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    """Yield the help of a command, of its options, and of the commands below it."""
    yield name, inspect.cleandoc(command.help or "")
    for option in command.params:
        yield f"{name} {option.opts[0]}", getattr(option, "help", None) or ""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from help_texts(found, f"{name} {child}")


def messages_in(source: str) -> Iterator[tuple[int, str]]:
    """Yield the sentences and titles of a source, but for docstrings, each with its line."""
    tree = ast.parse(source)
    expressions = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    docstrings = {id(value) for value in expressions if isinstance(value, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_shown = len(node.value.split()) >= 3 or node.value[:1].isupper()  # or a title
            if id(node) not in docstrings and is_shown:
                yield node.lineno, node.value


def prose_of(notebook: str) -> str:
    """Return the markdown and comments of a notebook's script, each in its line."""
    return "\n".join(line.partition("# ")[2] for line in notebook.splitlines())


def words_shown_by(page: str) -> str:
    """Return what people read of a file of a page: the text between tags, or of a script's strings.

    Code, comments, and names in short strings are left out.
    """
    page = re.sub(r"<(style|script)\b.*?</\1>|<!--.*?-->|{[%#].*?[%#]}", "", page, flags=re.S)
    if "</" in page:
        page = re.sub(r"<[^>]*>|{{.*?}}", "\n", page, flags=re.S)
        return page
    page = re.sub(r"/\*.*?\*/|^\s*//.*?$|\${[^}]*}", "", page, flags=re.S | re.M)
    strings = re.findall(r'"((?:[^"\\\n]|\\.)*)"|`([^`]*)`', page)
    return "\n".join(text for pair in strings for text in pair if len(text.split()) >= 3)


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FILES = sorted(SOURCE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.py"))
WEB_FILES = sorted(path for kind in ("*.html", "*.js") for path in (SOURCE / "web").rglob(kind))
NO_MESSAGES = {"server/http/security_headers.py"}  # headers have words of their own


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_names_are_terms_of_the_glossary(path: Path) -> None:
    assert synonyms_in(path.read_text()) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_docstrings_open_with_a_verb_or_a_noun(path: Path) -> None:
    assert poor_openings(path.read_text()) == []


@pytest.mark.parametrize("path", [path for path in PAGES if path != GLOSSARY], ids=lambda p: p.name)
def test_documents_use_the_terms_of_the_glossary(path: Path) -> None:
    assert banned_in(path.read_text()) == []


def test_help_texts_use_the_terms_of_the_glossary() -> None:
    found = {name: banned_in(text) for name, text in help_texts(cli, "ankleboot")}
    assert len(found) > 100
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_messages_use_the_terms_of_the_glossary(path: Path) -> None:
    found = {line: banned_in(text) for line, text in messages_in(path.read_text())}
    if str(path.relative_to(SOURCE)) not in NO_MESSAGES:
        assert {line: words for line, words in found.items() if words} == {}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_use_the_terms_of_the_glossary(path: Path) -> None:
    script = path.read_text()
    texts = [prose_of(script), *(text for _, text in messages_in(script))]
    assert [words for text in texts if (words := banned_in(text))] == []
    assert synonyms_in(script) == []


@pytest.mark.parametrize("path", WEB_FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_pages_use_the_terms_of_the_glossary(path: Path) -> None:
    assert banned_in(words_shown_by(path.read_text())) == []


def test_the_check_of_messages_can_fail() -> None:
    source = '"""Say it."""\nraise Error(f"{path}: the header says {n}")\nkey = "say"\n'
    assert [banned_in(text) for _, text in messages_in(source)] == [
        [f"line 1: says: write {BANNED['says']}"]
    ]
    assert [text for _, text in messages_in('title, key = "Photographs", "photographs"')] == [
        "Photographs"
    ]
    script = '# %% [markdown]\n# The picture.\nlook = "a word"  # a word\n'
    assert banned_in(prose_of(script)) == [
        f"line 2: picture: write {BANNED['picture']}",
        f"line 3: word: write {BANNED['word']}",
    ]
    page = '<p id="photograph">Take a <b>photograph</b></p><script>say()</script>{{ look }}'
    assert banned_in(words_shown_by(page)) == [f"line 3: photograph: write {BANNED['photograph']}"]
    script = '// say\nconst word = "word", text = "Show the picture here";\n'
    assert banned_in(words_shown_by(script)) == [f"line 1: picture: write {BANNED['picture']}"]


def test_the_check_of_words_can_fail() -> None:
    assert banned_in("A photo.\n`a word`, Look") == [f"line 2: Look: write {BANNED['look']}"]
    assert banned_in('See "a word" in [x](look.md):\n```\nsay\n```\n') == []
    assert synonyms_in("def paint(theColour, pictures): said = 1") == [
        "theColour: write color",
        "pictures: write images, or photos",
        "said: write message",
    ]
    assert poor_openings('def f():\n    """What somebody sees."""') == ["What somebody sees."]
    assert poor_openings('def f():\n    """Return the sum."""') == []


def test_the_glossary_defines_each_term_once() -> None:
    terms = [cells[0] for cells in glossary_rows() if len(cells) == 3]
    assert len(terms) > 60
    assert terms == sorted(set(terms), key=str.casefold)
    assert not set(terms) & ({*SYNONYMS} | {*BANNED})
