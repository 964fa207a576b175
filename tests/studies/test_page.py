"""Pages of a study: HTML and Markdown."""

import re
from dataclasses import replace
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
        "train_images": [1_600],
        "seconds": 60.0,
        "hardware": {"cpu": "A Processor", "usable_cores": 2},
        "versions": {"keras": "3", "tensorflow": "2"},
        "date": "2026-11-21",
    }


def test_page_has_no_external_resources(pooling_document: dict[str, Any], tmp_path: Path) -> None:
    study = get_study("pooling")
    assert study.plain
    write_page(study, pooling_document, tmp_path / "study.html")
    text = (tmp_path / "study.html").read_text()
    for attribute in ("src", "href"):
        for target in re.findall(rf'\b{attribute}="([^"]*)"', text):
            assert target.startswith(("data:image/png;base64,", "#")), target
    assert text.count("<svg") == len(study.charts(StudyResults.from_json(pooling_document, study)))
    assert "these are worse than max pooling: average pooling by 1.00 points" in text
    assert "No difference was found between strided convolution and max pooling (+0.01 " in text
    assert "&lt;b&gt;bars&lt;/b&gt;" in text and "<b>bars" not in text
    assert "Quick run" not in text and "`" not in re.sub(
        r"<script.*?</script>", "", text, flags=re.S
    )
    assert study.plain.caption not in text  # it describes the figure of the stored results
    assert "Not supported here:" in text and "<li>strided - max, validation accuracy: worse" in text
    order = [text.index(f'<section id="{name}">') for name in ("answer", "sure", "try", "numbers")]
    assert order == sorted(order) and text.index(study.plain.sentences[0]) < text.index("<svg")
    write_page(study, pooling_document | {"quick": True}, tmp_path / "quick.html")
    text = (tmp_path / "quick.html").read_text()
    assert "<h2>Answer of the full study</h2>" in text and "<h2>Plain answer</h2>" not in text
    full, quick = text.split('<section id="sure"><h2>This quick run</h2>')
    assert "From Fashion-MNIST, all training images, 5 seeds for each variant" in full
    assert study.plain.caveats[0] in full and "<svg" not in full
    assert "From &lt;b&gt;bars&lt;/b&gt;, 1,600 training images, 5 seeds for each" in quick
    assert "Quick run: too few runs" in quick and "<svg" in quick


def test_markdown_page_holds_the_numbers(pooling_document: dict[str, Any]) -> None:
    text = render_markdown(get_study("pooling"), pooling_document, ["1.svg", "2.svg", "3.svg"])
    assert "| average | 89.20 +- 0.16 |" in text and "![Accuracy of every run](1.svg)" in text
    assert "| average - max | validation accuracy | -1.00 points |" in text
    assert "`ankleboot train plain --set blocks=3 --set filters=16" in text
    assert "[the notebook](../../notebooks/pooling.ipynb)" in text


def test_markdown_page_begins_with_the_plain_answer_and_its_figure(
    pooling_document: dict[str, Any],
) -> None:
    study = get_study("pooling")
    assert study.plain
    text = render_markdown(study, pooling_document, ["1.svg", "2.svg", "3.svg"])
    question, answer, figure, caption, heading, *_ = text.split("\n\n")
    assert question == f"# {study.question}" and figure.endswith("](2.svg)")
    assert " ".join(answer.split()) == f"**{' '.join(study.plain.sentences)}**"
    assert " ".join(caption.split()) == study.plain.caption and heading == "## How sure are we?"
    titles = re.findall("^## (.*)", text, re.MULTILINE)
    assert titles == ["How sure are we?", "Try it yourself", "Details"]
    bare = render_markdown(replace(study, plain=None), pooling_document, ["1", "2", "3"])
    assert "What limits" not in bare and bare.index("](1)") < bare.index("How sure are we?")
