"""Build the site: all documents, the reference from docstrings, the studies, and the playground.

python docs/build_site.py [--output build/site] [--without-playground]

The pages are put together in a folder laid out like the repository, so that links between
documents lead to the same places; then Sphinx makes HTML of them, and any warning is an error.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import generate_cli
import reference
from ankleboot.core import plugins
from site_pages import STUDIES, notebook_page, only_documents, readme_pages, results_table

ROOT = Path(__file__).parents[1]
CARDS = (
    ("start", "Start", "Set up, train and judge in under a minute."),
    ("docs/tutorial", "Tutorial", "From the data to a model that ships, one step at a time."),
    ("docs/playground", "Playground", "The network taken apart in the browser."),
    ("photographs", "Photographs", "What garment is on my photo?"),
    ("own-classes", "Your own classes", "A folder of pictures is a data set."),
)
GUIDES = (
    *(
        "photographs",
        "pictures",
        "own-classes",
        "docs/data",
        "own-model",
        "wrong-labels",
        "understand",
        "ship",
        "serve",
    ),
    *("docs/deploy", "docs/adopt", "docs/few_images", "docs/cross_validation", "docs/labels"),
    *("docs/ensembles", "docs/scale", "docs/bulk", "docs/tune", "docs/runs"),
    "docs/devices",
    *("docs/example_pages", "extend"),
)
REFERENCE = (
    *("commands", "docs/cli", "python", "docs/cases", "docs/reliability", "layout", "limits"),
)
BACKGROUND = ("docs/design", "docs/experiments", "measured", "docs/performance")
MORE = (
    *("docs/reproduction", "docs/photos", "docs/glossary"),
    *("CHANGELOG", "CONTRIBUTING", "SECURITY", "RELEASING"),
)


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
    copies += [
        ROOT / f"{name}.md" for name in ("CHANGELOG", "CONTRIBUTING", "SECURITY", "RELEASING")
    ]
    copies += (ROOT / "src/ankleboot/models/pretrained").rglob("README.md")
    for path in copies:
        place = source / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    (source / "docs/cli.md").write_text(generate_cli.text())
    sections = readme_pages((ROOT / "README.md").read_text())
    about = sections.pop("about")
    for name, page in sections.items():
        (source / f"{name}.md").write_text(page)
    written = reference.pages()
    (source / "reference").mkdir()
    for name, page in written.items():
        (source / f"reference/{name}.md").write_text(page)
    (source / "reference/index.md").write_text(reference_index(written))
    notebooks = sorted((source / "notebooks").glob("*.ipynb"))
    for path in notebooks:
        path.with_suffix(".md").write_text(notebook_page(path))
    (source / "extra").mkdir()
    for path in source.rglob("*.md"):
        path.write_text(only_documents(path.read_text(), path.parent, source))
    (source / "index.md").write_text(index(source, about, notebooks))


def index(source: Path, about: str, notebooks: list[Path]) -> str:
    """The first page, which holds the navigation of all others."""
    pages = [f"{STUDIES}/{name}" for name in ("README", *plugins.BUILT_IN["studies"])]
    studies = [page for page in pages if (source / f"{page}.md").exists()]
    studies.append("Ask them yourself <questions>")
    answers = (pages[0], "Eight questions", "What every course says, measured.")
    cards = "".join(
        f'<a href="{page}.html"><strong>{title}</strong>{words}</a>'
        for page, title, words in (*CARDS, answers)
    )
    by_name = {path.stem: f"notebooks/{path.stem}" for path in notebooks}
    steps = [by_name.pop(name) for name in plugins.BUILT_IN["studies"] if name in by_name]
    learning = ["start", "docs/tutorial", *by_name.values()]
    models = sorted((source / "src").rglob("README.md"))
    parts = {
        "Learn": [*learning, "docs/playground"],
        "Eight questions": studies,
        "The questions, step by step": steps,
        "How to": list(GUIDES),
        "Reference": [*REFERENCE, "reference/index"],
        "Background": [*BACKGROUND, *MORE],
        "Shipped models": [str(path.relative_to(source).with_suffix("")) for path in models],
    }
    tables = [toctree(caption, pages) for caption, pages in parts.items() if pages]
    grid = f'<nav class="cards">{cards}</nav>'
    return "\n\n".join(["# Ankleboot", results_table(about), grid, *tables]) + "\n"


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
    """The shipped model's playground, beside the pages, with a link to it."""
    from ankleboot.core.silence import import_keras
    from ankleboot.data.load import load_data

    import_keras()
    from ankleboot.export.export import export_model

    export_model(Path("pretrained"), "playground", source / "extra/playground", load_data("sample"))
    page = source / "docs/playground.md"
    title, _, rest = page.read_text().partition("\n\n")
    link = '<p><a class="open" href="../playground/index.html">Open the playground</a></p>'
    page.write_text(f"{title}\n\n{link}\n\n{rest}")


if __name__ == "__main__":
    sys.exit(main())
