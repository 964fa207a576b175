"""Build the site: all documents, the reference from docstrings, the studies, and the playground.

python docs/build_site.py [--output build/site] [--without-playground]

The pages are put together in a folder laid out like the repository, so that links between
documents lead to the same places; then Sphinx makes HTML of them, and any warning is an error.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image as PillowImage
from PIL import ImageOps

import generate_cli
import reference
from ankleboot.core import plugins
from site_pages import STUDIES, notebook_page, only_documents, with_readers

ROOT = Path(__file__).parents[1]
DOORS = (
    (
        "docs/predict",
        "Label a photo",
        "What garment is it?",
        "docs/images/pullover.jpg",
        "ankleboot predict docs/images/pullover.jpg",
    ),
    (
        "docs/studies/README",
        "Learn how networks see",
        "Eight questions, measured.",
        "docs/studies/confusion-1.png",
        "ankleboot study",
    ),
    (
        "docs/own_classes",
        "Train on your own classes",
        "The page has the installation; pets stands for your folder.",
        "docs/images/web_page.png",
        "ankleboot train transfer --data pets",
    ),
)
"""Page, title, text, image and command of each start on the first page."""

CARDS = (
    (
        "docs/playground",
        "Playground",
        "Change a network in the browser.",
        "docs/images/playground.png",
    ),
    ("docs/evaluate", "Evaluation", "How good, how sure, and why?", "docs/images/report.png"),
    ("docs/deploy", "Serving", "An API and a page.", "docs/images/serve_page.png"),
    ("docs/quick_start", "Quick start", "Set up, train and evaluate in under a minute.", ""),
    ("docs/tutorial", "Tutorial", "From the data to a model that ships, step by step.", ""),
    ("docs/how_to", "Twenty questions", "What people ask most, each with its commands.", ""),
)
"""Page, title, text and image of each further card on the first page."""

PLAYGROUND = "../playground/index.html"  # from a page of docs/
VIEW = re.compile(r"`(#[a-z]+(?:&[a-z]+=[\w.:,-]+)*)`")
"""Fragment of the playground's address in a document."""

CARD_SIZE = (480, 240)
GUIDES = (
    *("docs/how_to", "docs/predict", "docs/own_classes", "docs/data", "docs/few_images"),
    "docs/labels",
    *("docs/adopt", "docs/evaluate", "docs/cross_validation", "docs/ensembles", "docs/tune"),
    *("docs/scale", "docs/runs", "docs/export", "docs/devices", "docs/deploy", "docs/bulk"),
    *("docs/example_pages", "docs/extend"),
)
REFERENCE = (
    *("docs/commands", "docs/cli", "docs/python_api", "docs/cases", "docs/reliability"),
    "docs/glossary",
)
BACKGROUND = (
    *("docs/comparison", "docs/measured", "docs/performance", "docs/reproduction", "docs/photos"),
    *("docs/foreign_pictures", "docs/release_notes", "docs/design", "docs/experiments"),
)
MORE = ("CHANGELOG", "CONTRIBUTING", "SECURITY", "RELEASING")


