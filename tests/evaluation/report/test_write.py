"""Report: complete, self-contained, and interactive in a browser."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ankleboot.cli.main import run
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import UsageError
from ankleboot.core.files import write_json
from ankleboot.core.text import share_text
from ankleboot.data.dataset import Dataset
from ankleboot.data.image_folder.report import FolderReport
from ankleboot.evaluation.data_size import SizePoint
from ankleboot.evaluation.report.sprite import NUM_COLUMNS, Sprite
from ankleboot.evaluation.report.write import Report, write_report
from ankleboot.models.run import Run
from helpers.accessibility import severe_faults
from helpers.browser import needs_browser


@pytest.fixture(scope="module")
def reported(
    calibrated_run: Run, bar_data: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Report:
    folder = tmp_path_factory.mktemp("report")
    return write_report(calibrated_run, folder / "report.html", bar_data, card=folder / "card.png")


def test_the_report_is_small_and_shows_what_it_returns(
    reported: Report,
) -> None:
    document = reported.to_json()
    assert document["bytes"] == reported.path.stat().st_size < 2_000_000
    text = reported.path.read_text()
    assert f'<p class="number">{share_text(document["accuracy"], 1)}<small> %' in text
    assert all(sentence in text for sentence in document["sentences"])
    assert document["num_examples"] == 128 and document["split"] == "validation"
    assert f"{reported.evaluation.metrics['macro_f1']:.4f}" in text and "macro f1" in text
    assert repr(reported).startswith("Report(path ")


def test_the_report_has_no_external_resources(reported: Report) -> None:
    text = reported.path.read_text()
    for attribute in ("src", "href"):
        for target in re.findall(rf'\b{attribute}="([^"]*)"', text):
            kinds = ("data:image/png;base64,", "data:image/jpeg;base64,", "#")
            assert target.startswith(kinds), target[:80]
    assert "@import" not in text and "fetch(" not in text
    assert not re.findall(r'url\((?!"?data:)(?!"?#)', text)


def test_every_section_has_content(reported: Report) -> None:
    text = reported.path.read_text()
    targets = re.findall(r'href="#(\w+)"', text.split("</nav>")[0])
    assert len(targets) == 10
    for target in targets:
        section = text.split(f'<section id="{target}">')[1].split("</section>")[0]
        assert len(section) > 300, target
    assert text.count("<svg") == 5
    assert not re.search(r"\bnan\b", re.sub(r"base64,[^\"]*", "", text), re.IGNORECASE)


@pytest.fixture(scope="module")
def full_report(
    calibrated_run: Run, bar_data: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Report:
    """Report with every option, on a run whose files hold HTML and whose data is a folder."""
    folder = tmp_path_factory.mktemp("full")
    shutil.copytree(calibrated_run.folder, folder / "run")
    copied = Run(folder / "run")
    write_json(folder / "run/recipe.json", copied.recipe().to_json() | {"name": "<script>alert(1)"})
    write_json(
        folder / "run/result.json", copied.result() | {"recipe": "<img src=x onerror=alert(1)>"}
    )
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    counts = {"train-bars": {"": 640}, "test-bars": {"": 100}}
    folder_report = FolderReport(counts, 0, (1, 1), (1, 1), {}, (), (), (), (), ())
    data = replace(bar_data, folder_report=folder_report)
    sizes = SizePoint(50, 0.5, 0.5), SizePoint(512, 0.99, 0.99)
    return write_report(copied, folder / "r.html", data, photos=folder, sizes=sizes)


def test_text_from_files_is_escaped(full_report: Report) -> None:
    text = full_report.path.read_text()
    assert "<script>alert" not in text and "<img src=x" not in text
    assert "&lt;img src=x" in text


def test_the_first_screen_names_the_data_and_what_to_do(
    reported: Report, calibrated_run: Run
) -> None:
    """The title was the recipe and its seed, under which every report looked alike."""
    text = reported.path.read_text()
    assert "<title>bars: report</title>" in text and "<h1>bars</h1>" in text
    hero = text.split('class="hero"')[1].split("</section>")[0]
    assert f'class="verdict">{reported.sentences[0]}<' in hero
    assert f"ankleboot evaluate {calibrated_run.folder} --split test" in hero


def test_maps_have_titles_a_legend_and_the_true_class(reported: Report) -> None:
    """All text of the explanations is HTML, and the first map beside an image is occlusion.

    Beside HiResCAM a reader could not tell which of the two to believe.
    """
    text = reported.path.read_text()
    explained = text.split('<section id="explain">')[1].split("</section>")[0]
    assert explained.count("<figcaption>HiResCAM</figcaption>") == 6
    assert explained.count("image, true class") == 6
    for views in explained.split('class="views large"')[1:]:
        shown, more = views.split("<details", 1)
        assert "<figcaption>occlusion</figcaption>" in shown and "HiResCAM" not in shown
        assert "More methods" in more and "<figcaption>HiResCAM</figcaption>" in more
    assert "Occlusion asks what happens when a part is covered" in explained
    assert "the network uses the empty space there" in explained
    assert "against the predicted class" in explained and "nearest training images" in explained
    inside = text.split('<section id="filters">')[1].split("</section>")[0]
    assert "block1_conv1" in inside and "26 x 26" in inside


def test_terms_are_explained_beside_their_values(reported: Report) -> None:
    text = reported.path.read_text()
    assert "nats" not in text and "feature space" not in text
    for meaning in (
        "logarithm of the true class",
        "mean gap between confidence and accuracy (ECE)",
        "harmonic mean of precision and recall",
        "Recall: the share of its images that are found",
        "gets a higher confidence than an outlier",
        "above 1 it lowers the confidences",
    ):
        assert meaning in text, meaning


def test_the_card_is_a_picture_for_a_slide(
    reported: Report, calibrated_run: Run, bar_data: Dataset
) -> None:
    assert reported.card is not None and reported.to_json()["card"] == str(reported.card)
    with Image.open(reported.card) as card:
        assert card.size == (1200, 630) and len(np.unique(np.asarray(card))) > 50
    with pytest.raises(UsageError, match="ends in .png"):
        write_report(calibrated_run, data=bar_data, card="card.txt")


def test_cells_hold_images_of_the_cell(
    reported: Report, calibrated_run: Run, bar_data: Dataset
) -> None:
    from ankleboot.evaluation.select_split import validation_images
    from ankleboot.inference.load import load_predictor

    part = validation_images(calibrated_run.recipe(), bar_data)
    probs = load_predictor(calibrated_run.folder).predict(part.images)
    predicted = probs.argmax(axis=1)
    text = reported.path.read_text()
    cells = json.loads(text.split('id="cells">')[1].split("</script>")[0])
    assert sum(len(images) for images in cells.values()) > 50
    for name, images in cells.items():
        row, column = map(int, name.split("-"))
        for _, image_name, _ in images:
            index = int(image_name.removeprefix("Image "))
            assert (part.labels[index], predicted[index]) == (row, column)


def test_a_curve_by_size_is_measured(calibrated_run: Run, bar_data: Dataset) -> None:
    from ankleboot.training.learning_curve import learning_curve

    lines: list[str] = []
    points = learning_curve(calibrated_run, bar_data, lines.append, sizes=(50, 200, 9_000))
    assert lines == ["training on 50 images", "training on 200 images"]
    assert [point.num_train for point in points] == [50, 200, 512]
    assert points[0].validation_accuracy < points[-1].validation_accuracy


def test_a_curve_by_size_is_shown_on_request(full_report: Report) -> None:
    text = full_report.path.read_text()
    assert text.count("<svg") == 6 and "With fewer training images" in text
    assert any("more images would" in line.lower() for line in full_report.sentences)


def test_a_sprite_holds_each_image_once() -> None:
    images = np.arange(100, dtype=np.uint8)[:, None, None] * np.ones((1, 28, 28), np.uint8)
    sprite = Sprite(images)
    assert [sprite.add(i) for i in (7, 3, 7)] == [0, 1, 0]
    for index in range(NUM_COLUMNS):
        sprite.add(index)
    assert sprite.num_rows == 1 and sprite.data_url().startswith("data:image/png;base64,")
    sprite.add(99)
    assert sprite.num_rows == 2


def test_the_commands_in_the_report_reproduce_the_recipe(
    reported: Report, calibrated_run: Run
) -> None:
    from ankleboot.recipes.catalog import get_recipe
    from ankleboot.recipes.parse import override

    line = reported.path.read_text().split('<pre tabindex="0">')[1].split("\n")[0].split()
    assert line[:2] == ["ankleboot", "train"] and line[line.index("--data") + 1] == "bars"
    settings = [line[i + 1] for i, word in enumerate(line) if word == "--set"]
    again = override(get_recipe(line[2]), dict(setting.split("=") for setting in settings))
    expected = calibrated_run.recipe().to_json()
    assert again.to_json() | {"name": expected["name"]} == expected


def test_photos_and_own_classes_are_shown(full_report: Report) -> None:
    """The model card of own data describes the crop."""
    text = full_report.path.read_text()
    assert "<td>photos</td>" in text and "one garment, cut out, gray 28 x 28 pixels" in text


def test_the_command_refuses_what_it_cannot_report(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["report", "pretrained", "--data", "sample"]) == 2  # no validation images there
    assert "trained on fashion-mnist" in capfd.readouterr().err
    assert run(["report", "nowhere"]) == 4


def test_the_command_replaces_no_page_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("report.html").write_text("mine")
    assert run(["report", "pretrained", "--data", "sample", "--split", "test"]) == 2
    assert "report.html exists already; to replace it, name it with --output" in (
        capfd.readouterr().err
    )
    assert Path("report.html").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.usefixtures("isolated_state_dir")
def test_the_command_reports_the_shipped_model(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out" / "page.html"
    options = ["--data", "sample", "--split", "test", "--output", str(path), "--json"]
    assert run(["report", "pretrained", *options]) == 0
    out, err = capfd.readouterr()
    document = json.loads(out)
    assert err == "" and document["path"] == str(path) and document["accuracy"] > 0.9
    assert "Shirt" in " ".join(document["sentences"])


OPEN_ALL = "document.querySelectorAll('details').forEach((fold) => { fold.open = true; })"


@pytest.fixture
def page(browser: Any, reported: Report) -> Iterator[Any]:
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request",
        lambda r: None if r.url.startswith(("file:", "data:")) else faults.append(r.url),
    )
    page.goto(reported.path.as_uri())
    yield page
    page.context.close()
    assert faults == []


@needs_browser
def test_a_cell_shows_its_images_beside_the_matrix(page: Any) -> None:
    """The most frequent confusion is shown from the start."""
    pressed = page.locator(".matrix button[aria-pressed=true]")
    assert pressed.count() == 1 and page.locator("#cell .thumb").count() > 0
    button = page.locator(".matrix button.right").first
    button.click()
    assert pressed.get_attribute("data-cell") == "0-0"
    assert CLASS_NAMES[0] in page.locator("#cell p").inner_text()
    thumbs = page.locator("#cell .thumb")
    assert thumbs.count() > 0 and thumbs.first.bounding_box()["width"] > 60


@needs_browser
def test_the_matrix_shows_percent_of_the_row(page: Any) -> None:
    cell = page.locator(".matrix button.right").first
    count = cell.inner_text()
    assert count == cell.get_attribute("data-count")
    page.locator(".switch").get_by_text("% of the row").click()
    assert f"{cell.inner_text()} %" in cell.get_attribute("aria-label")
    page.locator(".switch").get_by_text("images").click()
    assert cell.inner_text() == count


@needs_browser
def test_names_of_rows_and_the_menu_stay(page: Any) -> None:
    page.locator(".matrix button").last.scroll_into_view_if_needed()
    page.evaluate("document.querySelector('#confusion .scroll').scrollLeft = 9999")
    name = page.locator(".matrix tbody th").first.bounding_box()
    assert name["x"] >= 0 and name["x"] + name["width"] < 200
    menu = page.locator("#menu").bounding_box()
    assert menu["y"] == 0 and page.evaluate("scrollY") > 300


@needs_browser
def test_a_matrix_wider_than_the_screen_says_so(page: Any) -> None:
    """Five of ten columns were shown, with no sign of the others."""
    hint = page.locator("#sideways")
    assert hint.inner_text() == "Scroll sideways to see all 10 columns."
    caption = page.locator(".matrix caption div").bounding_box()
    assert caption["x"] + caption["width"] <= 390
    page.set_viewport_size({"width": 1280, "height": 844})
    hint.wait_for(state="hidden")


@needs_browser
def test_a_link_opens_its_section(page: Any) -> None:
    assert not page.locator("#robustness table").first.is_visible()
    page.locator("#menu a[href='#robustness']").click()
    page.locator("#robustness table").first.wait_for(state="visible")


@needs_browser
def test_the_page_fits_a_phone(page: Any) -> None:
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_has_no_severe_accessibility_fault(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(OPEN_ALL)
    assert severe_faults(page) == []


@needs_browser
def test_all_sections_are_printed(page: Any) -> None:
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#robustness table").first.is_visible()
    assert not page.locator("#menu").is_visible()
