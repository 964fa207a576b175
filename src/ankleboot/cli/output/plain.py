"""Plain lines, JSON and CSV on stdout: what needs no terminal, and no import of rich."""

import sys
from collections.abc import Iterable
from typing import Any

from ankleboot.core.csv_text import csv_text
from ankleboot.core.text import escape_unprintable, json_text


def print_lines(*items: object, to_stderr: bool = False) -> None:
    """Print items at once, one a line."""
    text = "".join(f"{escape_unprintable(str(item))}\n" for item in items)
    print(text, end="", file=sys.stderr if to_stderr else sys.stdout, flush=True)


def print_json(document: Any, *, indent: int | None = 2) -> None:
    """Print a JSON document at once."""
    print(json_text(document, indent), flush=True)


def print_csv(*rows: Iterable[object]) -> None:
    """Print lines of a CSV file; text is escaped for terminals and for spreadsheets."""
    cells = [[escape_unprintable(v) if isinstance(v, str) else v for v in row] for row in rows]
    print(csv_text(cells), end="")