def main() -> int:
    """Put together and build; the exit code is Sphinx's."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=ROOT / "build/site")
    parser.add_argument("--without-playground", action="store_true")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.output, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        put_together(source)
        if not arguments.without_playground:
            playground(source)
        configuration = ["-c", str(ROOT / "docs"), "-D", "html_extra_path=" + str(source / "extra")]
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", *configuration]
        done = subprocess.run([*command, str(source), str(arguments.output)], check=False)
    if done.returncode == 0:
        print(arguments.output / "index.html")
    return done.returncode


def put_together(source: Path) -> None:
    """Write every page of the site below `source`."""
    copies = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "docs").rglob("*.png")]
    copies += [*(ROOT / "docs").rglob("*.svg"), *(ROOT / "notebooks").glob("*.ipynb")]
    copies += (ROOT / "docs").rglob("*.gift")
    copies += [ROOT / f"{name}.md" for name in MORE]
    copies += (ROOT / "src/ankleboot/models/pretrained").rglob("README.md")
    for path in copies:
        place = source / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    (source / "docs/cli.md").write_text(generate_cli.text())
    written = reference.pages()
    (source / "reference").mkdir()
    for name, page in written.items():
        (source / f"reference/{name}.md").write_text(page)
    (source / "reference/index.md").write_text(reference_index(written))
    notebooks = sorted((source / "notebooks").glob("*.ipynb"))
    for path in notebooks:
        path.with_suffix(".md").write_text(notebook_page(path))
    (source / "extra/cards").mkdir(parents=True)
    for shown in filter(None, (fields[3] for fields in (*DOORS, *CARDS))):
        with PillowImage.open(ROOT / shown) as image:
            thumbnail = ImageOps.fit(image.convert("RGB"), CARD_SIZE, centering=(0.5, 0.3))
        thumbnail.save(source / f"extra/cards/{Path(shown).stem}.webp", quality=85)
    for path in source.rglob("*.md"):
        name = path.relative_to(source).with_suffix("").as_posix()
        page = only_documents(path.read_text(), path.parent, source)
        path.write_text(with_readers(name, page))
    readme = only_documents((ROOT / "README.md").read_text(), source, source)
    write_groups(source, notebooks)
    (source / "index.md").write_text(index(source, readme))


def index(source: Path, readme: str) -> str:
    """The first page: README, links to a few pages, and the navigation of all others."""
    pages = [f"{STUDIES}/{name}" for name in ("README", *plugins.BUILT_IN["studies"])]
    studies = [page for page in pages if (source / f"{page}.md").exists()]
    models = sorted((source / "src").rglob("README.md"))
    parts = {
        "Learn": ["docs/quick_start", "docs/tutorial", "docs/playground"],
        "Eight questions": [*studies, *folded_groups(source), "docs/lessons", "docs/teaching"],
        "How to": list(GUIDES),
        "Reference": [*REFERENCE, "reference/index"],
        "Background": [*BACKGROUND, *MORE],
        "Shipped models": [str(path.relative_to(source).with_suffix("")) for path in models],
    }
    tables = [toctree(caption, pages) for caption, pages in parts.items() if pages]
    doors = f'<nav class="cards doors">{"".join(card(*fields) for fields in DOORS)}</nav>'
    grid = f'<nav class="cards">{"".join(card(*fields) for fields in CARDS)}</nav>'
    opening, mark, sections = readme.partition("\n## ")
    start, image, rest = opening.strip().partition("![")  # the doors follow `make run`
    opening = f"{start}{doors}\n\n{image}{rest}"
    return "\n\n".join([opening, grid, mark.strip() + " " + sections, *tables]) + "\n"


def write_groups(source: Path, notebooks: list[Path]) -> None:
    """Write the pages below which the navigation folds notebooks and quizzes."""
    order = [*plugins.BUILT_IN["studies"]]
    names = sorted(
        (path.stem for path in notebooks),
        key=lambda name: (order.index(name) if name in order else -1, name),
    )
    text = "The notebooks as pages: each cell's code, with what it shows."
    write_group(source / "notebooks/index.md", "Step by step", text, names)
    quizzes = [name for name in order if (source / f"{STUDIES}/quizzes/{name}.md").exists()]
    text = "Ten items on each of the eight questions, with answers."
    write_group(source / f"{STUDIES}/quizzes/index.md", "Quizzes", text, quizzes)


def write_group(path: Path, title: str, text: str, names: list[str]) -> None:
    """Write a page that lists others of its folder."""
    path.write_text("\n".join([f"# {title}", "", text, "", "```{toctree}", *names, "```", ""]))


def folded_groups(source: Path) -> list[str]:
    """Return the pages of `write_groups` that are there."""
    pages = ("notebooks/index", f"{STUDIES}/quizzes/index")
    return [page for page in pages if (source / f"{page}.md").exists()]


def card(page: str, title: str, text: str, image: str, command: str = "") -> str:
    """Return a link to a page; its image only decorates and has no text of its own."""
    name = Path(image).stem
    width, height = CARD_SIZE
    shown = f'<img src="cards/{name}.webp" alt="" width="{width}" height="{height}">'
    words = " ".join(f"<span>{word}</span>" for word in command.split())
    code = f"<code>{words}</code>" if command else ""
    return f'<a href="{page}.html"><strong>{title}</strong>{text}{code}{shown if image else ""}</a>'


def toctree(caption: str, pages: list[str]) -> str:
    """A part of the navigation."""
    lines = ["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```"]
    return "\n".join(lines)


def reference_index(written: dict[str, str]) -> str:
    """What each module is for, in a line."""
    lines = [
        f"- [ankleboot.{n}]({n}.md): {reference.first_sentence(p)}" for n, p in written.items()
    ]
    head = "# The modules\n\nFrom their docstrings. Imports point down only: see "
    head += "[design](../docs/design.md).\n"
    return "\n".join([head, *lines, "", "```{toctree}", ":hidden:", "", *written, "```", ""])


def playground(source: Path) -> None:
    """The playground of the model "pocket", beside the pages, with a link to it."""
    from ankleboot.core.silence import import_keras
    from ankleboot.data.load import load_data

    import_keras()
    from ankleboot.export.export import export_model

    export_model(Path("pocket"), "playground", source / "extra/playground", load_data("sample"))
    page = source / "docs/playground.md"
    title, _, rest = page.read_text().partition("\n\n")
    link = f'<p><a class="open" href="{PLAYGROUND}">Open the playground</a></p>'
    page.write_text(f"{title}\n\n{link}\n\n{rest}")
    for name in ("playground", "teaching"):
        page = source / f"docs/{name}.md"
        page.write_text(link_views(page.read_text()))


def link_views(page: str) -> str:
    """Link fragments of the playground's address, such as `#pooling&shift=1:0`, to their views."""
    link = rf'<a href="{PLAYGROUND}\1"><code>\1</code></a>'
    return VIEW.sub(lambda match: match.expand(link).replace("&", "&amp;"), page)


if __name__ == "__main__":
    sys.exit(main())
