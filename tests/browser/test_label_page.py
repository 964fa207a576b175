"""The label page in a browser, by keyboard alone; the answers are the truth."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ankleboot.data.label_file import read_label_file
from helpers.accessibility import severe_faults
from helpers.browser import needs_browser
from helpers.images import write_image_folder
from helpers.labeling import Page, label_page, load_planted, planted_folder, planted_queue

pytestmark = needs_browser

WIDER_THAN_THE_PAGE = """() => [...document.querySelectorAll("body *")]
    .filter((element) => element.getBoundingClientRect().right > innerWidth)
    .map((element) => element.outerHTML)"""

CLASSES = {"cat": 12, "dog": 12, "owl": 12}


@contextmanager
def opened(browser: Any, address: str, width: int = 390) -> Iterator[Any]:
    """The page; script errors and what its policy forbids fail the test."""
    context = browser.new_context(viewport={"width": width, "height": 844})
    page = context.new_page()
    page.set_default_timeout(15_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
    page.goto(address)
    try:
        yield page
    finally:
        context.close()
    assert [fault for fault in faults if "Failed to load resource" not in fault] == []


@pytest.fixture
def planted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Page, dict[str, str]]]:
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    folder, right = planted_folder(tmp_path / "pets", CLASSES, moved=6)
    with label_page(planted_queue(monkeypatch, folder), folder / "labels.csv") as page:
        yield page, right


def settled(page: Any, name: str) -> None:
    """Wait for an image to be shown."""
    page.wait_for_function(
        """name => document.getElementById("name").textContent === name
            && document.getElementById("image").complete""",
        arg=name,
    )


def shown(page: Any) -> str:
    page.wait_for_function("() => document.getElementById('name').textContent !== ''")
    name: str = page.text_content("#name")
    return name


def moved_on(page: Any, name: str) -> None:
    page.wait_for_function("name => document.getElementById('name').textContent !== name", arg=name)


def stored(page: Any, number: int) -> None:
    """Wait until the page says that so many images are decided."""
    page.locator(f"#status:has-text('{number} of ')").wait_for()


def test_a_pass_by_keyboard_finds_what_was_planted(
    browser: Any, planted: tuple[Page, dict[str, str]]
) -> None:
    served, right = planted
    keys = {name: str(number + 1) for number, name in enumerate(CLASSES)}
    with opened(browser, served.address) as page:
        for _ in range(12):  # twice as many as are planted
            name = shown(page)
            page.keyboard.press(keys[right[name]] if name in right else "Space")
            moved_on(page, name)
        stored(page, 12)
        status = page.text_content("#status")
        assert status == "12 of 36 decided · 6 of 6 suspects · 6 changed · 6 kept · 0 not usable"
        assert "key" not in page.url
        assert page.evaluate(WIDER_THAN_THE_PAGE) == []
    _, decisions = read_label_file(served.labels)
    assert {d.path: d.label for d in decisions if d.label != d.old_label} == right


def test_every_key_does_what_it_says(browser: Any, planted: tuple[Page, dict[str, str]]) -> None:
    served, right = planted
    with opened(browser, served.address, 1280) as page:
        first = shown(page)
        assert page.locator("#label.doubtful").count() == 1
        page.keyboard.press("ArrowRight")
        moved_on(page, first)
        second = shown(page)
        page.keyboard.press("ArrowLeft")
        settled(page, first)
        page.keyboard.press("n")
        settled(page, second)
        page.keyboard.press("Enter")  # the predicted class
        moved_on(page, second)
        stored(page, 2)
        assert {d.path: d.label for d in read_label_file(served.labels)[1]} == {
            first: "",
            second: right[second],
        }
        page.keyboard.press("u")
        settled(page, second)
        page.keyboard.press("u")
        settled(page, first)
        stored(page, 0)
        assert read_label_file(served.labels)[1] == ()
        page.keyboard.press("u")
        page.locator("#fault:has-text('no decision about these images')").wait_for()
        page.click("#choices button:has-text('owl')")  # and by hand
        settled(page, second)
        stored(page, 1)
        assert read_label_file(served.labels)[1][0].label == "owl"
        page.click("#undo")
        settled(page, first)
        assert page.locator("#neighbors li").count() == 6


@pytest.mark.parametrize("width", [390, 1280])
def test_no_view_has_a_severe_accessibility_fault(
    browser: Any, planted: tuple[Page, dict[str, str]], width: int
) -> None:
    served, _ = planted
    with opened(browser, served.address, width) as page:
        name = shown(page)
        assert severe_faults(page) == []
        page.keyboard.press("n")
        moved_on(page, name)
        page.click("#tab-classes")
        page.locator("#grid button").first.click()
        assert severe_faults(page) == []


def test_many_classes_have_a_search(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    classes = {f"kind{number}": 5 for number in range(40)}
    folder = write_image_folder(tmp_path / "kinds", classes)
    queue = planted_queue(monkeypatch, folder)
    with (
        label_page(queue, folder / "labels.csv") as served,
        opened(browser, served.address) as page,
    ):
        name = shown(page)
        page.keyboard.press("/")
        page.keyboard.type("kind3n")  # n is a letter here
        page.locator("#no-match").wait_for()
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        page.keyboard.type("kind37")
        page.keyboard.press("Enter")
        moved_on(page, name)
        stored(page, 1)
        assert read_label_file(served.labels)[1][0].label == "kind37"
        name = shown(page)
        page.keyboard.press("a")  # the eleventh class
        moved_on(page, name)
        stored(page, 2)
        assert read_label_file(served.labels)[1][1].label == "kind10"


def test_a_whole_class_is_accepted_but_for_those_chosen(
    browser: Any, planted: tuple[Page, dict[str, str]]
) -> None:
    served, right = planted
    with opened(browser, served.address) as page:
        shown(page)
        page.click("#tab-classes")
        page.select_option("#class-select", "dog")
        page.locator("#accept:has-text('Accept 12 as dog')").wait_for()
        wrong = [name for name in right if name.startswith("dog/")]
        for name in wrong:
            page.click(f"#grid button:has(.file[title='{name}'])")
        page.click("#accept")
        page.locator(f"#accept:has-text('Accept {len(wrong)} as dog')").wait_for()
        left = page.locator("#grid .file").evaluate_all("all => all.map(e => e.title)")
        assert sorted(left) == sorted(wrong)
        with page.expect_download() as download:
            page.click("#export")
        assert Path(download.value.path()).read_text().count("\n") == 37
        page.click("#tab-single")
        shown(page)
    decided = {decision.path for decision in read_label_file(served.labels)[1]}
    assert len(decided) == 12 - len(wrong) and not decided & set(right)


def test_new_images_come_most_uncertain_first_and_space_skips(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ankleboot.training.label_queue import new_image_queue

    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    folder, _ = planted_folder(tmp_path / "pets", CLASSES, moved=0)
    planted_queue(monkeypatch, folder)
    new = write_image_folder(tmp_path / "new", {"x": 4, "y": 4}, seed=5)
    queue = new_image_queue(load_planted(folder), new, lambda line: None)
    with (
        label_page(queue, new / "labels.csv", is_new=True) as served,
        opened(browser, served.address) as page,
    ):
        first = shown(page)
        assert first == queue.shown.names[queue.order[0]]
        assert page.text_content("#label") == "No label yet"
        page.keyboard.press("Space")
        moved_on(page, first)
        second = shown(page)
        page.keyboard.press("3")
        moved_on(page, second)
        stored(page, 1)
    assert [(d.path, d.label) for d in read_label_file(served.labels)[1]] == [(second, "owl")]


def test_without_the_key_the_page_says_what_to_open(
    browser: Any, planted: tuple[Page, dict[str, str]]
) -> None:
    served, _ = planted
    with opened(browser, served.root) as page:
        page.locator("#fault:has-text('Open the address that ankleboot label printed')").wait_for()


def test_a_server_that_ended_is_named(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    folder, _ = planted_folder(tmp_path / "pets", CLASSES, moved=2)
    queue = planted_queue(monkeypatch, folder)
    with label_page(queue, folder / "labels.csv") as served:
        address = served.address
        with opened(browser, address) as page:
            shown(page)
            page.wait_for_load_state("networkidle")
            page.route("**/api/**", lambda route: route.abort())
            page.keyboard.press("n")
            page.locator("#fault:has-text('The server does not respond')").wait_for()
