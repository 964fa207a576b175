"""Training in the playground: right gradients, equal results for equal settings, and the tasks."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.data.load import load_data
from helpers.browser import needs_browser, served
from helpers.playground import open_section, reset, visited, write_shipped, write_sources


@pytest.fixture(scope="module")
def modules(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a page that may import the modules of the playground."""
    with served(write_sources(tmp_path_factory.mktemp("site") / "modules")) as address:
        page = browser.new_page()
        page.goto(address + "learner.js")
        yield page
        page.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shipped(tmp_path_factory.mktemp("site") / "playground") / "index.html"


@pytest.fixture(scope="module")
def page(browser: Any, site: Path) -> Iterator[Any]:
    """Return the page as the disk gives it."""
    with visited(browser, site.as_uri()) as page:
        yield page


GRADIENTS = """async (kind) => {
  const { addGradients, buildNetwork, computeLogits, crossEntropy } = await import("./learner.js");
  const layers = buildNetwork({ kind, units: 3, dropout: 0, seed: 4 });
  const image = Float64Array.from({ length: 784 }, (_, i) => (Math.sin(i * i) + 1) / 2);
  const lossWith = (values, i, change) => {
    const value = values[i];
    values[i] = value + change;
    const { loss } = crossEntropy(computeLogits(layers, image), 7);
    values[i] = value;
    return loss;
  };
  addGradients(layers, image, 7);
  return layers.flatMap(({ parameters }) => parameters).map(({ values, gradient }) => {
    const step = Math.ceil(values.length / 200);
    return Array.from({ length: Math.floor(values.length / step) }, (_, n) => [gradient[n * step],
      (lossWith(values, n * step, 1e-5) - lossWith(values, n * step, -1e-5)) / 2e-5]);
  });
}"""


@needs_browser
@pytest.mark.parametrize(
    ("kind", "num_parameters"), [("convolution", 4), ("dense", 4), ("linear", 2)]
)
def test_gradients_equal_finite_differences(kind: str, num_parameters: int, modules: Any) -> None:
    parameters = modules.evaluate(GRADIENTS, kind)
    assert len(parameters) == num_parameters
    for pairs in parameters:
        computed, differences = np.transpose(pairs)
        assert np.abs(computed).max() > 1e-4
        np.testing.assert_allclose(computed, differences, atol=1e-7, rtol=1e-5)


DROPOUT = """async () => {
  const { addGradients, buildNetwork, computeLogits } = await import("./learner.js");
  const layers = buildNetwork({ kind: "linear", units: 0, dropout: 0.25, seed: 1 });
  const image = new Float64Array(784).fill(0.6);
  addGradients(layers, image, 0);
  const [weights, bias] = layers.at(-1).parameters;
  const seen = [...weights.gradient.subarray(0, 784)].map((value) => value / bias.gradient[0]);
  const [first, second] = [0, 1].map(() => [...computeLogits(layers, image)]);
  return { seen, first, second };
}"""


@needs_browser
def test_dropout_zeroes_and_scales_in_training_alone(modules: Any) -> None:
    result = modules.evaluate(DROPOUT)
    assert result["first"] == result["second"]
    kept = np.array(result["seen"]) > 0
    np.testing.assert_allclose(np.array(result["seen"])[kept], 0.6 / 0.75)
    assert kept.mean() == pytest.approx(0.75, abs=0.05)


SPRITE = """async () => {
  const { decodeLessonImages } = await import("./lesson_images.js");
  const { training, validation } = await decodeLessonImages(%s);
  return [training, validation].map((images) => images.map(
    ({ pixels, label }) => [label, pixels.reduce((a, b) => a + b, 0)]));
}"""


@needs_browser
def test_lesson_images_are_training_images_with_their_labels(modules: Any, site: Path) -> None:
    data = re.search(r'id="image-data">(.*?)</script>', site.read_text())
    assert data
    document = json.loads(data[1])
    training, validation = modules.evaluate(SPRITE % json.dumps(document["lesson"]))
    assert (len(training), len(validation)) == (400, 200)
    images = load_data("sample").train
    sums = np.round(images.images.sum(axis=(1, 2)) / 255, 6)
    for label, total in training + validation:
        assert round(total, 6) in sums[images.labels == label]


def train(page: Any, fragment: str, epochs: int) -> str:
    """Train with the settings of a fragment and return the outcome."""
    reset(page, fragment)
    open_section(page, "training")
    page.locator("#train-epochs").fill(str(epochs))
    page.click("#train-start")
    page.wait_for_selector(f"#train-text:has-text('After epoch {epochs}:')")
    page.wait_for_selector("#training[data-state=idle]")
    text: str = page.inner_text("#train-text")
    return text


def accuracies(text: str) -> list[float]:
    return [float(figure) for figure in re.findall(r"([\d.]+) % of", text)]


