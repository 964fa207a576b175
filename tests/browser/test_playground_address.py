"""The address of the playground keeps every control: a link shows what its sender saw."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import build_site
from ankleboot.data.load import load_data
from helpers.browser import needs_browser
from helpers.playground import SECTIONS, open_section, reset, visited, write_shipped

DOCUMENTS = Path(__file__).parents[2] / "docs"
NUM_STATES = 8


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = write_shipped(tmp_path_factory.mktemp("site") / "playground")
    return (folder / "index.html").as_uri()


@pytest.fixture(scope="module")
def page(browser: Any, address: str) -> Iterator[Any]:
    with visited(browser, address) as page:
        yield page


SNAPSHOT = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const transient = "#link-text, .verdict, #network-text, #train-results[hidden]";
  return {
    controls: all("select, input:not([type=file])").map((c) => `${c.id || c.ariaLabel}=${c.value}`),
    pressed: all("[aria-pressed], [aria-selected]").map(
      (b) => `${b.id}${b.ariaLabel}: ${b.ariaPressed} ${b.ariaSelected}`),
    folds: all("details").map((d) => d.open),
    hidden: all("[id]").filter((e) => e.hidden).map((e) => e.id),
    texts: all("main p, main figcaption, main td, main th, main li, .tasks span").filter(
      (e) => !e.closest(transient)).map((e) => `${e.id}: ${e.textContent}`),
    pixels: all("canvas:not(#preview, #pad, #train-results[hidden] *)").map((c) => c.toDataURL()),
    frames: all(".mark").map((mark) => mark.style.cssText),
    curves: all("polyline").map((line) => line.getAttribute("points")),
  };
}"""


def snapshot(page: Any) -> dict[str, list[Any]]:
    """Return all that the page shows, in every section."""
    page.wait_for_selector("#training[data-state=idle]", state="attached")
    taken: dict[str, list[Any]] = page.evaluate(SNAPSHOT)
    return taken


def link_of(page: Any) -> str:
    """Return the address, which Copy link writes at once."""
    page.click("#copy-link")
    link: str = page.evaluate("location.href")
    return link


def choose(page: Any, generator: random.Random, selector: str) -> None:
    options = page.locator(f"{selector} option")
    page.select_option(selector, index=generator.randrange(options.count()))


def slide(page: Any, generator: random.Random, slider: Any) -> None:
    low, high = float(slider.get_attribute("min")), float(slider.get_attribute("max"))
    step = float(slider.get_attribute("step"))
    value = low + step * generator.randrange(int((high - low) / step) + 1)
    slider.fill(f"{value:.2f}".rstrip("0").rstrip("."))


def change_convolution(page: Any, generator: random.Random) -> None:
    choose(page, generator, "#conv-layer")
    choose(page, generator, "#conv-filter")
    if page.locator("#conv-input").is_visible():
        choose(page, generator, "#conv-input")
    if generator.random() < 0.5:
        page.locator("#presets button").nth(generator.randrange(5)).click()
    cell = page.locator("#kernel input").nth(generator.randrange(9))
    cell.fill(f"{generator.uniform(-3, 3):.3f}")
    choose(page, generator, "#gallery-layer")
    page.locator("#conv-out").focus()
    for key in generator.choices(["ArrowLeft", "ArrowUp", "ArrowDown"], k=3):
        page.keyboard.press(key)


def change_pooling(page: Any, generator: random.Random) -> None:
    for name in ("layer", "map", "by", "window", "stride"):
        if page.locator(f"#pool-{name}").is_enabled():
            choose(page, generator, f"#pool-{name}")
    slide(page, generator, page.locator("#shift-x"))
    slide(page, generator, page.locator("#shift-y"))
    page.locator("#pool-out").focus()
    page.keyboard.press(generator.choice(["ArrowLeft", "ArrowUp"]))


def change_filters(page: Any, generator: random.Random) -> None:
    for _ in range(2):
        choose(page, generator, "#off-layer")
        filters = page.locator("#off-gallery button")
        filters.nth(generator.randrange(filters.count())).click()
    if generator.random() < 0.5:
        page.click("#off-each")


def change_softmax(page: Any, generator: random.Random) -> None:
    choose(page, generator, "#true-class")
    slide(page, generator, page.locator("#temperature"))
    slide(page, generator, page.locator("#constant"))
    slide(page, generator, page.locator("#logits input").nth(generator.randrange(10)))


def change_training(page: Any, generator: random.Random) -> None:
    for name in ("units", "rate", "dropout", "seed"):
        choose(page, generator, f"#train-{name}")
    page.select_option("#train-images", "50")
    page.select_option("#train-kind", generator.choice(["dense", "linear"]))
    page.locator("#train-epochs").fill(str(generator.randint(1, 3)))
    if generator.random() < 0.5:
        page.click("#train-start")
        page.wait_for_selector("#training[data-state=idle]")


CHANGES = {
    "convolution": change_convolution,
    "pooling": change_pooling,
    "filters": change_filters,
    "softmax": change_softmax,
    "training": change_training,
}


