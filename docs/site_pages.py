"""Pages of the site that are made from other documents: README's sections and the notebooks."""

import json
import os
import re
from pathlib import Path

SECTIONS = {
    "Quick start": "start",
    "Label photographs": "photographs",
    "Label pictures of the data set": "pictures",
    "Understand it": "understand",
    "Eight questions, measured": "questions",
    "Your own classes": "own-classes",
    "Your own model": "own-model",
    "Wrong labels": "wrong-labels",
    "Ship it": "ship",
    "Serve it": "serve",
    "The commands": "commands",
    "The same in Python": "python",
    "Extend it without editing it": "extend",
    "Layout": "layout",
    "Measured": "measured",
    "Limits": "limits",
}
"""README's sections and the names of their pages; all of them are to be had."""

LINK = re.compile(
    r"(?<!!)\[(?P<words>[^\]\[]+)\]\((?!https?:|#)(?P<target>[^)#]+)(?P<anchor>#[^)]*)?\)"
)
STUDIES = "docs/studies"
KEPT = (".md", ".png", ".svg", ".ipynb")


def readme_pages(readme: str) -> dict[str, str]:
    """A page for every section; what is above the first one stands on the first page.

    Raises:
        ValueError: If README's sections are others than those of `SECTIONS`.
    """
    head, *rest = re.split(r"^## ", readme, flags=re.MULTILINE)
    parts = {title: body for title, _, body in (part.partition("\n") for part in rest)}
    if list(parts) != list(SECTIONS):
        raise ValueError(
            f"README has the sections {list(parts)}, site_pages.py knows {list(SECTIONS)}: "
            "a new one needs a name there and a place in build_site.py"
        )
    pages = {SECTIONS[title]: f"# {title}\n{body}" for title, body in parts.items()}
    pages["about"] = head.strip() + "\n"
    return pages


def results_table(about: str) -> str:
    """What README says first, without its title."""
    return about.partition("\n")[2].strip()


def notebook_page(path: Path) -> str:
    """A notebook's cells as Markdown, with links to the notebook and to the study it belongs to."""
    parts = []
    for cell in json.loads(path.read_text())["cells"]:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
    links = [f"[The notebook itself]({path.name})"]
    if (path.parents[1] / STUDIES / f"{path.stem}.md").is_file():
        links.append(f"[what the full study found](../{STUDIES}/{path.stem}.md)")
    parts.insert(1, ", ".join(links))
    return "\n\n".join(parts) + "\n"


def only_documents(page: str, folder: Path, root: Path) -> str:
    """Keep links to documents and pictures that are there; others (to source files) become words.

    Args:
        page: Its Markdown.
        folder: Where it lies.
        root: The folder of the site's pages, where README's sections lie.
    """

    def kept(match: re.Match[str]) -> str:
        target = folder / match["target"]
        if target.resolve() == (root / "README.md").resolve():
            section = _page_of((match["anchor"] or "").removeprefix("#"))
            return f"[{match['words']}]({os.path.relpath(root / section, folder)})"
        return match[0] if target.suffix in KEPT and target.exists() else match["words"]

    return LINK.sub(kept, page)


def _page_of(anchor: str) -> str:
    by_anchor = {title.lower().replace(" ", "-"): name for title, name in SECTIONS.items()}
    return f"{by_anchor.get(anchor, 'index')}.md"