@needs_browser
@pytest.mark.parametrize("kind", ["convolution", "dense", "linear"])
def test_every_kind_of_network_learns(kind: str, page: Any) -> None:
    text = train(page, f"kind={kind}&units=8", 6)
    training, validation = accuracies(text)
    assert training > 45 and validation > 40  # chance gives 10
    assert page.locator("#train-learned li").count() == (10 if kind == "linear" else 8)
    assert page.locator("#train-predictions li").count() == 10
    assert page.locator("#train-predictions .right").count() >= 4
    assert page.inner_text("#train-own").startswith("The image at the top of the page: ")


@needs_browser
def test_equal_settings_give_equal_networks_whether_stopped_or_not(page: Any) -> None:
    settings = "kind=linear&images=100&dropout=0.25"
    whole = train(page, settings, 6)
    assert train(page, settings, 6) == whole
    train(page, settings, 2)
    page.locator("#train-epochs").fill("6")
    page.click("#train-start")
    page.wait_for_selector("#train-text:has-text('After epoch 6:')")
    assert page.inner_text("#train-text") == whole
    assert train(page, settings + "&seed=2", 6) != whole


@needs_browser
def test_fewer_epochs_train_a_new_network(page: Any) -> None:
    settings = "kind=linear&images=50"
    short = train(page, settings, 1)
    train(page, settings, 3)
    assert page.locator("#train-start").is_disabled()
    page.locator("#train-epochs").fill("1")
    assert page.inner_text("#train-start") == "Train again"
    page.click("#train-start")
    page.wait_for_selector("#train-text:has-text('After epoch 1:')")
    assert page.inner_text("#train-text") == short


@needs_browser
def test_training_stops_when_told_and_begins_anew_after_a_change(page: Any) -> None:
    reset(page, "training&epochs=40&images=400&units=32")
    page.click("#train-start")
    page.wait_for_selector("#train-text:has-text('After epoch')")
    page.click("#train-start")
    page.wait_for_selector("#training[data-state=idle]")
    assert page.inner_text("#train-start") == "Train on"
    page.click("#train-start")
    page.select_option("#train-kind", "dense")
    assert "all random" in page.inner_text("#train-text")
    assert page.locator("#train-results").is_hidden()
    page.click("#train-start")  # the former training does not continue beside this one
    page.wait_for_selector("#train-text:has-text('After epoch')")
    page.click("#train-reset")
    assert "all random" in page.inner_text("#train-text")


def answer(page: Any, number: int) -> str:
    page.click(f"#task-{number}-check")
    verdict: str = page.inner_text(f"#task-{number}-verdict")
    return verdict


def set_kernel(page: Any, cells: list[float]) -> None:
    for index, cell in enumerate(cells):
        page.locator("#kernel input").nth(index).fill(str(cell))


@needs_browser
def test_task_1_explains_every_wrong_kernel(page: Any) -> None:
    reset(page)
    assert "Row 1 adds up to" in answer(page, 1)
    page.select_option("#conv-layer", index=1)
    assert "does not see the image" in answer(page, 1)
    page.select_option("#conv-layer", index=0)
    page.click("[data-preset='Sobel, vertical edges']")
    assert "the preset or a multiple of it" in answer(page, 1)
    set_kernel(page, [2, 0, -2, 4, 0, -4, 2, 0, -2])
    assert "the preset or a multiple of it" in answer(page, 1)
    set_kernel(page, [1, 0, -1, 0, 0, 0, -1, 0, 1])
    assert "vertical edges leave no trace" in answer(page, 1)
    set_kernel(page, [0] * 9)
    assert "All cells are 0" in answer(page, 1)
    assert page.inner_text("#task-1-mark") == "open"
    set_kernel(page, [0, 0, 0, -1, 0, 1, 0, 0, 0])
    assert answer(page, 1).startswith("Right. ")
    assert page.inner_text("#task-1-mark") == "✓ solved"


@needs_browser
@pytest.mark.parametrize("sample", [0, 7, 9, 16])
def test_task_2_is_solved_by_a_larger_window_alone(sample: int, page: Any) -> None:
    reset(page, f"pooling&sample={sample}")
    assert "Shift the image by one pixel" in answer(page, 2)
    page.locator("#shift-x").fill("1")
    assert "A fifth less would be" in answer(page, 2)
    page.select_option("#pool-by", "none")
    assert "Without pooling" in answer(page, 2)
    page.select_option("#pool-by", "max")
    page.select_option("#pool-window", "4")
    page.select_option("#pool-stride", "4")
    assert "there is no prediction" in answer(page, 2)
    page.select_option("#pool-stride", "2")
    assert answer(page, 2).startswith("Right. ")


@needs_browser
def test_task_3_wants_few_images_and_no_overfitting(page: Any) -> None:
    reset(page, "training")
    assert "Train a network first" in answer(page, 3)
    train(page, "kind=linear&images=400", 3)
    assert "at most 200 count" in answer(page, 3)
    train(page, "kind=linear&rate=0.001", 1)
    assert "It still learns" in answer(page, 3)
    train(page, "kind=linear&rate=0.03", 20)
    assert "shows overfitting" in answer(page, 3)
    train(page, "kind=linear&rate=0.003", 10)
    assert answer(page, 3).startswith("Right. ")
    assert page.inner_text("#task-3-mark") == "✓ solved"
