"""Templates: everything is escaped except SVG of our own."""

from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest

from ankleboot import __version__
from ankleboot.web import render as module
from ankleboot.web.render import render

SVG = "<svg><path/></svg>"


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    base = (module.TEMPLATES / "base.html").read_text()
    (tmp_path / "base.html").write_text(base)
    (tmp_path / "page.html").write_text(
        '{% extends "base.html" %}{% block name %}{{ title|short(9) }}{% endblock %}'
        "{% block main %}{{ text }}{{ chart }}{% for one in charts %}{{ one }}{% endfor %}"
        "{% endblock %}"
    )
    monkeypatch.setattr(module, "TEMPLATES", tmp_path)
    yield "page.html"


def test_what_stands_between_backticks_is_code() -> None:
    environment = module._environment(module.TEMPLATES)
    text = environment.from_string("{{ text|code }}").render(text="train `sprint` & <b>`x < 1`")
    assert text == "train <code>sprint</code> &amp; &lt;b&gt;<code>x &lt; 1</code>"


def test_text_is_escaped_and_drawn_svg_is_not(template: str) -> None:
    content = {"title": "a", "text": "<b>&", "chart": SVG, "charts": [SVG, SVG]}
    html = render(content, template, ["chart", "charts"])
    assert "&lt;b&gt;&amp;" + 3 * SVG in html


def test_svg_that_is_not_named_is_escaped(template: str) -> None:
    html = render({"title": "a", "text": "", "chart": SVG, "charts": []}, template, [])
    assert "&lt;svg&gt;" in html and SVG not in html


def test_a_missing_value_is_an_error(template: str) -> None:
    with pytest.raises(jinja2.UndefinedError, match="charts"):
        render({"title": "a", "text": "", "chart": ""}, template, [])


def test_the_page_names_its_version_and_shortens_titles(template: str) -> None:
    html = render({"title": "a" * 30, "text": "", "chart": "", "charts": []}, template, [])
    assert __version__ in html
    title = html.split("<title>")[1].split("</title>")[0]
    assert len(title) == 9 and title[0] == title[-1] == "a"
