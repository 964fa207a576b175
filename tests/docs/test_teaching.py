"""The plans of lessons: their worksheet, their images, and their items of quizzes."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

import ankleboot
import make_quizzes
import make_shirts

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/teaching.md").read_text()
LESSON = PAGE.split("\n## 45 minutes")[1].split("\n## ")[0]
WORKSHEET, SOLUTION = LESSON.split("### Worksheet")[1].split("<summary>Solution</summary>")


def squares(text: str) -> list[np.ndarray]:
    """Return the squares of 3 x 3 numbers in a text, from the left and then from above."""
    rows = [re.findall(r"(?<!\S)-?\d+", line) for line in text.splitlines()]
    rows = [[int(cell) for cell in row] for row in rows if len(row) >= 6]
    places = [(top, left) for top in range(0, len(rows), 3) for left in (0, 3)]
    return [np.array([row[left : left + 3] for row in rows[top : top + 3]]) for top, left in places]


def test_the_solution_of_the_worksheet_is_right() -> None:
    given = WORKSHEET.split("```")[1]
    first, kernel, second, same_kernel = squares(given)
    solved = SOLUTION.split("```")[1]
    sums = [int(found) for found in re.findall(r"sum: (\d+)", solved)]
    products = squares(re.sub(r"sum: \d+", "", solved))
    assert np.array_equal(kernel, same_kernel) and set(kernel.flat) == {-1, 0, 1}
    for patch, product, total in zip((first, second), products, sums, strict=True):
        assert np.array_equal(patch * kernel, product)
        assert product.sum() == total
    assert sums[1] == kernel.sum() == 0  # the horizontal edge, and nine equal numbers


def test_the_worksheet_needs_no_number_above_nine() -> None:
    assert all(0 <= abs(square).max() <= 9 for square in squares(WORKSHEET.split("```")[1]))


def test_the_lesson_explains_how_the_page_counts() -> None:
    column, row = map(int, re.findall(r"`at=(\d+):(\d+)`", LESSON)[0])
    assert f"`#convolution&at={column}:{row}`" in LESSON
    assert "the column and the row, counted from 0" in LESSON


def test_the_lesson_shows_garments_of_the_sample_with_their_labels() -> None:
    data = ankleboot.load_data("sample")
    garments = data.train.take(np.array(make_shirts.INDICES))
    with PillowImage.open(ROOT / "docs/images/shirts.png") as opened:
        sheet = np.array(opened)
    for place, image in enumerate(garments.images):
        left, top = make_shirts.corner(place)
        shown = sheet[top : top + make_shirts.SIDE, left : left + make_shirts.SIDE]
        assert np.array_equal(shown, make_shirts.enlarged(image))
    for name in ("Shirt", "T-shirt/top"):
        places = np.flatnonzero(garments.labels == data.class_names.index(name)) + 1
        assert re.search(rf"(?<!-){name}: {', '.join(map(str, places))}\.", LESSON)


def test_the_network_of_the_playground_confuses_the_garments() -> None:
    garments = ankleboot.load_data("sample").train.take(np.array(make_shirts.INDICES))
    pair = {"T-shirt/top", "Shirt"}
    names = ankleboot.load_data("sample").class_names
    predicted = ankleboot.load_predictor("pocket").predict(garments.images).argmax(axis=1)
    for label, answer in zip(garments.labels, predicted, strict=True):
        assert {names[label], names[answer]} == pair


def test_the_quiz_of_45_minutes_asks_for_nothing_else() -> None:
    """Parameters and the results of the studies are no part of this lesson."""
    (row,) = re.findall(r"Quiz by show of hands: ([^|]+)\. \|", LESSON)
    parts = re.findall(r"(\d+) and (\d+) of (\w+)", row)
    assert len(parts) == 3
    for *numbers, name in parts:
        assert f"(studies/quizzes/{name}.md)" in LESSON
        items = make_quizzes.read_items(make_quizzes.FOLDER / f"{name}.toml")
        for number in numbers:
            item = items[int(number) - 1]
            assert not re.search(r"parameter|study|training", f"{item.question} {item.why}")


@pytest.mark.parametrize("name", ["teaching", "lessons"])
def test_the_extra_of_the_notebooks_keeps_the_editable_installation(name: str) -> None:
    """Without -e, pip replaces the editable installation of `make run`."""
    commands = re.findall(r"^pip install.*", (ROOT / f"docs/{name}.md").read_text(), re.MULTILINE)
    assert len(commands) == 1 and commands[0].startswith("pip install -e '.[notebooks]'")
