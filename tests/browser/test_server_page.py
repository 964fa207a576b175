"""The page of `ankleboot serve` in a browser, against the real server."""

import ast
import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.data.load import load_data
from ankleboot.inference.decide import Prediction
from ankleboot.inference.predict import predict_files
from ankleboot.inference.router import ModelRouter, load_router
from ankleboot.models.pretrained import catalog
from ankleboot.web.markdown import render_markdown
from ankleboot.web.render import SHARED, WEB
from helpers.accessibility import severe_faults
from helpers.browser import headline, launched, needs_browser, scene

PAGE = WEB / "server_page"
MAX_FIRST_BYTES = 150_000  # of all responses before an image is chosen, with their headers
MAX_ABOUT_HEIGHTS = {390: 3_000, 1280: 1_900}  # pixels by width of the screen, with closed folds
MAX_FIRST_PAINT_MS = 3_000  # 0.5 s on two busy cores; CI may be busier
COMMAND = [sys.executable, "-m", "ankleboot", "serve", "--port", "0", "--json", "--log", "off"]
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Run the server with its default models."""
    server = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        ready = "".join(iter(server.stdout.readline, "}\n"))
        yield json.loads(ready + "}")["url"] + "/"
    finally:
        server.terminate()
        server.communicate(timeout=20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium with a camera."""
    with launched(
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"
    ) as browser:
        yield browser


@contextmanager
def visited(
    browser: Any,
    address: str,
    section: str = "single",
    *,
    width: int = 1280,
    refused: int | None = 0,
    prepare: Callable[[Any], None] = lambda page: None,
) -> Iterator[Any]:
    """A page of a fresh browser.

    The test fails on script errors, on what the page's policy forbids, on requests to another
    host, and on another number of requests that fail; None for any number.
    """
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.set_default_timeout(15_000)
    faults: list[str] = []
    failed: list[str] = []

    def hear(message: Any) -> None:
        if "Failed to load resource" in message.text:
            failed.append(message.text)
        elif message.type in ("error", "warning"):
            faults.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    page.on("request", lambda r: None if is_local(r.url, address) else faults.append(r.url))
    prepare(page)
    page.goto(f"{address}#{section}")
    try:
        yield page
    finally:
        context.close()
    assert faults == []
    assert refused is None or len(failed) == refused, failed


def is_local(url: str, address: str) -> bool:
    return url.startswith((address, f"blob:{address}", "data:"))


@pytest.fixture(scope="module")
def shared_page(browser: Any, address: str) -> Iterator[Any]:
    """Open the page once; tests that share it leave it in a usable state."""
    with visited(browser, address) as page:
        ready(page)
        yield page


@pytest.fixture
def page(shared_page: Any) -> Any:
    """Return the shared page with the first sample classified and explained."""
    shared_page.click("#tab-single")
    if shared_page.locator("#draw-close").is_visible():
        shared_page.click("#draw-close")
    shared_page.locator("#samples button").first.click()
    shared_page.locator("#models [role=radio]").first.click()
    shared_page.locator("#prediction:text-is('T-shirt/top')").wait_for()
    settled(shared_page)
    return shared_page


def ready(page: Any) -> None:
    """Wait for the samples, and open all folds."""
    page.locator("#samples button").first.wait_for()
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")


def settled(page: Any) -> None:
    """Wait for all predictions and the explanation."""
    page.locator("#result:not(.busy)").wait_for()
    page.locator("#models:not(:has(.busy))").wait_for(state="attached")
    page.locator("#panel-single:not(.explaining)").wait_for()
    page.locator("#occlusion").wait_for()


@pytest.fixture(scope="module")
def photograph() -> Path:
    """Return an image like a pullover on a floor."""
    return SHARED / "example_photo.jpg"


def hold(page: Any, path: str) -> list[Any]:
    """Return the requests of the API to this path, which wait from now on."""
    held: list[Any] = []
    page.route(f"**/v1/{path}", lambda route: held.append(route))
    return held


def of_data_set(number: int, path: Path) -> Path:
    Image.fromarray(load_data("sample").test.images[number]).save(path)
    return path


@cache
def experts(model: str) -> ModelRouter:
    return load_router(Path(model))


def said_by(model: str, path: Path) -> Prediction:
    [said] = predict_files(experts(model), [path])
    assert isinstance(said, Prediction)
    return said


def percent_of(text: str) -> float:
    return float(text.removeprefix(">").removesuffix(" %"))


PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
TRANSFERRED = """[...performance.getEntriesByType("navigation"),
    ...performance.getEntriesByType("resource")].reduce((sum, { transferSize }) =>
    sum + transferSize, 0)"""


@needs_browser
def test_the_first_screen_is_small_and_asks_for_one_thing(browser: Any, address: str) -> None:
    asked: list[str] = []

    def prepare(page: Any) -> None:
        page.on("request", lambda request: asked.append(request.url))

    with visited(browser, address, prepare=prepare) as page:
        ready(page)
        page.wait_for_function(f"{PAINTED} > 0")
        assert page.evaluate(PAINTED) < MAX_FIRST_PAINT_MS
        assert 50_000 < page.evaluate(TRANSFERRED) < MAX_FIRST_BYTES
        assert page.title() == "Which garment is this? · pretrained · Ankleboot"
        assert page.locator("button.primary:visible").all_inner_texts() == ["Choose a photo"]
        assert page.locator("#result").is_hidden()
        assert not [url for url in asked if "/v1/predict" in url]


@needs_browser
def test_the_example_photo_is_classified_by_keyboard(browser: Any, address: str) -> None:
    with visited(browser, address) as page:
        page.locator("#samples button").first.wait_for()
        reached = []
        page.locator("#tab-single").focus()
        for _ in range(4):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.id"))
        assert reached == ["choose", "photograph", "draw", "example"]
        page.keyboard.press("Enter")
        page.locator("#prediction:text-is('Pullover')").wait_for()
        assert page.locator(".answer[role=status]").inner_text().startswith("Pullover")
        page.locator("#classes-fold summary").focus()
        page.keyboard.press("Enter")
        assert page.locator("#bars li.first .name").inner_text() == "Pullover"


