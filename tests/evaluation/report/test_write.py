"""The page about a run: whole, self-contained, and alive in a browser."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.cli.main import run
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.files import write_json
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.report.sprite import COLUMNS, Sprite
from ankleboot.evaluation.report.write import write_report
from ankleboot.models.run import Run
from helpers.browser import CHROMIUM, needs_browser


@pytest.fixture(scope="module")
def reported(
    calibrated_run: Run, bar_data: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    path = tmp_path_factory.mktemp("report") / "report.html"
    return path, write_report(calibrated_run, bar_data, path)


def test_the_page_is_small_and_says_what_it_returns(
    reported: tuple[Path, dict[str, Any]],
) -> None:
    path, said = reported
    assert said["bytes"] == path.stat().st_size < 5_000_000
    text = path.read_text()
    assert f"{100 * said['accuracy']:.2f} %" in text
    assert all(sentence in text for sentence in said["sentences"])
    assert said["num_examples"] == 128 and said["split"] == "validation"


def test_the_page_needs_nobody_else(reported: tuple[Path, dict[str, Any]]) -> None:
    text = reported[0].read_text()
    for attribute in ("src", "href"):
        for target in re.findall(rf'\b{attribute}="([^"]*)"', text):
            assert target.startswith(("data:image/png;base64,", "#")), target[:80]
    assert "@import" not in text and "fetch(" not in text
    assert not re.findall(r'url\((?!"?data:)(?!"?#)', text)


def test_every_section_is_there_and_none_is_empty(reported: tuple[Path, dict[str, Any]]) -> None:
    text = reported[0].read_text()
    targets = re.findall(r'href="#(\w+)"', text.split("</nav>")[0])
    assert len(targets) == 10
    for target in targets:
        section = text.split(f'<section id="{target}">')[1].split("</section>")[0]
        assert len(section) > 300, target
    assert text.count("<svg") == 4 and "nan" not in re.sub(r"base64,[^\"]*", "", text).lower()


def test_what_comes_from_files_is_escaped(
    calibrated_run: Run, bar_data: Dataset, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(calibrated_run.folder, folder)
    recipe = Run(folder).recipe().to_json() | {"name": "<script>alert(1)</script>"}
    write_json(folder / "recipe.json", recipe)
    result = Run(folder).result() | {"recipe": "<img src=x onerror=alert(1)>"}
    write_json(folder / "result.json", result)
    write_report(Run(folder), bar_data, tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    assert "<script>alert" not in text and "<img src=x" not in text
    assert "&lt;img src=x" in text


def test_cells_hold_images_of_the_cell(
    reported: tuple[Path, dict[str, Any]], calibrated_run: Run, bar_data: Dataset
) -> None:
    from ankleboot.evaluation.evaluate import validation_images
    from ankleboot.inference.load import load_predictor

    part = validation_images(calibrated_run.recipe(), bar_data)
    said = load_predictor(calibrated_run.folder).predict(part.images).argmax(axis=1)
    text = reported[0].read_text()
    cells = json.loads(text.split('id="cells">')[1].split("</script>")[0])
    assert sum(len(images) for images in cells.values()) > 50
    for name, images in cells.items():
        row, column = map(int, name.split("-"))
        for _, known_as, _ in images:
            index = int(known_as.removeprefix("Image "))
            assert (part.labels[index], said[index]) == (row, column)


def test_a_curve_by_size_is_shown_on_request(
    calibrated_run: Run, bar_data: Dataset, tmp_path: Path
) -> None:
    from ankleboot.training.learning_curve import learning_curve

    said: list[str] = []
    points = learning_curve(calibrated_run, bar_data, said.append, sizes=(50, 200, 9_000))
    assert said == ["training on 50 images", "training on 200 images"]
    assert [point.num_train for point in points] == [50, 200, 512]
    assert points[0].validation_accuracy < points[-1].validation_accuracy
    document = write_report(calibrated_run, bar_data, tmp_path / "r.html", sizes=points)
    text = (tmp_path / "r.html").read_text()
    assert text.count("<svg") == 5 and "With fewer training images" in text
    assert any("more images would" in line.lower() for line in document["sentences"])


def test_a_sprite_holds_each_image_once() -> None:
    images = np.arange(100, dtype=np.uint8)[:, None, None] * np.ones((1, 28, 28), np.uint8)
    sprite = Sprite(images)
    assert [sprite.place(i) for i in (7, 3, 7)] == [0, 1, 0]
    for index in range(COLUMNS):
        sprite.place(index)
    assert sprite.rows == 1 and sprite.address().startswith("data:image/png;base64,")
    sprite.place(99)
    assert sprite.rows == 2


def test_the_commands_on_the_page_make_the_run_again(
    reported: tuple[Path, dict[str, Any]], calibrated_run: Run
) -> None:
    from ankleboot.recipes.catalog import get_recipe
    from ankleboot.recipes.recipe import override

    line = reported[0].read_text().split("<pre>")[1].split("\n")[0].split()
    assert line[:2] == ["ankleboot", "train"] and line[line.index("--data") + 1] == "bars"
    settings = [line[i + 1] for i, word in enumerate(line) if word == "--set"]
    again = override(get_recipe(line[2]), dict(setting.split("=") for setting in settings))
    expected = calibrated_run.recipe().to_json()
    assert again.to_json() | {"name": expected["name"]} == expected


@pytest.mark.usefixtures("isolated_state_dir")
def test_the_command_reports_the_shipped_model(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out" / "page.html"
    command = ["report", "pretrained", "--data", "sample", "--output", str(path)]
    assert run(command) == 2  # it has no validation images there
    assert "trained on fashion-mnist" in capfd.readouterr().err
    assert run([*command, "--split", "test", "--json"]) == 0
    out, err = capfd.readouterr()
    document = json.loads(out)
    assert err == "" and document["path"] == str(path) and document["accuracy"] > 0.9
    assert "Shirt" in " ".join(document["sentences"])
    assert run(["report", str(tmp_path / "nothing")]) == 4


@pytest.fixture
def page(reported: tuple[Path, dict[str, Any]]) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda r: None if r.url.startswith(("file:", "data:")) else faults.append(r.url),
        )
        page.goto(reported[0].as_uri())
        yield page
        browser.close()
        assert faults == []


@needs_browser
def test_a_cell_shows_its_images_when_clicked(page: Any) -> None:
    button = page.locator(".matrix button:not([disabled])").first
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert CLASS_NAMES[0] in page.locator("#cell p").inner_text()
    thumbs = page.locator("#cell .thumb")
    assert thumbs.count() > 0 and thumbs.first.bounding_box()["width"] > 60


@needs_browser
def test_the_page_fits_a_phone(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
