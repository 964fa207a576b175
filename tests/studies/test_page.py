"""Pages of a study: HTML and Markdown."""

import re
from pathlib import Path
from typing import Any

import pytest

from ankleboot.studies.page import render_markdown, write_page
from ankleboot.studies.results import StudyResults, summarize
from ankleboot.studies.study import get_study
from helpers.studies import pooling_rows


@pytest.fixture(scope="module")
def pooling_document() -> dict[str, Any]:
    found = summarize(get_study("pooling"), pooling_rows(5), is_quick=False)
    return found.to_json() | {
        "seeds": 5,
        "data": {"name": "<b>bars</b>", "train_sha256": "0"},
        "seconds": 60.0,
        "hardware": {"cpu": "A Processor", "usable_cores": 2},
        "versions": {"keras": "3", "tensorflow": "2"},
        "date": "2026-11-21",
    }


def test_page_has_no_external_resources(pooling_document: dict[str, Any], tmp_path: Path) -> None:
    study = get_study("pooling")
    write_page(study, pooling_document, tmp_path / "study.html")
    text = (tmp_path / "study.html").read_text()
    for attribute in ("src", "href"):
        for target in re.findall(rf'\b{attribute}="([^"]*)"', text):
            assert target.startswith(("data:image/png;base64,", "#")), target
    assert text.count("<svg") == len(study.charts(StudyResults.from_json(pooling_document, study)))
    assert "Average (-1.00 points" in text and ") are worse than max in validation accuracy" in text
    assert "no difference found between max and strided (+0.01 points" in text
    assert "&lt;b&gt;bars&lt;/b&gt;" in text and "<b>bars" not in text
    assert "Quick run" not in text
    write_page(study, pooling_document | {"quick": True}, tmp_path / "quick.html")
    assert "Quick run: too few runs" in (tmp_path / "quick.html").read_text()


def test_markdown_page_holds_the_numbers(pooling_document: dict[str, Any]) -> None:
    text = render_markdown(get_study("pooling"), pooling_document, ["1.svg", "2.svg", "3.svg"])
    assert "| average | 89.20 +- 0.16 |" in text and "![Accuracy of every run](1.svg)" in text
    assert "| average - max | validation accuracy | -1.00 points |" in text
    assert "`ankleboot train plain --set blocks=3 --set filters=16" in text
    assert "[the notebook](../../notebooks/pooling.ipynb)" in text
