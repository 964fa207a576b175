"""CSV files: no cell is a formula to a spreadsheet, and every cell comes back as it was."""

import csv
import io
import re
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest

from ankleboot.core.csv_text import csv_text, read_cell

CELLS = st.text(alphabet="=+-@\t\r\n;,'\"＝＠a1.e ", max_size=8) | st.text(max_size=5)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def read(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def is_formula(cell: str) -> bool:
    return cell.startswith(tuple("=+-@\t\r\n＝＋－＠")) and not NUMBER.fullmatch(cell)  # noqa: RUF001


@hypothesis.settings(max_examples=500)
@hypothesis.given(st.lists(CELLS, min_size=2, max_size=3))
def test_cells_come_back_and_none_is_a_formula(cells: list[str]) -> None:
    (line,) = read(csv_text([cells]))
    assert not any(map(is_formula, line))
    assert [read_cell(cell) for cell in line] == cells


@hypothesis.settings(max_examples=500)
@hypothesis.given(st.lists(CELLS, min_size=1, max_size=2), st.sampled_from(";\t"))
def test_a_spreadsheet_of_other_delimiters_sees_no_formula(cells: list[str], other: str) -> None:
    for line in read(csv_text([cells]), other):
        for cell in line:  # such as "-1,b", which is text
            assert not is_formula(cell.lstrip("\t\r\n").partition(",")[0])


@pytest.mark.parametrize("cell", ["-1", "+1", "1e-3", "-.5", "it's", "-1.5e+3", "'90s", "a-b"])
def test_numbers_and_harmless_text_stay(cell: str) -> None:
    assert csv_text([[cell, -1.5, None, True]]) == f"{cell},-1.5,,True\n"


def test_the_page_of_the_server_has_the_same_rule() -> None:
    import ankleboot.core.csv_text as rule
    from ankleboot.web.render import WEB

    script = Path(WEB / "server_page/csv_export.js").read_text()
    formula = re.search(r"FORMULA = /(.*)/g;", script)
    number = re.search(r"NUMBER = /\^(.*)\$/;", script)
    assert formula and number
    assert formula[1] == rule._UNQUOTED.pattern and number[1] == rule._NUMBER.pattern
