r"""Text of CSV files that a spreadsheet opens without evaluating a cell.

    csv_text([["path", "label"], ["=1+1.jpg", "-1"]])      # path,label / '=1+1.jpg,-1

An apostrophe goes before = + - @, a tab or a line break that begins a text, or that follows what
some spreadsheet takes for the end of a cell: a semicolon, quote, tab or line break. Apostrophes
that already stand there get one more, so `read_cell` returns every text as it was. Numbers stay.

Source: https://owasp.org/www-community/attacks/CSV_Injection
"""

import re
from collections.abc import Iterable

QUOTE = '"'

_START = r'(?<![^";\t\r\n])'  # of a cell, for some spreadsheet
_FORMULA = r"(?=[=+\-@\t\r\n＝＋－＠])"  # the wide ones as well
_UNQUOTED = re.compile(f"{_START}'*{_FORMULA}")
_QUOTED = re.compile(f"{_START}'('*){_FORMULA}")
_SPECIAL = re.compile(r'[",\r\n]')
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Return the lines of a CSV file; cells of text are escaped, others are written as they are."""
    return "".join(f"{','.join(map(_cell, row))}\n" for row in rows)


def read_cell(text: str) -> str:
    """Return what `csv_text` wrote into a cell."""
    return _QUOTED.sub(r"\1", text)


def _cell(value: object) -> str:
    """Write a cell; Python 3.11's `csv` would not quote a carriage return."""
    text = "" if value is None else str(value)
    if not isinstance(value, int | float) and not _NUMBER.fullmatch(text):
        text = _UNQUOTED.sub(r"'\g<0>", text)
    return f'"{text.replace(QUOTE, QUOTE * 2)}"' if _SPECIAL.search(text) else text