@needs_browser
@pytest.mark.parametrize(
    ("cause", "reason", "title", "advice"),
    [
        ("several", "more than one garment on the photo", None, "one garment at a time"),
        ("declined", "not one of the ten kinds of garment (most like shorts)",
         "Something else, most like shorts", "T-shirt/top, Trouser, Pullover"),
        ("missing", "no garment found on the photo", None, "Show one whole garment"),
    ],
)  # fmt: skip
def test_a_declined_photo_gets_a_sentence_and_advice(
    browser: Any, address: str, cause: str, reason: str, title: str | None, advice: str
) -> None:
    def decline(route: Any) -> None:
        document = route.fetch().json()
        document["predictions"][0] |= {"abstained": True, "cause": cause, "reason": reason}
        route.fulfill(json=document)

    def prepare(page: Any) -> None:
        page.route("**/v1/predict**", decline)

    with visited(browser, address, prepare=prepare) as page:
        page.click("#example")
        page.locator("#timing:has-text('Predicted')").wait_for()
        words = page.locator(".answer").inner_text()
        assert words.startswith(title or reason.capitalize()) and advice in words
        assert "%" not in words
        page.locator("#models-fold summary").click()
        assert "Pullover" not in page.locator("#models").inner_text()
        page.set_input_files("#batch-files", [Path("docs/images/pullover.jpg")])
        page.click("#tab-batch")
        page.locator("#batch-status:has-text('All ')").wait_for()
        assert page.locator("#batch-rows .number").inner_text() == ""


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_several_garments_are_numbered_and_listed(
    browser: Any, address: str, width: int, tmp_path: Path
) -> None:
    boxes = [(0.1, 0.2, 0.3, 0.5), (0.5, 0.25, 0.4, 0.6), (0.92, 0.0, 0.08, 0.1)]
    answers: list[dict[str, Any]] = [
        {"label": "Shirt", "confidence": 0.991, "reason": None, "cause": None},
        {"label": "Coat", "confidence": 0.5, "reason": "not sure of Coat", "cause": "unsure"},
        {"label": "Bag", "confidence": 0.2,
         "reason": "not one of the ten kinds of garment (most like hat)", "cause": "declined"},
    ]  # fmt: skip
    garments = [
        {"box": dict(zip(("left", "top", "width", "height"), box, strict=True)), **answer}
        | {"abstained": answer["cause"] is not None}
        for box, answer in zip(boxes, answers, strict=True)
    ]
    several = {"abstained": True, "cause": "several", "garments": garments}
    several["reason"] = "more than one garment on the photo"

    def separate(route: Any) -> None:
        document = route.fetch().json()
        document.get("prediction", document.get("predictions", [{}])[0]).update(several)
        route.fulfill(json=document)

    def prepare(page: Any) -> None:
        page.route("**/v1/predict**", separate)
        page.route("**/v1/explain**", separate)

    with visited(browser, address, width=width, prepare=prepare) as page:
        Image.fromarray(scene(300, 280, 0)).save(tmp_path / "a.png")
        page.set_input_files("#file", tmp_path / "a.png")
        page.locator("#timing:has-text('Predicted')").wait_for()
        settled(page)
        rows = [
            row.replace("\u00a0", " ") for row in page.locator("#garments li").all_inner_texts()
        ]
        assert rows == [
            "Shirt Very sure: 99.1 %",
            "Not sure of Coat Best guess: Coat, 50.0 %",
            "Something else, most like hat",
        ]
        labels = page.locator("#preview-frame .box").all_inner_texts()
        assert labels == ["1 Shirt", "2 Coat?", "3"]
        assert page.locator("#way li:first-child .box").all_inner_texts() == ["1", "2", "3"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert severe_faults(page) == []


@needs_browser
@pytest.mark.parametrize(
    ("classes", "purpose"),
    [
        (["slim", "wide", "flared"], "classifies an image as slim, wide or flared."),
        ([f"kind {i}" for i in range(12)], "classifies an image as one of 12 classes."),
    ],
)
def test_own_classes_are_named_by_their_data(
    browser: Any, address: str, classes: list[str], purpose: str
) -> None:
    def own(route: Any) -> None:
        document = route.fetch().json()
        model = document["models"][0]
        model |= {"data": "closet/", "classes": classes, "crop": "none", "photo": None}
        model |= {"metrics": {}, "card": "", "card_html": ""}
        document["models"] = [model]
        route.fulfill(json=document)

    def prepare(page: Any) -> None:
        page.route("**/v1/model", own)

    with visited(browser, address, prepare=prepare) as page:
        page.locator("#title:text-is('closet')").wait_for()
        assert page.title() == "closet · Ankleboot"
        assert page.locator("#purpose").inner_text().endswith(purpose)
        words = page.locator("body").inner_text()
        assert not any(word in words for word in ("garment", "clothing", "Fashion-MNIST"))
        assert page.locator("#draw").is_hidden() and page.locator("#samples-box").is_hidden()


@needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_no_section_has_a_severe_accessibility_fault(
    browser: Any, address: str, width: int
) -> None:
    with visited(browser, address, width=width) as page:
        ready(page)
        assert severe_faults(page) == []
        page.click("#example")
        settled(page)
        assert severe_faults(page) == []
        page.click("#draw")
        assert severe_faults(page) == []
        page.click("#tab-batch")
        page.set_input_files("#batch-files", [Path("docs/images/pullover.jpg")])
        page.locator("#batch-status:has-text('All ')").wait_for()
        assert severe_faults(page) == []
        page.click("#tab-about")
        assert severe_faults(page) == []
        page.evaluate("document.getElementById('key-dialog').showModal()")
        assert severe_faults(page) == []


@needs_browser
def test_a_photograph_is_classified_and_explained(page: Any, photograph: Path) -> None:
    said = said_by("pretrained", photograph)
    assert said.reason is None
    page.set_input_files("#file", photograph)
    page.locator("#steps-fold").wait_for()
    settled(page)
    assert page.locator("#prediction").inner_text() == said.label
    rows = dict(
        zip(
            page.locator("#bars .name").all_inner_texts(),
            page.locator("#bars .probability").all_inner_texts(),
            strict=True,
        )
    )
    assert [*rows] == [*CLASS_NAMES, "None of these"]
    for label, share in said.probs.items():
        assert percent_of(rows[label]) == pytest.approx(100 * share, abs=0.1)
    captions = page.locator("#steps-list figcaption").all_inner_texts()
    inputs = ["Model input: garment, 224 × 224", "Model input: photo, 224 × 224"]
    assert captions == ["Photo", "Garment found", *inputs, "28 × 28 pixels"]
    beside = page.locator("#way figcaption").all_inner_texts()
    assert beside == ["Photo", *inputs]
    assert "224 × 224 pixels in color" in page.locator("#steps-text").inner_text()
    assert page.locator("#confidence").inner_text().startswith(("Sure: ", "Very sure: "))
    assert said.label in page.locator("#occlusion-text").inner_text()
    assert page.locator("#neighbors-list li").count() == 5
    assert page.locator("#preview").is_visible()


@needs_browser
def test_the_opacity_of_the_map_can_be_changed(page: Any) -> None:
    overlay = page.locator("#occlusion-map")
    page.locator("#occlusion-strength").fill("0")
    assert overlay.evaluate("one => getComputedStyle(one).opacity") == "0"


@needs_browser
def test_a_sample_is_classified(page: Any) -> None:
    page.locator("#samples button").nth(9).click()
    page.locator("#prediction:text-is('Ankle boot')").wait_for()
    settled(page)
    assert page.locator("#way figcaption").all_inner_texts() == ["Model input: 28 × 28"]
    assert page.locator("#steps-fold").is_hidden()  # there are no others


@needs_browser
def test_a_drawing_is_classified_and_cleared(page: Any) -> None:
    page.click("#draw")
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 130, box["y"] + 30)
    page.mouse.down()
    for x, y in ((130, 250), (150, 250), (150, 30), (170, 30), (170, 250)):
        page.mouse.move(box["x"] + x, box["y"] + y, steps=3)
    with page.expect_response("**/v1/predict**"):
        page.mouse.up()
    page.locator("#way figcaption:text-is('Model input: 28 × 28')").wait_for()
    page.click("#clear")
    page.locator("#prediction:has-text('The image is of one color')").wait_for()