def change_at_random(page: Any, seed: int) -> None:
    generator = random.Random(seed)
    page.locator("#samples button").nth(generator.randrange(20)).click()
    if generator.random() < 0.3:
        page.click("#tab-draw")
    for section in generator.sample(SECTIONS, k=generator.randint(1, 5)):
        open_section(page, section)
        CHANGES[section](page, generator)
    hint = page.locator("details summary:visible")
    if generator.random() < 0.5 and hint.count():
        hint.click()


@needs_browser
@pytest.mark.parametrize(
    "seed", [0, 1, 2, *(pytest.param(n, marks=pytest.mark.slow) for n in range(3, NUM_STATES))]
)
def test_a_link_shows_what_its_sender_saw(seed: int, page: Any, browser: Any) -> None:
    reset(page)
    change_at_random(page, seed)
    if seed % 2:
        page.evaluate("document.querySelector('#task-3-check').click()")
    link, expected = link_of(page), snapshot(page)
    assert len(link) < 2_000
    with visited(browser, link) as fresh:
        taken = snapshot(fresh)
        assert link_of(fresh) == link
    reset(page, link.partition("#")[2])
    again = snapshot(page)
    for name in expected:
        assert taken[name] == expected[name] == again[name], link


@needs_browser
def test_start_over_clears_the_address(page: Any) -> None:
    reset(page)
    page.wait_for_selector("#undo", state="hidden")  # the test before may go on
    fresh = snapshot(page)
    change_at_random(page, 0)
    link_of(page)
    page.click("#start-over")
    page.wait_for_selector("#undo", state="hidden")
    assert snapshot(page) == fresh
    assert "#" not in link_of(page)


@needs_browser
def test_the_address_follows_without_a_click(page: Any) -> None:
    reset(page, "pooling")
    page.locator("#shift-x").fill("1")
    page.wait_for_url("**#pooling&shift=1:0*")


@needs_browser
def test_an_own_image_is_part_of_the_link(page: Any, browser: Any, tmp_path: Path) -> None:
    image = 255 - np.pad(load_data("sample").test.images[3], 4)
    Image.fromarray(image).resize((150, 150)).convert("RGB").save(tmp_path / "mine.png")
    reset(page)
    page.set_input_files("#file", tmp_path / "mine.png")
    page.wait_for_selector("#preview:visible")
    taken = "c => c.toDataURL()"
    expected, link = page.locator("#model-input").evaluate(taken), link_of(page)
    with visited(browser, link) as fresh:
        assert fresh.locator("#model-input").evaluate(taken) == expected


@needs_browser
def test_solved_tasks_and_open_hints_are_part_of_the_link(page: Any) -> None:
    reset(page, "solved=1:3&hints=2&pooling")
    marks = [page.inner_text(f"#task-{number}-mark") for number in (1, 2, 3)]
    assert marks == ["✓ solved", "open", "✓ solved"]
    open_section(page, "pooling")
    assert page.locator("#task-2-hint").evaluate("hint => hint.open")
    assert link_of(page).endswith("#pooling&solved=1:3&hints=2")


MALFORMED = (
    "nowhere&sample=99&image=%%&conv=9:99&at=-5:x&maps=7&input=12",
    "sample=-1&kernel=0:1:2,1:-4:3,1:99999:1,1:0:,x&pool=2:least:2:2,1:max:2:2,2:max:99:0",
    "off=2:999,99:1,4:0&shift=50:0&pooling=-1:3&window=900:1&layer=9",
    "logits=99:1,0:x&temperature=hot&plus=1e99&truth=77&kind=huge&units=5&trained=-3&epochs=0",
    "solved=0:9:1:x&hints=7&__proto__=1&constructor=2&=&&&===",
    "shift=1:1:1&shift=2:1&image=AAAA&tab=other",
)


@needs_browser
@pytest.mark.parametrize("fragment", MALFORMED)
def test_malformed_addresses_are_ignored(fragment: str, address: str, browser: Any) -> None:
    with visited(browser, f"{address}#{fragment}") as fresh:
        assert fresh.inner_text("#prediction") == "Ankle boot"
        link = link_of(fresh)
        assert len(link.partition("#")[2]) < 60, link
        assert link == link_of(fresh)


TEXT = "".join((DOCUMENTS / f"{name}.md").read_text() for name in ("playground", "teaching"))
VIEWS = sorted({*build_site.VIEW.findall(TEXT)})


@needs_browser
@pytest.mark.parametrize("view", VIEWS)
def test_views_in_the_documents_are_whole_addresses(view: str, page: Any) -> None:
    """A name or value that the page does not know would vanish from the address."""
    reset(page, view.removeprefix("#"))
    assert link_of(page).partition("#")[2] == view.removeprefix("#")


@needs_browser
def test_another_network_is_left_out_of_the_link(
    page: Any, address: str, browser: Any, tmp_path: Path
) -> None:
    other = tmp_path / "mine.json"
    other.write_bytes((Path(address.removeprefix("file://")).parent / "network.json").read_bytes())
    with visited(browser, address) as fresh:
        fresh.set_input_files("#network-file", other)
        fresh.wait_for_selector("#network-text:has-text('A link to this page leaves it out')")
        fresh.locator("#samples button").nth(2).click()
        open_section(fresh, "pooling")
        assert link_of(fresh).partition("#")[2] == "pooling"
        reset(fresh, "sample=4")
        assert link_of(fresh).partition("#")[2] == "sample=4"
