"""Model cards as HTML: the card of a foreign model cannot inject anything into the page."""

from html.parser import HTMLParser

import pytest

from ankleboot.models.pretrained.catalog import FOLDER
from ankleboot.web.markdown import render_markdown

SCRIPT = "<img src=x onerror=alert(1)>"
TAGS = set(
    "h3 h4 h5 h6 p a strong em code pre div table thead tbody tr th td ul ol li hr br".split()
)
ATTRIBUTES = set("href rel title class tabindex role aria-label style start".split())


class Elements(HTMLParser):
    """The tags and attributes of a document."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, list[str | None]] = {}
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    "card",
    [
        f"# {SCRIPT}",
        f"{SCRIPT}\n\n**{SCRIPT}** `{SCRIPT}`\n\n```\n{SCRIPT}\n```",
        f"| {SCRIPT} |\n|---|\n| {SCRIPT} |",
        "<script>alert(1)</script>\n\n<table onclick=alert(1)>",
        "[x](javascript:alert(1)) [y](JaVaScRiPt:alert(1)) <javascript:alert(1)>",
        "[x](data:text/html,<script>alert(1)</script>) [y](vbscript:a) [z](//evil.example)",
        '[x](https://example.org/"onclick="alert(1)) [y](https://example.org "a\\"onclick=\\"b")',
        "![x](https://evil.example/pixel.png) ![y](javascript:alert(1))",
        "[r]\n\n[r]: javascript:alert(1)",
        "```js onclick=alert(1)\n1\n```",
        "&lt;script&gt; &#x3c;script&#x3e;",
    ],
)
def test_a_hostile_card_cannot_inject(card: str) -> None:
    elements = Elements(render_markdown(card))
    assert elements.tags <= TAGS
    assert set(elements.attributes) <= ATTRIBUTES
    for address in elements.attributes.get("href", []):
        assert address is not None and address.startswith(("https://", "http://"))


def test_headings_start_below_those_of_the_page() -> None:
    assert render_markdown("# a\n\n## b\n\n###### c") == "<h3>a</h3>\n<h4>b</h4>\n<h6>c</h6>\n"


def test_links_to_files_beside_the_card_become_text() -> None:
    assert render_markdown("[code](../train.py)") == "<p>code</p>\n"


def test_tables_scroll_and_can_be_reached_by_keyboard() -> None:
    html = render_markdown("| a |\n|---|\n| `b` |")
    assert html.startswith('<div class="scrolls-across" tabindex="0"') and html.endswith("</div>\n")
    assert "<td><code>b</code></td>" in html


def test_the_shipped_card_keeps_its_text() -> None:
    card = (FOLDER / "README.md").read_text()
    title = card.splitlines()[0].removeprefix("# ")
    elements = Elements(render_markdown(card))
    assert elements.text.startswith(title)
    assert "table" in elements.tags or "|---" not in card