@needs_browser
def test_models_are_compared_about_one_picture(page: Any, photograph: Path) -> None:
    names = ["pretrained", "zero-shot"]
    page.set_input_files("#file", photograph)
    page.locator("#steps-fold").wait_for()
    settled(page)
    chips = page.locator("#models [role=radio]")
    assert chips.locator(".model-name").all_inner_texts() == names
    for chip, name in zip(chips.all(), names, strict=True):
        said = said_by(name, photograph)
        words = chip.locator(".model-prediction").inner_text()
        assert words.startswith(said.label if said.reason is None else said.reason.capitalize())
        assert chip.locator(".mini .name").first.inner_text() == said.label
    chips.nth(0).press("ArrowRight")
    page.locator(f"#prediction:text-is('{headline(said)}')").wait_for()
    page.locator("#timing:has-text('by zero-shot')").wait_for()
    assert chips.nth(1).get_attribute("aria-checked") == "true"


@needs_browser
@pytest.mark.parametrize("way", ["drop", "paste"])
def test_an_image_can_be_dropped_and_pasted(page: Any, tmp_path: Path, way: str) -> None:
    content = of_data_set(3, tmp_path / "a.png").read_bytes()
    said = said_by("pretrained", tmp_path / "a.png")
    page.evaluate(
        """([way, bytes]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([Uint8Array.from(bytes)], "a.png", { type: "image/png" }));
          const event = way === "drop"
            ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
            : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true });
          document.querySelector("#drop").dispatchEvent(event);
        }""",
        [way, list(content)],
    )
    page.locator(f"#prediction:text-is('{headline(said)}')").wait_for()
    assert page.locator("#preview").is_visible()


@needs_browser
def test_a_computers_camera_can_be_used(page: Any) -> None:
    page.click("#photograph")
    page.locator("#live").wait_for()
    page.click("#camera-close")
    assert page.locator("#drop").is_visible()
    page.click("#photograph")
    page.click("#shoot")
    page.locator("#preview").wait_for()
    page.locator("#steps-text:has-text('224 × 224 pixels')").wait_for()
    assert page.locator("#live-box").is_hidden()


@needs_browser
def test_a_prediction_for_an_older_image_is_dropped(page: Any, tmp_path: Path) -> None:
    cancelled: list[str] = []
    page.on("requestfailed", lambda request: cancelled.append(request.url.partition("/v1/")[2]))
    page.route("**/v1/predict**", lambda route: None, times=2)  # never answered
    with page.expect_request("**/v1/predict?model=zero-shot"):
        page.set_input_files("#file", of_data_set(0, tmp_path / "old.png"))
    page.locator("#samples button").nth(1).click()
    page.locator("#prediction:text-is('Trouser')").wait_for()
    settled(page)
    predictions = [path for path in cancelled if path.startswith("predict")]
    assert sorted(predictions) == ["predict?model=pretrained", "predict?model=zero-shot"]


