"""The site of `make docs`: whole, without warnings, and on its own."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import build_site
import reference
from helpers.browser import local, needs_browser, served
from site_pages import READERS, notebook_page, only_documents, with_readers

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return reference.pages()


def test_every_module_is_in_the_reference(written: dict[str, str]) -> None:
    source = ROOT / "src/ankleboot"
    names = {path.stem for path in source.iterdir() if path.suffix == ".py"}
    names |= {path.name for path in source.iterdir() if (path / "__init__.py").is_file()}
    assert set(written) == {name for name in names if not name.startswith("_")}
    for name, page in written.items():
        assert page.startswith(f"# `ankleboot.{name}`\n\n"), name
        assert len(reference.first_sentence(page)) > 10, name


def test_the_reference_has_signatures_and_what_docstrings_say(written: dict[str, str]) -> None:
    page = written["evaluation"]
    part = page.split("# expected_calibration_error\n")[1].split("\n### ")[0]
    assert "probs: Probs" in part and "**Takes**" in page and "- `model`: " in page
    assert "<https://arxiv.org/abs/1706.04599>" in part
    assert "class Recipe" in written["recipes"] and "    epochs: int" in written["recipes"]
    assert "\n### `ankleboot.data.fashion_mnist.idx`\n" in written["data"]


def test_a_docstring_about_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ankleboot").mkdir()
    (tmp_path / "ankleboot/__init__.py").write_text('"""A package."""\n')
    (tmp_path / "ankleboot/a.py").write_text(
        'def f(x: int) -> None:\n    """Do.\n\n    Args:\n        y: Not there.\n    """\n'
    )
    with pytest.raises(ValueError, match="'y' does not appear in the function signature"):
        reference.pages(tmp_path)


def test_every_page_has_its_place_and_its_readers() -> None:
    pages = {f"docs/{path.stem}" for path in (ROOT / "docs").glob("*.md")}
    placed = (*build_site.GUIDES, *build_site.REFERENCE, *build_site.BACKGROUND, *build_site.MORE)
    learning = (
        *("docs/quick_start", "docs/tutorial", "docs/playground", "docs/lessons"),
        "docs/teaching",
    )
    assert len({*placed, *learning}) == len(placed) + len(learning)
    assert {*placed, *learning} == pages | {*build_site.MORE} == set(READERS)


def test_a_page_names_its_readers_and_its_minutes() -> None:
    page = "# Data\n\n" + 100 * "one two three four "
    assert with_readers("docs/tune", page).startswith(
        "# Data\n\n*For researchers. 2 minutes.*\n\none"
    )
    assert "teachers. 1 minute.*" in with_readers("notebooks/pooling", "# Pooling\n\nWhy?\n")
    assert "line. A reference.*" in with_readers("docs/cli", page)
    assert with_readers("reference/core", page) == page


def test_the_front_page_is_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    page = build_site.index(ROOT, readme)
    opening, _, sections = readme.partition("\n## ")
    before, grid, after = page.partition('<nav class="cards">')
    start, doors, rest = re.split(r'(<nav class="cards doors">.*?</nav>\n\n)', before)
    assert grid and (start + rest).strip() == opening.strip() and sections.strip() in after
    assert start.count("```") == 2 and "make run" in start
    assert doors.count("<a ") == doors.count("<code>") == 3


def test_the_commands_of_the_starts_are_those_of_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for *_, command in build_site.DOORS:
        assert command in readme


def test_links_lead_to_pages_or_are_words(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/there.md").write_text("# There\n")
    page = (
        "[a](there.md) [b](../src/code.py) [c](https://example.org) "
        "[d](../README.md#limits) ![e](gone.png)"
    )
    expected = "[a](there.md) b [c](https://example.org) [d](../index.md#limits) ![e](gone.png)"
    assert only_documents(page, tmp_path / "docs", tmp_path) == expected


def test_the_studies_are_in_the_navigation_in_the_order_of_the_questions(tmp_path: Path) -> None:
    (tmp_path / "docs/studies").mkdir(parents=True)
    for name in ("softmax", "pooling", "README"):
        (tmp_path / f"docs/studies/{name}.md").write_text("# Study\n")
    page = build_site.index(tmp_path, "# A\n\nB")
    first, second, third, last = page.partition(":caption: Eight questions\n\n")[2].split("\n")[:4]
    assert [first, second, third] == [f"docs/studies/{n}" for n in ("README", "pooling", "softmax")]
    assert last == "docs/lessons"
    assert '<a href="docs/studies/README.html"><strong>Learn how networks see' in page


def test_every_card_leads_to_a_page_and_shows_an_image_that_exists() -> None:
    cards = [fields[:4] for fields in (*build_site.DOORS, *build_site.CARDS)]
    for page, _, _, image in cards:
        assert (ROOT / f"{page}.md").is_file(), page
        assert not image or (ROOT / image).is_file(), image
    names = [Path(image).stem for *_, image in cards if image]
    assert len(names) == len({*names}) == 6
    assert "<img" not in build_site.card("docs/tutorial", "Tutorial", "Steps.", "")
    shown = build_site.card("docs/predict", "Photos", "A garment.", "docs/images/pullover.jpg")
    assert '<img src="cards/pullover.webp" alt="" ' in shown


def test_a_notebook_is_a_page() -> None:
    page = notebook_page(ROOT / "notebooks/quickstart.ipynb")
    assert page.startswith("# Quick start") and page.count("```python\n") == 12
    assert "[The notebook itself](quickstart.ipynb)\n" in page
    lesson = notebook_page(ROOT / "notebooks/pooling.ipynb")
    assert "(pooling.ipynb), [what the full study found](../docs/studies/pooling.md)\n" in lesson


def test_notebooks_and_quizzes_are_folded_below_one_page_each(tmp_path: Path) -> None:
    notebooks = [Path(f"{name}.ipynb") for name in ("pooling", "convolutions", "quickstart")]
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "docs/studies/quizzes").mkdir(parents=True)
    (tmp_path / "docs/studies/quizzes/pooling.md").write_text("# Quiz\n")
    build_site.write_groups(tmp_path, notebooks)
    steps = (tmp_path / "notebooks/index.md").read_text()
    assert "{toctree}\nquickstart\nconvolutions\npooling\n```" in steps
    quizzes = (tmp_path / "docs/studies/quizzes/index.md").read_text()
    assert "{toctree}\npooling\n```" in quizzes
    page = build_site.index(tmp_path, "# A\n\nB")
    assert "notebooks/index\ndocs/studies/quizzes/index\ndocs/lessons\n" in page
    assert "notebooks/quickstart" not in page and "quizzes/pooling" not in page


def test_fragments_of_the_playgrounds_address_become_links() -> None:
    page = "Open `#pooling&shift=1:0`, then `#softmax`; `#` and `#No` are no views."
    expected = (
        'Open <a href="../playground/index.html#pooling&amp;shift=1:0">'
        "<code>#pooling&amp;shift=1:0</code></a>, then "
        '<a href="../playground/index.html#softmax"><code>#softmax</code></a>; '
        "`#` and `#No` are no views."
    )
    assert build_site.link_views(page) == expected


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make docs` does; a warning would have been an error."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, str(ROOT / "docs/build_site.py"), "--output", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


class Addresses(HTMLParser):
    """What a page links to and loads, and its anchors."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors.add(found.get("id", ""))
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "link":
            self.loaded.append(found.get("href", ""))
        elif "src" in found:
            self.loaded.append(found["src"])


