"""The playground in a browser computes what Keras computes, with every edit."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.types import to_inputs
from ankleboot.data.load import load_data
from ankleboot.export.network_json import layers_of
from ankleboot.inference.load import load_predictor
from ankleboot.models.architectures import build_model
from ankleboot.recipes.catalog import POCKET
from helpers.accessibility import severe_faults
from helpers.browser import needs_browser, packed, served
from helpers.playground import (
    POCKET_FOLDER,
    RECIPES,
    SECTIONS,
    document_of,
    images_for,
    kept_by_keras,
    network_of,
    open_section,
    reset,
    visited,
    write_shipped,
    write_sources,
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(write_shipped(tmp_path_factory.mktemp("site") / "playground")) as address:
        yield address


@pytest.fixture(scope="module")
def blank_page(browser: Any, address: str) -> Iterator[Any]:
    with visited(browser, address) as page:
        yield page


@pytest.fixture(scope="module")
def modules(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    """Return a page that may import the modules, and their address."""
    with served(write_sources(tmp_path_factory.mktemp("site") / "modules")) as address:
        page = browser.new_page()
        page.goto(address + "network.js")
        yield page, address
        page.close()


FORWARD = """async ([address, text, images, side, channels]) => {
  const { forward, parse, softmax } = await import(address + "network.js");
  const network = parse(text);
  return images.map((packed) => {
    const values = Float32Array.from(atob(packed), (c) => c.charCodeAt(0) / 255);
    const outputs = forward(network, { height: side, width: side, channels, values });
    return {
      layers: outputs.map((maps) => [...maps.values]),
      probs: softmax(outputs.at(-1).values, network.info.temperature),
    };
  });
}"""


@needs_browser
@pytest.mark.parametrize("name", RECIPES)
def test_the_browser_computes_what_keras_does(name: str, modules: tuple[Any, str]) -> None:
    page, address = modules
    recipe = RECIPES[name]
    network = network_of(recipe)
    images = images_for(recipe)
    layers = layers_of(network.model)
    names = [layer["name"] for layer in layers]
    expected = kept_by_keras(network.model, layers, images)
    channels = 3 if recipe.color else 1
    sent = [address, document_of(network), [packed(one) for one in images]]
    got = page.evaluate(FORWARD, [*sent, recipe.image_size, channels])
    for index, one in enumerate(got):
        for layer, values, wanted in zip(names, one["layers"], expected, strict=True):
            flat = wanted[index].ravel()
            scale = max(1.0, float(np.abs(flat).max()))
            np.testing.assert_allclose(
                np.array(values) / scale, flat / scale, atol=1e-4, err_msg=layer
            )
        probs = np.asarray(network.deployable(images[index : index + 1]))[0]
        np.testing.assert_allclose(one["probs"], probs, atol=1e-4)


@pytest.fixture
def page(blank_page: Any) -> Any:
    """The first sneaker, nothing changed."""
    reset(blank_page, "sample=7")
    return blank_page


def shares(page: Any) -> list[float]:
    texts = page.locator("#bars .probability").all_text_contents()
    return [float(text.removesuffix(" %")) / 100 for text in texts]


def sneaker() -> np.ndarray:
    test = load_data("sample").test
    images: np.ndarray = test.images[np.flatnonzero(test.labels == 7)[:1]]
    return images


def keras_with(change: Any) -> np.ndarray:
    """Return the probabilities of the sneaker after a change of the Keras model."""
    model = keras.models.load_model(POCKET_FOLDER / "model.keras", compile=False)
    change(model)
    logits = keras.Model(model.input, model.get_layer("logits").output)(to_inputs(sneaker()))
    scaled = np.asarray(logits)[0] / load_predictor(POCKET_FOLDER).info.temperature
    powers = np.exp(scaled - scaled.max())
    probs: np.ndarray = powers / powers.sum()
    return probs


@needs_browser
def test_the_page_starts_with_the_shipped_models_prediction(page: Any) -> None:
    np.testing.assert_allclose(shares(page), keras_with(lambda model: None), atol=6e-4)
    assert page.inner_text("#prediction") == "Sneaker"
    assert page.locator("#overview li").count() == 19


@needs_browser
def test_an_edited_kernel_gives_the_prediction_of_such_a_network(page: Any) -> None:
    page.select_option("#conv-filter", index=1)
    page.click("[data-preset='Sobel, vertical edges']")
    page.locator("#kernel input").nth(4).fill("5.5")

    def change(model: keras.Model) -> None:
        layer = model.get_layer("block1_conv1")
        kernel = np.array(layer.kernel)
        kernel[:, :, 0, 1] = [[-1, 0, 1], [-2, 5.5, 2], [-1, 0, 1]]
        layer.kernel.assign(kernel)

    np.testing.assert_allclose(shares(page), keras_with(change), atol=6e-4)
    assert "as trained Sneaker" in page.inner_text("#bar-original")
    page.click("[data-preset='As trained']")
    assert page.locator("#undo").is_hidden()


@needs_browser
def test_patch_times_kernel_is_the_pixel_of_the_map(page: Any) -> None:
    """Also in a deeper layer, where the other maps add to it."""
    for layer in (0, 2):
        page.select_option("#conv-layer", index=layer)
        page.locator("#conv-out").focus()
        page.keyboard.press("ArrowLeft")
        patch, kernel, products = (
            page.locator(f"#{name} > *").evaluate_all(
                "cells => cells.map(c => Number((c.value ?? c.textContent).replace('−', '-')))"
            )
            for name in ("patch", "kernel", "products")
        )
        rounded = 0.01 * (np.abs(patch) + np.abs(kernel) + 1) + 0.06 * (np.abs(products) >= 10)
        assert (np.abs(np.multiply(patch, kernel) - products) <= rounded).all()
        said = page.inner_text("#conv-sum").replace("−", "-")
        figures = [float(one) for one in re.findall(r": (-?\d+(?:\.\d+)?)", said)]
        assert figures[0] == pytest.approx(sum(products), abs=0.05 + 0.005 * abs(figures[0]))
        assert ("total" in said) == (layer > 0)


@needs_browser
def test_a_filter_that_is_off_gives_zeros(page: Any) -> None:
    open_section(page, "filters")
    page.locator("#off-gallery button").nth(5).click()
    page.locator("#off-gallery button").nth(1).click()

    def change(model: keras.Model) -> None:  # the next layer does not see those maps
        layer = model.get_layer("block2_conv1")
        kernel = np.array(layer.kernel)
        kernel[:, :, [1, 5]] = 0
        layer.kernel.assign(kernel)

    np.testing.assert_allclose(shares(page), keras_with(change), atol=6e-4)
    page.click("#off-none")
    page.click("#off-each")
    effects = page.locator("#off-gallery span").all_text_contents()
    assert len(effects) == 16 and len(set(effects)) > 2
    assert page.locator("#off-gallery .important").count() >= 1


@needs_browser
def test_another_pooling_gives_the_prediction_of_such_a_network(page: Any) -> None:
    open_section(page, "pooling")
    page.select_option("#pool-by", "average")

    expected = build_model(replace(POCKET, pooling="average"))
    source = keras.models.load_model(POCKET_FOLDER / "model.keras", compile=False)
    one = [i for i, layer in enumerate(source.layers) if "pool" in layer.name][0]
    x = expected.input
    for i, layer in enumerate(source.layers[1:], 1):  # the first pooling alone is another
        x = keras.layers.AveragePooling2D(2, padding="same")(x) if i == one else layer(x)
        if layer.name == "logits":
            break
    logits = np.asarray(keras.Model(expected.input, x)(to_inputs(sneaker())))[0]
    scaled = logits / load_predictor(POCKET_FOLDER).info.temperature
    powers = np.exp(scaled - scaled.max())
    np.testing.assert_allclose(shares(page), powers / powers.sum(), atol=6e-4)


@needs_browser
def test_maps_of_another_size_give_no_prediction(page: Any) -> None:
    open_section(page, "pooling")
    page.select_option("#pool-by", "none")
    assert page.inner_text("#prediction") == "No prediction"
    assert re.search(r"weight for each of 512 values and gets 2,048", page.inner_text("#pool-text"))
    page.select_option("#pool-by", "max")
    assert page.inner_text("#prediction") == "Sneaker" and page.locator("#undo").is_hidden()


@needs_browser
def test_shifting_the_image_changes_maps_less_after_pooling(page: Any) -> None:
    open_section(page, "pooling")
    page.locator("#shift-x").fill("1")
    before, after = page.locator("#pool-changes td").all_text_contents()[:2]
    assert 0 < float(after.removesuffix(" %")) < float(before.removesuffix(" %"))
    moved = np.roll(sneaker(), 1, axis=2)
    moved[:, :, 0] = 0
    np.testing.assert_allclose(
        shares(page), load_predictor(POCKET_FOLDER).predict(moved)[0], atol=6e-4
    )


@needs_browser
def test_a_constant_breaks_the_naive_formula_alone(page: Any) -> None:
    open_section(page, "softmax")
    before = page.locator("#logits .probability").all_text_contents()
    assert page.locator("#logits .naive").all_text_contents() == before
    page.locator("#constant").fill("1000")
    assert page.locator("#logits .probability").all_text_contents() == before
    assert set(page.locator("#logits .naive").all_text_contents()) == {"NaN"}
    assert "Infinity over infinity" in page.inner_text("#naive-text")
    page.locator("#constant").fill("-1000")
    assert "Zero over zero" in page.inner_text("#naive-text")


@needs_browser
def test_the_loss_is_that_of_the_true_class(page: Any) -> None:
    open_section(page, "softmax")
    assert page.locator("#true-class option:checked").inner_text() == "Sneaker"
    page.select_option("#true-class", label="Bag")
    page.locator("#temperature").fill("0")  # its logarithm
    logits = [
        float(text.replace("−", "-")) for text in page.locator("#logits output").all_text_contents()
    ]
    wanted = np.log(np.exp(logits).sum()) - logits[CLASS_NAMES.index("Bag")]
    found = re.search(r"= ([\d.]+)\. Its", page.inner_text("#loss"))
    assert found and float(found[1]) == pytest.approx(wanted, abs=0.02)
    page.locator("#logits input").nth(8).fill("14")
    assert page.locator("#logits .probability").nth(8).inner_text() == ">99.9 %"
    assert page.inner_text("#prediction") == "Sneaker"  # the playground alone was changed


@needs_browser
def test_own_images_and_drawings_are_classified(page: Any, tmp_path: Path) -> None:
    image = Image.fromarray(255 - np.pad(sneaker()[0], 4)).resize((200, 200))
    image.convert("RGB").save(tmp_path / "mine.png")
    page.set_input_files("#file", tmp_path / "mine.png")
    page.wait_for_selector("#preview:visible")
    assert page.inner_text("#prediction") == "Sneaker"
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    page.set_input_files("#file", tmp_path / "noise.png")
    page.wait_for_selector("#image-text:has-text('not plain')")
    (tmp_path / "x.png").write_bytes(b"no picture")
    page.set_input_files("#file", tmp_path / "x.png")
    page.wait_for_selector("#image-text:has-text('cannot read the image')")
    before = page.locator("#model-input").evaluate("c => c.toDataURL()")
    page.click("#tab-draw")
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 200)
    page.mouse.up()
    assert page.locator("#model-input").evaluate("c => c.toDataURL()") != before
    page.click("#tab-photo")


@needs_browser
def test_another_network_can_be_opened(browser: Any, address: str, tmp_path: Path) -> None:
    recipe = replace(RECIPES["color"], name="mine")
    network = network_of(recipe)
    labels = tuple(f"thing {i}" for i in range(10))
    network = replace(network, info=replace(network.info, labels=labels))
    (tmp_path / "network.json").write_text(document_of(network))
    (tmp_path / "other.json").write_text('{"layout": 7}')
    with visited(browser, address) as page:
        page.set_input_files("#network-file", tmp_path / "other.json")
        page.wait_for_selector("#network-text:has-text('another format')")
        page.set_input_files("#network-file", tmp_path / "network.json")
        page.wait_for_selector("#network-text:has-text('Opened')")
        assert page.locator("#samples-box").is_hidden()
        assert page.inner_text("#image-text") == "A drawn ring is shown until you choose an image."
        assert page.locator("#invitation .garment").is_hidden()
        assert "Recipe mine" in page.inner_text("#about")
        assert page.inner_text("#prediction").startswith("thing ")
        assert page.locator("#conv-input option").all_text_contents() == ["red", "green", "blue"]
        page.click("[data-preset='Blur']")
        open_section(page, "pooling")
        page.locator("#shift-x").fill("-3")


PAINT_TWICE = """async (address) => {
  const { paintMap } = await import(address + "feature_maps.js");
  const canvas = document.createElement("canvas");
  const mapsOf = (side) =>
    ({ height: side, width: side, channels: 1, values: new Float32Array(side * side) });
  return [2, 0].map((side) => {
    paintMap(canvas, mapsOf(side), 0);
    return [canvas.width, canvas.height];
  });
}"""


@needs_browser
def test_maps_without_values_leave_no_former_map(modules: tuple[Any, str]) -> None:
    """A pooling window that fits nowhere has no output; the map before it stayed on the page."""
    page, address = modules
    assert page.evaluate(PAINT_TWICE, address) == [[2, 2], [1, 1]]


def train_one_epoch(page: Any) -> None:
    page.locator("#train-epochs").fill("1")
    page.click("#train-start")
    page.wait_for_selector("#training[data-state=idle]:has(#train-own:not(:empty))")
    page.click("#task-3-check")
    page.click("#task-3-hint summary")


CONTROLS: dict[str, Callable[[Any], object]] = {
    "filters": lambda page: page.click("#off-each"),
    "softmax": lambda page: page.locator("#constant").fill("1000"),
    "training": train_one_epoch,
}
"""Change of a section that makes it as large as it gets."""


@needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_every_section_fits_the_screen_and_is_accessible(
    browser: Any, address: str, width: int
) -> None:
    with visited(browser, address, viewport={"width": width, "height": 844}) as page:
        for section in SECTIONS:
            open_section(page, section)
            if section in CONTROLS:
                CONTROLS[section](page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, section
            assert severe_faults(page) == [], section