@needs_browser
def test_an_image_is_explained_once(page: Any) -> None:
    """A model is selected, and explained, while another one still predicts."""
    predictions, explanations = hold(page, "predict?model=zero-shot"), hold(page, "explain**")
    page.locator("#samples button").nth(1).click()
    page.locator("#prediction:text-is('Trouser')").wait_for()
    with page.expect_request("**/v1/explain**"):
        page.locator("#models [role=radio]").first.click()
    predictions[0].continue_()
    page.locator("#models .model:not(.busy)").nth(1).wait_for()
    explanations[0].continue_()
    settled(page)
    page.unroute_all()
    assert len(explanations) == 1


DROP_TWO = """() => {
  const dataTransfer = new DataTransfer();
  for (const name of ["a.png", "b.png"]) {
    dataTransfer.items.add(new File([new Uint8Array(9)], name, { type: "image/png" }));
  }
  const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
  document.querySelector("#drop").dispatchEvent(event);
  return event.defaultPrevented;
}"""


@needs_browser
def test_images_that_come_before_the_models_wait_for_them(
    browser: Any, address: str, tmp_path: Path
) -> None:
    held: list[list[Any]] = []
    path = of_data_set(1, tmp_path / "a.png")
    with visited(
        browser, address, refused=2, prepare=lambda page: held.append(hold(page, "model"))
    ) as page:
        page.set_input_files("#file", path)
        page.locator("#preview").wait_for()
        assert page.evaluate(DROP_TWO)  # else the browser shows the file in place of the page
        page.locator("#batch-hint:text-is('Waiting for the models …')").wait_for()
        page.click("#tab-single")
        held[0][0].continue_()
        page.locator(f"#prediction:text-is('{said_by('pretrained', path).label}')").wait_for()
        page.click("#tab-batch")
        page.locator("#batch-status:text-is('All 2 done, 2 failed.')").wait_for()
        assert page.locator("#batch-hint").inner_text().startswith("The page sends four images")


@needs_browser
def test_models_that_cannot_be_had_are_reported(browser: Any, address: str, tmp_path: Path) -> None:
    def prepare(page: Any) -> None:
        page.route("**/v1/model", lambda route: route.abort())

    path = of_data_set(1, tmp_path / "a.png")
    reason = "The server does not respond. Reload the page to try again."
    with visited(browser, address, refused=1, prepare=prepare) as page:
        page.locator("#prediction:text-is('Not ready')").wait_for()
        page.set_input_files("#file", path)
        page.locator("#preview").wait_for()
        page.locator("#result:not(.busy)").wait_for()
        assert page.locator("#confidence").inner_text() == reason
        page.click("#tab-batch")
        assert page.locator("#batch-hint").inner_text() == reason
        page.evaluate("document.getElementById('batch-hint').textContent = 'No images'")
        page.set_input_files("#batch-files", path)
        page.locator(f"#batch-hint:text-is('{reason}')").wait_for()


@needs_browser
def test_an_older_explanation_is_dimmed_from_the_new_prediction_on(page: Any) -> None:
    page.route("**/v1/predict?model=zero-shot", lambda route: None, times=1)  # never answered
    page.locator("#samples button").nth(1).click()
    page.locator("#prediction:text-is('Trouser')").wait_for()
    page.locator("#result:not(.busy)").wait_for()
    assert page.locator("#occlusion").is_visible()  # that of the first sample
    assert page.locator("#panel-single.explaining").count() == 1


@needs_browser
def test_an_unreadable_image_is_reported(
    browser: Any, address: str, tmp_path: Path, photograph: Path
) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with visited(browser, address, refused=2) as page:  # by both models
        ready(page)
        page.route("**/v1/explain**", lambda route: None, times=1)  # never answered
        page.locator("#samples button").first.click()
        page.locator("#explanation-status:text-is('Explaining …')").wait_for()
        page.set_input_files("#file", tmp_path / "a.png")
        page.locator("#prediction:text-is('No prediction')").wait_for()
        text = page.locator("#confidence").inner_text()
        assert text.startswith("a.png: ") and "not an image" in text.lower()
        assert page.locator("#occlusion").is_hidden() and page.locator("#models-fold").is_hidden()
        assert page.locator("#panel-single.explaining").count() == 0
        page.set_input_files("#file", photograph)
        page.locator(f"#prediction:text-is('{said_by('pretrained', photograph).label}')").wait_for()
        assert page.locator("#models-fold").is_visible()


