"""Model cards as HTML."""

from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

HEADING_SHIFT = 2  # the page has h1 and h2
MAX_HEADING = 6
TABLE_BOX = '<div class="scrolls-across" tabindex="0" role="group" aria-label="Table">\n'


def render_markdown(text: str) -> str:
    """Convert Markdown to HTML that is safe to insert into a page.

    HTML in the text is escaped, images are not loaded, and only links to web addresses remain:
    files beside the card are not served.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(MAX_HEADING, int(token.tag[1]) + HEADING_SHIFT)}"
        elif token.type == "table_open":
            token.attrSet("class", "table")
        token.children = token.children and list(_web_links(token.children))
    html: str = parser.renderer.render(tokens, parser.options, {})
    return html.replace("<table", f"{TABLE_BOX}<table").replace("</table>", "</table>\n</div>")


def _web_links(tokens: Sequence[Token]) -> Iterator[Token]:
    """Drop the links to other addresses and keep their text."""
    is_kept = True
    for token in tokens:
        if token.type == "link_open":
            is_kept = str(token.attrGet("href")).startswith(("https://", "http://"))
            token.attrSet("rel", "noreferrer")
        if is_kept or token.type not in ("link_open", "link_close"):
            yield token