@pytest.mark.slow
def test_every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = {path: Addresses(path.read_text()) for path in site.rglob("*.html")}
    assert len(pages) > 60
    for path, found in pages.items():
        for address in [*found.links, *found.loaded]:
            if address.startswith("data:"):
                continue
            if re.match(r"https?:|mailto:", address):
                assert address not in found.loaded, f"{path.name}: {address}"
                continue
            target, _, anchor = address.partition("#")
            anchor = anchor.partition("&")[0]  # what follows is a view of the playground
            place = (path.parent / target.partition("?")[0]).resolve() if target else path
            assert place.exists(), f"{path.name}: {address}"
            if anchor and place in pages:
                assert anchor in pages[place].anchors, f"{path.name}: {address}"


@pytest.mark.slow
@needs_browser
def test_the_site_is_complete_in_a_browser(site: Path, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("response", lambda r: faults.append(r.url) if r.status >= 400 else None)
    with served(site) as address:
        page.on("request", lambda r: None if local(r.url, address) else faults.append(r.url))
        for name in (
            "index",
            "docs/how_to",
            "docs/comparison",
            "docs/python_api",
            "docs/quick_start",
            "docs/performance",
            "docs/cli",
            "reference/recipes",
        ):
            page.goto(f"{address}{name}.html")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        page.goto(f"{address}search.html?q=temperature")
        page.wait_for_selector("#search-results li")
        page.goto(f"{address}docs/playground.html")
        page.click("a.open")
        page.wait_for_selector("body[data-ready]")
        assert page.inner_text("#prediction") == "Ankle boot"
    context.close()
    assert faults == []


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_site_works_from_the_disk(site: Path, browser: Any, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.goto((site / "index.html").as_uri())
    assert page.locator(".cards img").count() == 6
    sizes = page.eval_on_selector_all(".cards img", "all => all.map(one => one.naturalWidth)")
    assert sizes == 6 * [build_site.CARD_SIZE[0]]
    page.goto((site / "docs/playground.html").as_uri())
    page.click("a.open")
    page.wait_for_selector("body[data-ready]")
    assert page.inner_text("#prediction") == "Ankle boot"
    page.goto((site / "search.html").as_uri() + "?q=temperature")
    page.wait_for_selector("#search-results li")
    page.wait_for_function("document.body.innerText.includes('Search finished')")
    context.close()
    assert faults == []