@needs_browser
def test_requests_to_a_busy_server_are_repeated(browser: Any, address: str) -> None:
    turned_away: list[Any] = []
    repeated: list[Any] = []

    def refuse_once(route: Any) -> None:
        if len(turned_away) == 2:
            repeated.append(route)
            return
        turned_away.append(route)
        problem = {"error": {"code": "overloaded", "message": "The server has its hands full."}}
        route.fulfill(status=503, headers={"Retry-After": "0.1"}, json=problem)

    def prepare(page: Any) -> None:
        page.route("**/v1/predict**", refuse_once)

    with visited(browser, address, refused=2, prepare=prepare) as page:
        page.locator("#samples button").first.click()
        page.locator("#confidence:text-is('The server has its hands full.')").wait_for()
        for _ in range(1_000):
            if len(repeated) == 2:
                break
            page.wait_for_timeout(10)
        assert len(repeated) == 2
        for route in repeated:
            route.continue_()
        page.locator("#prediction:text-is('T-shirt/top')").wait_for()


@needs_browser
def test_a_stopped_server_is_reported(browser: Any, address: str) -> None:
    with visited(browser, address, refused=2) as page:
        ready(page)
        page.route("**/v1/**", lambda route: route.abort())
        page.locator("#samples button").nth(1).click()
        page.locator("#confidence:text-is('The server does not respond.')").wait_for()


@needs_browser
def test_a_failed_explanation_keeps_the_prediction(browser: Any, address: str) -> None:
    problem = {"error": {"code": "broken", "message": "It broke."}}

    def prepare(page: Any) -> None:
        page.route("**/v1/explain**", lambda route: route.fulfill(status=500, json=problem))

    with visited(browser, address, refused=1, prepare=prepare) as page:
        page.locator("#samples button").first.click()
        page.locator("#explanation-status:text-is('No explanation: It broke.')").wait_for()
        assert page.locator("#prediction").inner_text() == "T-shirt/top"


@needs_browser
def test_a_key_is_asked_for_once(browser: Any, address: str) -> None:
    sent: list[str | None] = []

    def guard(route: Any) -> None:
        key = route.request.header_value("authorization")
        sent.append(key)
        if key == "Bearer right":
            route.continue_()
            return
        problem = {"error": {"code": "unauthorized", "message": "A key is needed."}}
        route.fulfill(status=401, json=problem)

    def prepare(page: Any) -> None:
        page.route("**/v1/**", guard)

    with visited(browser, address, refused=2, prepare=prepare) as page:
        page.fill("#key", "wrong")
        page.press("#key", "Enter")
        page.locator("#key-text:has-text('refused this key: A key is needed.')").wait_for()
        page.fill("#key", "right")
        page.press("#key", "Enter")
        ready(page)
        assert sent == [None, "Bearer wrong", "Bearer right"]
        page.reload()
        ready(page)
        page.click("#tab-about")
        assert "$ANKLEBOOT_API_KEY" in page.locator("#use-body").inner_text()


@needs_browser
def test_an_image_that_is_too_large_is_scaled_down(
    browser: Any, address: str, tmp_path: Path
) -> None:
    Image.fromarray(scene(700, 1300, 0)).save(tmp_path / "large.png")
    most, sizes = 1_000_000, []

    def limit(route: Any) -> None:
        described = route.fetch().json()
        described["limits"]["body_bytes"] = most
        route.fulfill(json=described)

    def measure(request: Any) -> None:
        if "/v1/predict" in request.url:
            sizes.append(len(request.post_data_buffer or b""))

    def prepare(page: Any) -> None:
        page.route("**/v1/model", limit)
        page.on("request", measure)

    assert (tmp_path / "large.png").stat().st_size > most
    with visited(browser, address, prepare=prepare) as page:
        ready(page)
        page.set_input_files("#file", tmp_path / "large.png")
        page.locator("#steps-fold").wait_for()
        settled(page)
        assert "a smaller copy was sent" in page.locator("#timing").inner_text()
    assert 5_000 < max(sizes) <= most


