"""Names that try to leave their place: on a terminal, in a spreadsheet, in a page."""

import csv
import io
import os
import re
from html.parser import HTMLParser
from pathlib import Path

TITLE = "\x1b]0;x\x07"  # sets the title of the terminal
FORMULA = "=cmd|' C calc'!A1"
ELEMENT = "<img src=x onerror=alert(1)>"
FILE_NAMES = (
    f"{TITLE}a",
    "\x1b[2J\x9b31m\x7f",
    "b\u202egnp.c\u2028",
    "line\nbreak\r\tof",
    "[red]bold :boom: [link=a]",
    FORMULA,
    ELEMENT,
    "{{7*7}}{% raw %}${1}",
    "n" * 240,
    os.fsdecode(b"\xff\xfe\x80"),
    "-rf",
    "$\\frac{$",
    "_hidden",
)
"""Names that this file system takes; 240 bytes leave room for endings."""

NAMES = (*FILE_NAMES, "\udcff", "=cmd|' /C calc'!A1", "", "~nobody", "%s%n", "a" * 100_000)
"""Names that an argument or a table may hold."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def check_text(text: str, where: object = "") -> None:
    """Refuse what is neither printable nor a line break."""
    bad = {c for c in text if not c.isprintable() and c != "\n"}
    assert not bad, f"{where}: {bad!r} in {text[:2_000]!r}"


def check_csv(text: str, where: object = "") -> None:
    """Refuse a cell that a spreadsheet would evaluate."""
    for line in csv.reader(io.StringIO(text, newline="")):
        for cell in line:
            is_formula = cell.startswith(tuple("=+-@\t\r\n")) and not NUMBER.fullmatch(cell)
            assert not is_formula, f"{where}: {cell!r}"


class _Elements(HTMLParser):
    """Collects the attributes of every element."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def check_html(text: str, where: object = "") -> None:
    """Refuse an element that was made from a name, and a template that was filled twice."""
    parser = _Elements()
    parser.feed(text)
    for tag, attributes in parser.found:
        made = [name for name in attributes if name.startswith("on")] or attributes.get(
            "src"
        ) == "x"
        assert not made, f"{where}: <{tag} {attributes}>"
    check_text(re.sub(r"[\t\xa0]", "", text), where)


def check_files(folder: Path) -> int:
    """Check every file that people open; return their number."""
    checks = {".csv": check_csv, ".html": check_html}
    num_checked = 0
    for path in folder.rglob("*"):
        if path.is_file() and (check := checks.get(path.suffix)):
            content = path.read_bytes().decode(errors="surrogateescape")
            check(content, path)
            num_checked += 1
    return num_checked
