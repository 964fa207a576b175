"""Small networks for the playground, and its page."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ankleboot.core.types import to_inputs
from ankleboot.data.load import load_data
from ankleboot.export.deployable import DeployableModel
from ankleboot.export.network_json import layers_of
from ankleboot.export.playground import LAYOUT, PAGE, write
from ankleboot.inference.load import load_predictor
from ankleboot.models.architectures import build_model
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained.catalog import FOLDERS
from ankleboot.recipes.catalog import CNN10K, CNN50K, LEAKY, PLAIN, POCKET, SPRINT
from ankleboot.recipes.recipe import Recipe
from ankleboot.web.render import SHARED
from helpers.browser import local

POCKET_FOLDER = FOLDERS["pocket"]  # the network of the lessons: no skip connections, a dense layer

SMALL = replace(PLAIN, filters=3, dense_units=7)

SMALL_LEAKY = replace(LEAKY, filters=3, dense_units=7)

RECIPES = {
    "plain": SMALL,
    "leaky, same": SMALL_LEAKY,
    "pocket": replace(POCKET, filters=3, max_filters=8),
    "cosines": replace(SPRINT, filters=10),
    "average, valid": replace(SMALL, pooling="average", batch_norm=True, convs_per_block=2),
    "average, same, odd": replace(SMALL_LEAKY, pooling="average", kernel_size=4),
    "gelu, raw pixels": replace(SMALL, activation="gelu", input_scaling="none"),
    "strided": replace(SMALL, pooling="strided", convs_per_block=2),
    "strided, same": replace(SMALL_LEAKY, pooling="strided", batch_norm=True),
    "no pooling": replace(SMALL, pooling="none"),
    "residual": replace(CNN50K, convolution="standard", filters=4, max_filters=8),
    "separable": replace(CNN10K, filters=4, max_filters=8, global_pooling="max"),
    "color": replace(SMALL, image_size=21, color=True, crop="none", dropout=0.5),
}


def network_of(recipe: Recipe) -> DeployableModel:
    """With weights and statistics that are all different from what they begin with."""
    model = build_model(recipe)
    generator = np.random.default_rng(0)
    for variable in model.variables:
        if "seed" not in variable.path:
            drawn = generator.normal(0, 0.3, variable.shape)
            positive = "variance" in variable.path or "gamma" in variable.path
            variable.assign(np.abs(drawn) + 0.3 if positive else drawn)
    info = ModelMetadata(
        recipe=recipe.name,
        format="playground",
        image_size=recipe.image_size,
        color=recipe.color,
        crop=recipe.crop,
        temperature=1.7,
    )
    return DeployableModel(model, info, images_for(recipe)[:1])


def images_for(recipe: Recipe) -> np.ndarray:
    shape = recipe.image_spec.image_shape
    images = np.random.default_rng(1).integers(0, 256, (6, *shape), dtype=np.uint8)
    images[0] = 0
    return images


def kept_by_keras(
    model: keras.Model, layers: Sequence[Mapping[str, Any]], images: np.ndarray
) -> list[np.ndarray]:
    """The outputs of layers; those of a pooling of whole maps stand before and after flattening."""
    layer_names = [layer["name"].removesuffix("_maps") for layer in layers]
    every = keras.Model(model.input, [model.get_layer(name).output for name in layer_names])
    outputs = [np.asarray(output) for output in every(to_inputs(images), training=False)]
    return [
        output[:, np.newaxis, np.newaxis] if layer["name"].endswith("_maps") else output
        for layer, output in zip(layers, outputs, strict=True)
    ]


def document_of(network: DeployableModel) -> str:
    head = {"layout": LAYOUT, "samples": False, "info": asdict(network.info)}
    return json.dumps(head | {"layers": layers_of(network.model)})


def write_shipped(path: Path) -> Path:
    """The shipped model's playground."""
    model = keras.models.load_model(POCKET_FOLDER / "model.keras", compile=False)
    info = replace(load_predictor(POCKET_FOLDER).info, format="playground")
    write(DeployableModel(model, info, load_data("sample").train.images[:1]), path)
    return path


def write_sources(path: Path) -> Path:
    """Write the page's modules, which tests import one by one."""
    shutil.copytree(SHARED, path)
    shutil.copytree(PAGE, path, dirs_exist_ok=True)
    return path


SECTIONS = ("convolution", "pooling", "filters", "softmax", "training")


@contextmanager
def visited(browser: Any, address: str, **settings: Any) -> Iterator[Any]:
    """Open a page in a new context; console messages and requests to other hosts fail."""
    defaults = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
    context = browser.new_context(**defaults | settings)
    page = context.new_page()
    page.set_default_timeout(20_000)
    faults: list[str] = []
    base = address.partition("#")[0]
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda r: None if local(r.url, base) else faults.append(r.url))
    page.goto(address)
    page.wait_for_selector("body[data-ready]")
    try:
        yield page
    finally:
        context.close()
    assert faults == []


def open_section(page: Any, name: str) -> None:
    page.click(f"#bar a[href='#{name}']")


def reset(page: Any, fragment: str = "") -> None:
    """Show what a fresh page with this fragment shows."""
    restored = """fragment => new Promise((resolve) => {
      addEventListener("hashchange", () => resolve(), { once: true });
      location.hash = `#${fragment}&nothing=${Math.random()}`;
    })"""
    page.evaluate(restored, fragment)