@needs_browser
def test_many_images_become_a_table_and_a_csv_file(
    browser: Any, address: str, tmp_path: Path, photograph: Path
) -> None:
    names = ["=1+1.png", "-2.png", "@sum.png", "+3.png", f"{HOSTILE}.png", 'a, "b".png']
    paths = [of_data_set(number, tmp_path / name) for number, name in enumerate(names)]
    paths.append(photograph)
    (tmp_path / "notes.txt").write_text("not a picture")
    Image.fromarray(np.full((40, 40), 99, np.uint8)).save(tmp_path / "blank.png")
    paths += [tmp_path / "notes.txt", tmp_path / "blank.png"]
    said = {path.name: said_by("pretrained", path) for path in paths if path.suffix != ".txt"}
    with visited(browser, address, "batch", refused=1) as page:
        page.set_input_files("#batch-files", paths)
        page.locator("#batch-status:text-is('All 9 done, 1 failed.')").wait_for()
        files = page.locator("#batch-rows .file").all_inner_texts()
        assert files == [path.name for path in paths]
        assert page.locator("#batch-rows img").count() == 0  # a name is text
        page.locator("#batch-counts li[data-label=Abstained] button").click()
        abstained = [name for name, one in said.items() if one.abstained]
        assert page.locator("#batch-rows .file").all_inner_texts() == abstained
        with page.expect_download() as download:
            page.click("#batch-save")
        assert download.value.suggested_filename == "ankleboot-pretrained.csv"
        text = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text))
    fixed = "name label index confidence none_of_these abstained reason error".split()
    assert header == [*fixed, *CLASS_NAMES]
    assert [row[0] for row in rows][:6] == [f"'{name}" for name in names[:4]] + names[4:]
    for path, row in zip(paths, rows, strict=True):
        cells = dict(zip(header, row, strict=True))
        if path.suffix == ".txt":
            assert cells["label"] == cells["confidence"] == cells["Bag"] == "" and cells["error"]
            continue
        one = said[path.name]
        assert (cells["label"], cells["error"]) == (one.label, "")
        assert (int(cells["index"]), cells["reason"]) == (one.index, one.reason or "")
        assert cells["abstained"] == ("true" if one.abstained else "false")
        assert float(cells["confidence"]) == pytest.approx(one.confidence, abs=1e-4)
        assert float(cells["none_of_these"]) == pytest.approx(one.none_of_these, abs=1e-4)
        for label, share in one.probs.items():
            assert float(cells[label]) == pytest.approx(share, abs=1e-4)


@needs_browser
def test_a_long_queue_can_be_stopped_and_continued(
    browser: Any, address: str, tmp_path: Path
) -> None:
    images = load_data("sample").test.images[:110]
    paths = [tmp_path / f"{number:03}.png" for number in range(110)]
    for image, path in zip(images, paths, strict=True):
        Image.fromarray(image).save(path)

    def leave(route: Any) -> None:
        asked.append(route)
        route.continue_() if len(asked) < 20 else route.abort()

    asked: list[Any] = []
    with visited(browser, address, "batch", refused=None) as page:
        page.route("**/v1/predict**", leave)
        page.set_input_files("#batch-files", paths)
        page.locator("#batch-status:has-text('The server does not respond.')").wait_for()
        page.unroute("**/v1/predict**")
        page.click("#batch-stop:text-is('Continue')")
        page.locator("#batch-status:text-is('All 110 done.')").wait_for(timeout=60_000)
        assert page.locator("#batch-rows tr").count() == 50  # a page of them
        page.click("#batch-next")
        page.click("#batch-next")
        assert page.locator("#batch-rows tr").count() == 10
        assert page.locator("#batch-page").inner_text() == "Page 3 of 3"
        page.route("**/v1/predict**", lambda route: None)  # never answered
        page.select_option("#batch-model", "zero-shot")
        page.click("#batch-stop:text-is('Stop')")
        page.locator("#batch-status:text-is('0 of 110 done.')").wait_for()
        page.click("#batch-clear")
        page.locator("#batch-result").wait_for(state="hidden")


@needs_browser
def test_about_shows_the_stored_metrics(page: Any) -> None:
    page.click("#tab-about")
    for split in ("test", "validation"):
        measured = json.loads((catalog.FOLDER / f"evaluation-{split}.json").read_text())
        low, high = (f"{100 * bound:.2f}" for bound in measured["accuracy_ci95"])
        score = page.locator(".scores li", has_text=f"{split.capitalize()} accuracy").inner_text()
        assert f"{100 * measured['accuracy']:.2f} %" in score
        assert f"95 % interval {low} to {high}" in score
    test = json.loads((catalog.FOLDER / "evaluation-test.json").read_text())
    shown = page.locator(".matrix tbody td").all_inner_texts()
    assert [int(text or 0) for text in shown] == np.ravel(test["confusion_matrix"]).tolist()
    assert page.locator("#card-body h3").first.inner_text() == 'The model "pretrained"'
    page.select_option("#about-model", "zero-shot")
    assert page.locator("#card-body h3").first.inner_text() == 'The model "zero-shot"'


