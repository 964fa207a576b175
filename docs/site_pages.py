"""Pages of the site: their readers, the notebooks as pages, and links between them."""

import json
import os
import re
from pathlib import Path

READERS = {
    "docs/quick_start": "everyone who is new here",
    "docs/tutorial": "learners and everyone who is new here",
    "docs/playground": "learners and teachers",
    "docs/lessons": "learners and teachers",
    "docs/teaching": "teachers",
    "docs/how_to": "everyone with a question",
    "docs/predict": "everyone with photos of clothes",
    "docs/own_classes": "builders with images of their own",
    "docs/data": "everyone with data of their own",
    "docs/few_images": "everyone with few or unequal classes",
    "docs/labels": "everyone whose labels have errors",
    "docs/adopt": "researchers and builders with a finished model",
    "docs/evaluate": "everyone who judges a model",
    "docs/cross_validation": "researchers with few images",
    "docs/ensembles": "researchers and builders",
    "docs/tune": "researchers",
    "docs/scale": "researchers with many trainings",
    "docs/runs": "researchers with many runs",
    "docs/export": "builders",
    "docs/devices": "builders of phone apps and microcontrollers",
    "docs/deploy": "builders and administrators",
    "docs/bulk": "builders with millions of images",
    "docs/example_pages": "builders of demonstrations",
    "docs/extend": "developers of packages",
    "docs/commands": "everyone on the command line",
    "docs/cli": "everyone on the command line",
    "docs/python_api": "Python programmers",
    "docs/cases": "everyone with an unusual file or folder",
    "docs/reliability": "administrators and contributors",
    "docs/glossary": "contributors and learners",
    "docs/release_notes": "everyone who is new here",
    "docs/comparison": "everyone who chooses a tool",
    "docs/measured": "researchers and builders",
    "docs/performance": "researchers and builders",
    "docs/reproduction": "researchers",
    "docs/photos": "researchers and builders",
    "docs/foreign_pictures": "researchers",
    "docs/design": "contributors",
    "docs/experiments": "contributors",
    "CHANGELOG": "users of an earlier version",
    "CONTRIBUTING": "contributors",
    "SECURITY": "administrators",
    "RELEASING": "maintainers",
}
"""Readers of each page; the folders of studies and notebooks are for learners."""

SEARCHED = {
    *("docs/cli", "docs/commands", "docs/cases", "docs/reliability", "docs/glossary"),
    *("docs/design", "docs/experiments", "CHANGELOG"),
}
"""Pages in which readers search one entry."""

WORDS_PER_MINUTE = 200
LINK = re.compile(
    r"(?<!!)\[(?P<words>[^\]\[]+)\]\((?!https?:|#)(?P<target>[^)#]+)(?P<anchor>#[^)]*)?\)"
)
STUDIES = "docs/studies"
KEPT = (".md", ".png", ".svg", ".ipynb", ".gift")


def with_readers(name: str, page: str) -> str:
    """Add a line below the title: the readers of a page, and the minutes that it takes."""
    is_lesson = name.startswith((f"{STUDIES}/", "notebooks/"))
    readers = "learners and teachers" if is_lesson else READERS.get(name)
    if readers is None:
        return page
    minutes = max(1, round(len(page.split()) / WORDS_PER_MINUTE))
    time = f"{minutes} minute{'s' if minutes > 1 else ''}"
    title, _, rest = page.partition("\n")
    return f"{title}\n\n*For {readers}. {'A reference' if name in SEARCHED else time}.*\n{rest}"


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
    """Keep links to documents and images that are there; others (to source files) become words.

    Args:
        page: Its Markdown.
        folder: Where it lies.
        root: The folder of the site's pages, whose first one holds README.
    """

    def kept(match: re.Match[str]) -> str:
        target = folder / match["target"]
        if target.resolve() == (root / "README.md").resolve():
            front = os.path.relpath(root / "index.md", folder)
            return f"[{match['words']}]({front}{match['anchor'] or ''})"
        return match[0] if target.suffix in KEPT and target.exists() else match["words"]

    return LINK.sub(kept, page)