@needs_browser
@pytest.mark.parametrize("width", MAX_ABOUT_HEIGHTS)
def test_about_folds_what_is_long(browser: Any, address: str, width: int) -> None:
    with visited(browser, address, "about", width=width) as page:
        page.locator("#card-body summary").first.wait_for()
        assert severe_faults(page) == []
        height = page.evaluate("document.documentElement.scrollHeight")
        assert height < MAX_ABOUT_HEIGHTS[width]
        page.click("text=More examples")
        assert "import json" in page.locator("#use-body").inner_text()


@needs_browser
def test_the_python_example_runs_unchanged(
    page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(load_data("sample").test.images[0]).convert("RGB").save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    page.click("#tab-about")
    exec(page.locator(".example", has_text="From Python").locator("pre").inner_text(), {})
    said = said_by("pretrained", tmp_path / "photo.jpg")
    assert capsys.readouterr().out.startswith(said.label)


def test_the_page_knows_the_classes_of_the_samples() -> None:
    text = (SHARED / "sample_images.js").read_text()
    [listed] = re.findall(r"SAMPLE_CLASSES = (\[[^]]*\])", text)
    assert tuple(ast.literal_eval(listed)) == CLASS_NAMES


@needs_browser
@pytest.mark.parametrize(
    ("classes", "is_offered"),
    [(CLASS_NAMES[::-1], True), (("Sneaker", "Ankle boot"), False), (("cat", "dog"), False)],
)
def test_samples_are_offered_to_models_of_their_classes_alone(
    browser: Any, address: str, classes: tuple[str, ...], is_offered: bool
) -> None:
    def rename(route: Any) -> None:
        described = route.fetch().json()
        model = described["models"][0] | {"classes": list(classes), "photo": None, "metrics": {}}
        route.fulfill(json=described | {"models": [model]})

    with visited(browser, address, prepare=lambda page: page.route("**/v1/model", rename)) as page:
        page.locator("#about:not(:empty)").wait_for()
        assert page.locator("#samples-box").is_visible() == is_offered
        assert (page.locator("#title").inner_text() == "Which garment is this?") == is_offered


@needs_browser
def test_a_hostile_model_description_stays_text(browser: Any, address: str) -> None:
    card = f"# {HOSTILE}\n\n[x](javascript:alert(2)) [y](https://example.org) **{HOSTILE}**\n\n"
    card += f"| a | {HOSTILE} |\n|---|---|\n| `{HOSTILE}` | 2 |\n\n- one\n- two\n  more\n"

    def spoil(route: Any) -> None:
        described = route.fetch().json()
        [model, *_] = described["models"]
        model |= {"classes": [HOSTILE, "Ankle boot"], "photo": None, "metrics": {}}
        model["card_html"] = render_markdown(card)
        described["models"] = [model]
        route.fulfill(json=described)

    def prepare(page: Any) -> None:
        page.route("**/v1/model", spoil)

    with visited(browser, address, "about", prepare=prepare) as page:
        page.click("#card-body summary")
        page.locator("#card-body table").wait_for()
        assert page.locator("img:not(#example-photo)").count() == 0
        assert page.locator("#card-body h3").inner_text() == HOSTILE
        links = page.locator("#card-body a")
        assert [one.get_attribute("href") for one in links.all()] == ["https://example.org"]
        assert page.locator("#card-body li").all_inner_texts() == ["one", "two more"]
        assert HOSTILE in page.locator("#facts").inner_text()
        assert page.locator("#models-fold").is_hidden()  # there is but one
        assert "No evaluation" in page.locator("#metrics").inner_text()


@needs_browser
def test_nothing_overflows_the_screen_of_a_phone(
    browser: Any, address: str, photograph: Path
) -> None:
    with visited(browser, address, width=390) as page:
        ready(page)
        page.set_input_files("#file", photograph)
        page.locator("#steps-fold").wait_for()
        settled(page)
        for name in ("single", "batch", "about"):
            page.click(f"#tab-{name}")
            if name == "batch":
                page.set_input_files("#batch-files", [photograph])
                page.locator("#batch-status:has-text('All ')").wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
