"""The offline page in a browser computes what Python computes."""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from ankleboot import web
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import EnvironmentFailure, ModelError
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.data.preprocessing.garment import (
    cut_out_image,
    garment_image,
    has_plain_background,
    negated,
    opacity,
)
from ankleboot.data.preprocessing.preprocess import DecodedImage, crop_around
from ankleboot.data.preprocessing.segmentation import (
    MASK_SIDE,
    MAX_SEPARATE,
    Box,
    remove_specks,
    segment_garment,
    separate_garments,
)
from ankleboot.inference.decide import Prediction, decide
from ankleboot.inference.load import load_predictor
from ankleboot.inference.ood_features import ood_features, similarity_of
from ankleboot.inference.predict import predict_files
from ankleboot.inference.router import ModelRouter, load_router
from ankleboot.models.files.checksums import read_verified_tflite
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.files.ood_check import OodCheck, unit_vectors
from ankleboot.models.pretrained import catalog
from ankleboot.recipes.image_spec import FITS, ImageSpec
from helpers.accessibility import severe_faults
from helpers.browser import (
    Site,
    headline,
    needs_browser,
    packed,
    scene,
    served,
    unpacked,
    visited,
)

DECLINED = ("hat", "shorts", "skirt")
PHOTO_LABELS = ("hat", *CLASS_NAMES, "shorts", "skirt")


def write_photo_model(path: Path) -> None:
    """A model of photographs that goes by their color: red is a hat, green a Coat, ...

    It takes both views, as the shipped one does; the cut-out changes its answers a little.
    """
    import keras

    from ankleboot.export import litert
    from ankleboot.export.deployable import DeployableModel

    inputs = keras.Input((448, 224, 3))
    views = (keras.layers.Cropping2D((part, (0, 0)))(inputs) for part in ((224, 0), (0, 224)))
    mean = keras.layers.Concatenate()([keras.layers.GlobalAveragePooling2D()(x) for x in views])
    logits = keras.layers.Dense(len(PHOTO_LABELS), name="logits")
    model = keras.Model(inputs, keras.layers.Softmax()(logits(mean)))
    kernel, bias = np.zeros((6, len(PHOTO_LABELS)), np.float32), np.zeros(len(PHOTO_LABELS))
    kernel[3:5, PHOTO_LABELS.index("Coat")] = -0.5
    for row, label in ((0, "hat"), (1, "Coat"), (2, "Shirt"), (2, "Pullover")):
        kernel[row, PHOTO_LABELS.index(label)] = 20
        bias[PHOTO_LABELS.index(label)] = -8
    bias[PHOTO_LABELS.index("Pullover")] -= 0.3
    logits.set_weights([kernel, bias])
    info = ModelMetadata(
        recipe="by-color",
        abstain_below=0.6,
        labels=PHOTO_LABELS,
        reject_labels=DECLINED,
        image_size=224,
        color=True,
        crop="both",
    )
    network = DeployableModel(model, info, np.zeros((1, 448, 224, 3), np.uint8))
    litert.write(network, path, batch_size=1)


@pytest.fixture(scope="module")
def photo_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "model.tflite"
    write_photo_model(path)
    return path


def exported_or_skipped(model: Path, folder: Path, data: Dataset) -> Path:
    from ankleboot.export.export import export_model

    try:
        export_model(model, "web-float32", folder, data)
    except EnvironmentFailure as error:
        if "cannot get LiteRT.js" not in str(error) or "sha256" in str(error):
            raise
        pytest.skip(str(error))  # no npm and no network here
    return folder


@pytest.fixture(scope="module")
def page_folder(tmp_path_factory: pytest.TempPathFactory, photo_model: Path) -> Path:
    """The web page of the shipped model, with another one for photographs."""
    folder = tmp_path_factory.mktemp("site") / "web"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalog.FOLDERS, catalog.PHOTO, photo_model.parent)
        return exported_or_skipped(Path("pretrained"), folder, load_data("sample"))


@pytest.fixture(scope="module")
def address(page_folder: Path) -> Iterator[str]:
    with served(page_folder) as address:
        yield address


@pytest.fixture(scope="module")
def shared_page(browser: Any, address: str) -> Iterator[Any]:
    """The shipped model's page, for tests that run functions of its modules and change nothing."""
    with visited(browser, address) as page:
        ready(page)
        yield page


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The shipped model's page, loaded and ready, with open folds."""
    with visited(browser, address) as page:
        ready(page)
        yield page


def ready(page: Any) -> None:
    """Wait for the model and for the service worker's copies, and open all folds."""
    page.locator("body[data-offline=ready]").wait_for()
    open_folds(page)


def open_folds(page: Any) -> None:
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")


def percent_of(text: str) -> float:
    return float(text.removeprefix(">").removesuffix(" %"))


RUN = """async ([address, images]) => {
  const { run } = await import(address + "models.js");
  const rows = [];
  for (const text of images) {
    rows.push(await run("default", Uint8Array.from(atob(text), (c) => c.charCodeAt(0))));
  }
  return rows;
}"""

PREPROCESS = """async ([address, text, width, height, masked, squares]) => {
  const preprocessing = await import(address + "preprocessing.js");
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const image = { data: bytes(text), width, height };
  const mask = bytes(masked);
  const alpha = preprocessing.opacity(image, mask);
  const pack = (values) => {
    let text = "";
    for (const value of values) text += String.fromCharCode(value);
    return btoa(text);
  };
  return {
    is_image: preprocessing.isDatasetImage(image),
    is_plain: preprocessing.hasPlainBackground(image),
    plain: pack(preprocessing.garmentImage(image)),
    masked: pack(preprocessing.garmentImage(image, mask)),
    opacity: pack(alpha),
    negated: pack(preprocessing.negated(image, alpha)),
    squares: squares.map(([side, color, fit]) =>
      pack(preprocessing.resize(image, side, color, fit))),
    cut_out: pack(preprocessing.cutOutImage(image, mask, 101)),
    cut_from_plain: pack(preprocessing.cutOutImage(image, null, 64)),
  };
}"""


@needs_browser
def test_the_browser_predicts_as_python_does(
    shared_page: Any, address: str, page_folder: Path
) -> None:
    images = load_data("sample").test.images[:200]
    got = np.array(shared_page.evaluate(RUN, [address, [packed(image) for image in images]]))
    expected = load_predictor(page_folder).predict(images)
    np.testing.assert_array_equal(got.argmax(axis=1), expected.argmax(axis=1))
    np.testing.assert_allclose(got, expected, atol=1e-4)


def images() -> list[np.ndarray]:
    """Enlarged garments on light and dark, noise, odd shapes, and images of the data set."""
    generator = np.random.default_rng(0)
    found = []
    for index, image in enumerate(load_data("sample").test.images[:24]):
        side = int(generator.integers(29, 300))
        size = (side, side + 7 * (index % 3))
        large = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
        large = np.pad(large, int(generator.integers(0, 40)))
        rgb = np.stack([large, large // 2 + large // 4, large], axis=-1)
        found.append(255 - rgb if index % 2 else rgb)
    half = np.zeros((40, 40, 3), np.uint8)
    half[:, 20:] = 255
    found.append(half)
    for shape in ((1, 1), (1, 90), (90, 1), (28, 28), (33, 500), (29, 27), (192, 192), (640, 9)):
        found.append(generator.integers(0, 255, (*shape, 3), dtype=np.uint8))
    found += [
        np.repeat(image[..., None], 3, axis=2) for image in load_data("sample").test.images[:5]
    ]
    sizes = ((640, 480), (480, 640), (193, 250), (250, 193), (150, 400), (300, 300))
    return found + [scene(height, width, seed) for seed, (height, width) in enumerate(sizes)]


def masks(number: int) -> np.ndarray:
    """Noise, soft blobs, hard boxes, and nothing."""
    generator = np.random.default_rng(number)
    kind = number % 4
    if kind == 0:
        return generator.integers(0, 256, (MASK_SIDE, MASK_SIDE), dtype=np.uint8)
    if kind == 1:
        small = generator.integers(0, 256, (5, 5), dtype=np.uint8)
        return np.asarray(
            Image.fromarray(small).resize((MASK_SIDE, MASK_SIDE), Image.Resampling.BICUBIC)
        )
    mask = np.zeros((MASK_SIDE, MASK_SIDE), np.uint8)
    if kind == 2:
        top, left = generator.integers(0, 60, 2)
        mask[top : top + 30, left : left + 20] = generator.integers(100, 256)
    return mask


@needs_browser
@pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 3))])
def test_the_browser_preprocesses_images_pixel_by_pixel_as_python_does(
    part: int, shared_page: Any, address: str
) -> None:
    specs = [
        ImageSpec(side, color, "none", fit)
        for fit in FITS
        for side in ((8, 28, 100, 192, 224) if fit == "stretch" else (28, 101, 192))
        for color in (False, True)
    ]
    squares = [(spec.image_size, spec.color, spec.fit) for spec in specs]
    for number, pixels in [*enumerate(images())][part::4]:
        mask = masks(number // 4)  # each kind of mask in each part
        opaque = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
        height, width = pixels.shape[:2]
        sent = [address, packed(opaque), width, height, packed(mask), squares]
        got, what = shared_page.evaluate(PREPROCESS, sent), f"{number}: {width} x {height}"
        is_same = DecodedImage(pixels).is_dataset_image
        assert got["is_image"] == is_same, what
        assert got["is_plain"] == has_plain_background(pixels), what
        wanted = {
            "plain": pixels[..., 0] if is_same else garment_image(pixels),
            "masked": pixels[..., 0] if is_same else garment_image(pixels, mask),
            "opacity": opacity(pixels, mask),
            "negated": negated(pixels, opacity(pixels, mask)),
            "cut_out": cut_out_image(255 - pixels if is_same else pixels, mask, 101),
            "cut_from_plain": cut_out_image(255 - pixels if is_same else pixels, None, 64),
        }
        for name, values in wanted.items():
            np.testing.assert_array_equal(unpacked(got[name]), values.ravel(), f"{name} {what}")
        for spec, values in zip(specs, got["squares"], strict=True):
            square = DecodedImage(pixels).preprocess(spec)
            np.testing.assert_array_equal(unpacked(values), square.ravel(), f"{what}, {spec.fit}")


DECIDE = """async ([address, cases]) => {
  const { decide } = await import(address + "decision.js");
  const { removeSpecks } = await import(address + "segmentation.js");
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const { similarityOf } = await import(address + "ood_check.js");
  return cases.map(([image, mask, probs, info, features, isBlank]) => {
    const similarityTo = features && similarityOf(features, info.ood_check);
    const garment = mask && removeSpecks(bytes(mask));
    const { label, confidence, probabilities, noneOfThese, cause, reason } =
      decide(bytes(image), garment, probs, info, { similarityTo, isBlank });
    return [label, confidence, probabilities, noneOfThese, cause, reason];
  });
}"""


@needs_browser
def test_the_browser_decides_as_python_does_with_the_same_messages(
    shared_page: Any, address: str
) -> None:
    generator = np.random.default_rng(0)
    usual = ModelMetadata(abstain_below=0.55)
    photo = ModelMetadata(
        abstain_below=0.6,
        labels=PHOTO_LABELS,
        reject_labels=("skirt", "hat", "shorts"),
        image_size=8,
        color=True,
        crop="none",
    )
    own = ModelMetadata(abstain_below=0.9, labels=("10", "2", "a"), crop="none", image_size=8)
    centers = {
        label: unit_vectors(generator.normal(size=(n, 192)).astype(np.float32))
        for label, n in zip(own.labels, (5, 2, 0), strict=True)
    }
    check = OodCheck.of(centers, 0.03, 100)
    checked = dataclasses.replace(own, ood_check=check.to_json(), abstain_below=0.5)
    sent, wanted = [], []
    for number in range(160):
        info = (usual, photo, own, checked)[number % 4]
        if info is photo:
            info = dataclasses.replace(photo, crop=("none", "cut-out", "both")[number // 4 % 3])
        features = generator.normal(size=192).astype(np.float32) if info.ood_check else None
        sharpness = (0.3, 1, 4, 12)[number // 4 % 4]
        logits = np.round(sharpness * generator.normal(size=len(info.labels)))  # and so, equals
        probs = (np.exp(logits) / np.exp(logits).sum()).astype(np.float32)
        image = generator.integers(0, 256, info.image_spec.image_shape, dtype=np.uint8)
        if number % 7 == 0:
            image[:] = image[0, 0]
        garment = None
        if number % 5:
            mask = np.zeros((MASK_SIDE, MASK_SIDE), np.uint8)
            mask[: number % 5, : 10 * (number % 11)] = 128  # 1.5 per cent are 138 cells
            if number % 4 == 0:
                mask[40:60, 40:60] = mask[70:88, 40:60] = 200
            garment = remove_specks(mask)
        sent.append(
            [
                packed(image),
                None if garment is None else packed(mask),
                [float(p) for p in probs],
                dataclasses.asdict(info),
                None if features is None else features.tolist(),
                number % 9 == 0,
            ]
        )
        similarity_of = None if features is None else partial(check.similarity, features)
        said = decide(
            image, garment, probs, info, is_blank=number % 9 == 0, similarity_of=similarity_of
        )
        shares = [[label, share] for label, share in said.probs.items()]
        row = [said.label, said.confidence, shares, said.none_of_these, said.cause, said.reason]
        wanted.append(row)
    got = shared_page.evaluate(DECIDE, [address, sent])
    for one, other in zip(got, wanted, strict=True):
        assert one.pop(3) == pytest.approx(other.pop(3))  # a sum
        assert one == other
    reasons = {str(row[-1]).split(" ")[0] for row in wanted}
    assert reasons == {"None", "more", "no", "not", "unlike", "unsure", "the"}


REMOVE_SPECKS = """async ([address, masks]) => {
  const { removeSpecks } = await import(address + "segmentation.js");
  return masks.map((text) => {
    const mask = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const { mask: values, numObjects, areaFraction } = removeSpecks(mask);
    return [btoa(String.fromCharCode(...values)), numObjects, areaFraction];
  });
}"""


@needs_browser
def test_the_browser_removes_the_same_specks(shared_page: Any, address: str) -> None:
    generator = np.random.default_rng(3)
    masks = [
        np.zeros((MASK_SIDE, MASK_SIDE), np.uint8),
        np.full((MASK_SIDE, MASK_SIDE), 127, np.uint8),
    ]
    for number in range(40):
        coarse = generator.integers(0, 256, (3 + number % 12,) * 2, dtype=np.uint8)
        masks.append(np.asarray(Image.fromarray(coarse).resize((MASK_SIDE, MASK_SIDE))))
    got = shared_page.evaluate(REMOVE_SPECKS, [address, [packed(mask) for mask in masks]])
    for mask, (values, num_objects, area_fraction) in zip(masks, got, strict=True):
        wanted = remove_specks(mask)
        np.testing.assert_array_equal(unpacked(values), wanted.mask.ravel())
        assert num_objects == wanted.num_objects and area_fraction == pytest.approx(
            wanted.area_fraction
        )


SEPARATE = """async ([address, masks]) => {
  const { separateGarments } = await import(address + "segmentation.js");
  return masks.map((text) => {
    const mask = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return separateGarments(mask).map(({ box, mask: values }) =>
      [box, btoa(String.fromCharCode(...values))]);
  });
}"""


@needs_browser
def test_the_browser_separates_the_same_garments(shared_page: Any, address: str) -> None:
    generator = np.random.default_rng(5)
    masks = [np.zeros((MASK_SIDE, MASK_SIDE), np.uint8)]
    for number in range(40):
        coarse = generator.integers(0, 256, (2 + number % 12,) * 2, dtype=np.uint8)
        smoothness = Image.Resampling.BICUBIC if number % 2 else Image.Resampling.NEAREST
        masks.append(np.asarray(Image.fromarray(coarse).resize((MASK_SIDE, MASK_SIDE), smoothness)))
    many = masks[0].copy()
    for number in range(12):  # of two sizes, so that the first of equal ones remain
        top, left = 24 * (number // 4), 24 * (number % 4)
        many[top : top + 14 + number % 3 // 2, left : left + 15] = 200
    masks.append(many)
    got = shared_page.evaluate(SEPARATE, [address, [packed(mask) for mask in masks]])
    counts = set()
    for mask, garments in zip(masks, got, strict=True):
        wanted = separate_garments(mask)
        counts.add(len(wanted))
        assert [box for box, _ in garments] == [vars(garment.box) for garment in wanted]
        for (_, values), garment in zip(garments, wanted, strict=True):
            np.testing.assert_array_equal(unpacked(values), garment.mask.ravel())
    assert {0, 1, 2, 3, MAX_SEPARATE} <= counts


CROP = """async ([address, text, width, height, boxes]) => {
  const { cropAround } = await import(address + "preprocessing.js");
  const data = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return boxes.map((box) => {
    const part = cropAround({ data, width, height }, box);
    return [part.width, part.height, btoa(String.fromCharCode(...part.data))];
  });
}"""


@needs_browser
def test_the_browser_crops_the_same_part_of_a_photo(shared_page: Any, address: str) -> None:
    generator = np.random.default_rng(6)
    boxes = [Box(0.0, 0.0, 1.0, 1.0)]
    for _ in range(30):
        left, right, top, bottom = (
            int(cell) for pair in (0, 1) for cell in np.sort(generator.choice(97, 2, replace=False))
        )
        boxes.append(Box(left / 96, top / 96, (right - left) / 96, (bottom - top) / 96))
    for height, width in ((60, 80), (97, 31), (28, 28), (1, 5)):
        opaque = generator.integers(0, 256, (height, width, 4), dtype=np.uint8)
        sent = [address, packed(opaque), width, height, [vars(box) for box in boxes]]
        for box, got in zip(boxes, shared_page.evaluate(CROP, sent), strict=True):
            wanted = crop_around(opaque[..., :3], box)
            assert tuple(got[:2]) == wanted.shape[1::-1], box
            pixels = unpacked(got[2]).reshape(*wanted.shape[:2], 4)[..., :3]
            np.testing.assert_array_equal(pixels, wanted, str(box))


TO_MASK = """async ([address, values]) => {
  const { toMask } = await import(address + "segmentation.js");
  return Array.from(toMask(Float32Array.from(values)));
}"""


@needs_browser
def test_a_mask_is_rounded_as_numpy_does(shared_page: Any, address: str) -> None:
    halves = (np.arange(255, dtype=np.float32) + np.float32(0.5)) / np.float32(255)
    probs = np.concatenate([halves, np.random.default_rng(0).random(2000, np.float32), [0, 1]])
    probs = probs.astype(np.float32)
    got = shared_page.evaluate(TO_MASK, [address, [float(p) for p in probs]])
    np.testing.assert_array_equal(got, np.rint(255 * probs).astype(np.uint8))


@needs_browser
def test_an_image_can_be_chosen(page: Any, tmp_path: Path) -> None:
    Image.fromarray(photographs()["sure"]).save(tmp_path / "coat.png")
    page.set_input_files("#file", tmp_path / "coat.png")
    page.locator("#prediction:text-is('Coat')").wait_for()
    assert page.locator(".bars li.first .name").inner_text() == "Coat"
    assert page.locator("#preview").is_visible() and not page.locator("#invitation").is_visible()


def photographs() -> dict[str, Any]:
    """Each is answered in another way."""
    rows = np.mgrid[:300, :280][0, ..., None]
    slope = np.array([90, 80, 70]) + rows * np.array([0.4, 0.36, 0.32])
    on_white = np.where(scene(200, 220, 4) == scene(200, 220, 4, (0, 250, 0)), 250, 70)
    return {
        "declined": scene(300, 280, 0, (200, 20, 20)),
        "sure": scene(280, 360, 1, (20, 200, 20)),
        "unsure": scene(300, 280, 2, (20, 20, 220)),
        "missing": slope.astype(np.uint8),
        "plain": on_white.astype(np.uint8),
        "blank": np.full((90, 60, 3), 200, np.uint8),
        "image": np.repeat(load_data("sample").test.images[3][..., None], 3, axis=2),
    }


@needs_browser
def test_photographs_are_predicted_as_in_python(
    page: Any, address: str, photo_model: Path, tmp_path: Path
) -> None:
    experts = ModelRouter(load_predictor(Path("pretrained")), photo_model)
    beginnings = {}
    for name, pixels in photographs().items():
        path = tmp_path / f"{name}.png"
        Image.fromarray(pixels).save(path)
        page.set_input_files("#file", path)
        [said] = predict_files(experts, [path])
        assert isinstance(said, Prediction)
        page.locator(f"#prediction:text-is('{headline(said)}')").wait_for()
        page.locator("#timing:has-text('Predicted')").wait_for()
        beginnings[name] = headline(said).split(" ")[0]
        shares = page.locator("#bars .probability").all_inner_texts()
        wanted = [*said.probs.values()] + [said.none_of_these] * (name != "image")
        for text, share in zip(shares, wanted, strict=True):
            assert percent_of(text) == pytest.approx(100 * share, abs=0.1)
        number = {"image": 1, "missing": 2, "plain": 4, "blank": 4}.get(name, 5)
        beside = page.locator("#way figcaption").all_inner_texts()
        assert len(beside) == min(number, 3), name
        assert page.locator("#steps-list li").count() == number, name
        assert page.locator("#steps-fold").is_visible() == (number > 3), name
        assert ("%" in page.locator(".answer").inner_text()) == (said.cause in (None, "unsure"))
    assert beginnings == {
        "declined": "Something",
        "sure": "Coat",
        "unsure": "Unsure",
        "missing": "No",
        "plain": "Something",
        "blank": "The",
        "image": "Sandal",
    }


BOXES = """() => {
  const { left, top, width, height } = document.querySelector("#preview").getBoundingClientRect();
  return [...document.querySelectorAll("#preview-frame .box")].map((box) => {
    const at = box.getBoundingClientRect();
    return [box.innerText, (at.left - left) / width, (at.top - top) / height, at.width / width,
      at.height / height];
  });
}"""


@needs_browser
def test_several_garments_have_numbered_boxes(
    page: Any, address: str, photo_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "two.png"
    colors = ((20, 200, 20), (20, 120, 220))
    parts = [scene(300, 280, number, color) for number, color in enumerate(colors)]
    Image.fromarray(np.concatenate(parts, axis=1)).save(path)
    router = ModelRouter(load_predictor(Path("pretrained")), photo_model)
    [said] = predict_files(router, [path])
    assert isinstance(said, Prediction) and len(said.garments) == 2
    page.set_input_files("#file", path)
    page.locator("#prediction:text-is('More than one garment on the photo')").wait_for()
    rows = page.locator("#garments li").all_inner_texts()
    for row, garment in zip(rows, said.garments, strict=True):
        assert row.startswith(headline(garment))
        share = percent_of(row.split(" ")[-1].replace("\u00a0", " "))
        assert share == pytest.approx(100 * garment.confidence, abs=0.1)
    boxes = page.evaluate(BOXES)
    for number, ((text, *got), garment) in enumerate(zip(boxes, said.garments, strict=True), 1):
        mark = "" if garment.cause is None else "?"
        assert text == f"{number} {garment.label}{mark}"
        assert got == pytest.approx(list(vars(garment.box).values()), abs=0.01)
    assert page.locator("#way li:first-child .box").all_inner_texts() == ["1", "2"]
    assert severe_faults(page) == []
    page.locator("#samples button").first.click()
    page.locator("#prediction:text-is('T-shirt/top')").wait_for()
    assert page.locator(".box").count() == 0 and not page.locator("#garments").is_visible()


@needs_browser
def test_the_shipped_model_for_photographs_runs_in_the_browser(
    browser: Any, address: str, page_folder: Path, tmp_path: Path
) -> None:
    file = catalog.photo_model(Path("pretrained"))
    assert file is not None
    described = json.loads((page_folder / "models.json").read_text())
    described["models"]["photo"] |= dataclasses.asdict(read_verified_tflite(file)[1])
    features = {"title": "Check", "file": catalog.OOD_FEATURES.name, "bytes": 1}
    features |= dataclasses.asdict(read_verified_tflite(catalog.OOD_FEATURES)[1])
    described["models"]["ood_features"] = features
    Image.fromarray(photographs()["sure"]).save(tmp_path / "a.png")
    [said] = predict_files(load_router(Path("pretrained")), [tmp_path / "a.png"])
    assert isinstance(said, Prediction)
    context = browser.new_context(service_workers="block")  # it would not ask here
    page = context.new_page()
    page.route("**/models.json", lambda route: route.fulfill(json=described))
    page.route("**/photo.tflite", lambda route: route.fulfill(body=file.read_bytes()))
    check = catalog.OOD_FEATURES.read_bytes()
    page.route("**/ood_features.tflite", lambda route: route.fulfill(body=check))
    page.goto(address)
    open_folds(page)  # without a service worker nothing is stored
    page.set_input_files("#file", tmp_path / "a.png")
    page.locator("#steps-list li").first.wait_for()
    rows = page.locator("#bars li")
    assert page.locator("#bars .name").all_inner_texts() == [*CLASS_NAMES, "None of these"]
    for row, share in zip(rows.all(), [*said.probs.values(), said.none_of_these], strict=True):
        text = row.locator(".probability").inner_text()
        assert float(text.removeprefix(">").removesuffix(" %")) == pytest.approx(
            100 * share, abs=10
        )
    context.close()


def test_the_other_models_have_a_batch_size_of_one() -> None:
    """LiteRT.js refuses files with a dynamic batch size."""
    from ai_edge_litert.interpreter import Interpreter

    photo = catalog.photo_model(Path("pretrained"))
    for path in (catalog.SEGMENTATION, catalog.OOD_FEATURES, photo):
        assert path is not None
        interpreter = Interpreter(model_content=read_verified_tflite(path)[0])
        assert interpreter.get_input_details()[0]["shape_signature"][0] == 1, path


SEGMENT = """async ([address, text, width, height]) => {
  const { run } = await import(address + "models.js");
  const { resize } = await import(address + "preprocessing.js");
  const { removeSpecks, toMask } = await import(address + "segmentation.js");
  const data = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const probs = await run("segmentation", resize({ data, width, height }, 192, true));
  return Array.from(removeSpecks(toMask(probs)).mask);
}"""


@needs_browser
def test_the_browser_segments_as_python_does(shared_page: Any, address: str) -> None:
    pixels = scene(300, 280, 0)
    opaque = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    got = np.array(shared_page.evaluate(SEGMENT, [address, packed(opaque), 280, 300]))
    wanted = segment_garment(pixels).mask.ravel().astype(int)
    assert ((got >= 128) == (wanted >= 128)).mean() > 0.995  # another processor, other roundings
    assert np.abs(got - wanted).mean() < 1


@needs_browser
def test_the_models_for_photographs_are_fetched_with_the_first_one(
    browser: Any, address: str, tmp_path: Path
) -> None:
    """They are cached: without a network the next one is predicted, too."""
    Image.fromarray(photographs()["sure"]).save(tmp_path / "a.png")
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(address)))
    page.goto(address)
    ready(page)
    assert "model.tflite" in asked
    assert not {"segmentation.tflite", "photo.tflite"} & set(asked)
    page.set_input_files("#file", tmp_path / "a.png")
    page.locator("#prediction:text-is('Coat')").wait_for()
    assert {"segmentation.tflite", "photo.tflite"} <= set(asked)
    context.set_offline(True)
    page.reload()
    ready(page)
    page.set_input_files("#file", tmp_path / "a.png")
    page.locator("#prediction:text-is('Coat')").wait_for()
    context.close()


class CountingSite(Site):
    """Site that notes each file that it sends, with its size."""

    sent: ClassVar[list[tuple[str, int]]] = []

    def copyfile(self, source: Any, outputfile: Any) -> None:
        content = source.read()
        self.sent.append((self.path.removeprefix("/"), len(content)))
        outputfile.write(content)


@needs_browser
def test_every_file_is_fetched_once(browser: Any, page_folder: Path, tmp_path: Path) -> None:
    Image.fromarray(photographs()["sure"]).save(tmp_path / "a.png")
    sent = CountingSite.sent
    sent.clear()
    context = browser.new_context()
    page = context.new_page()
    with served(page_folder, CountingSite) as address:
        page.goto(address)
        ready(page)
        page.set_input_files("#file", tmp_path / "a.png")
        page.locator("#prediction:text-is('Coat')").wait_for()
        assert {"model.tflite", "photo.tflite", "segmentation.tflite"} <= {name for name, _ in sent}
        assert any(name.endswith(".wasm") for name, _ in sent)
        assert sorted(name for name, _ in sent) == sorted({name for name, _ in sent})
        sent.clear()
        page.reload()
        ready(page)
        page.set_input_files("#file", tmp_path / "a.png")
        page.locator("#prediction:text-is('Coat')").wait_for()
        assert sum(size for _, size in sent) < 20_000  # the HTML of a navigation
    context.close()


@needs_browser
def test_a_missing_model_without_a_network_is_reported(
    browser: Any, address: str, tmp_path: Path
) -> None:
    Image.fromarray(photographs()["sure"]).save(tmp_path / "a.png")
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    ready(page)
    context.set_offline(True)
    page.set_input_files("#file", tmp_path / "a.png")
    page.locator("#confidence:has-text('there is no network connection')").wait_for()
    context.set_offline(False)
    page.set_input_files("#file", tmp_path / "a.png")
    page.locator("#prediction:text-is('Coat')").wait_for()
    context.close()


def own_page(folder: Path, info: ModelMetadata) -> Path:
    """The page of an untrained network."""
    import keras

    from ankleboot.export import offline_app
    from ankleboot.export.deployable import DeployableModel

    shape = (info.image_size, info.image_size, 3 if info.color else 1)
    inputs = keras.Input(shape)
    flat = keras.layers.Flatten()(keras.layers.AveragePooling2D(4)(inputs))
    logits = keras.layers.Dense(len(info.labels), name="logits")(flat)
    model = keras.Model(inputs, keras.layers.Softmax()(logits))
    images = np.zeros((1, *info.image_spec.image_shape), np.uint8)
    try:
        offline_app.write(DeployableModel(model, info, images), folder)
    except EnvironmentFailure as error:
        if "cannot get LiteRT.js" not in str(error) or "sha256" in str(error):
            raise
        pytest.skip(str(error))
    return folder


OWN = {
    "colored": ModelMetadata(
        data="pets/",
        labels=(
            "10",
            "2",
            "<u>&amp; $x$",
            *(f"a rather long name of class {i}" for i in range(97)),
        ),
        image_size=40,
        color=True,
        crop="none",
    ),
    "two": ModelMetadata(data="two/", labels=("left", "right"), image_size=8, crop="none"),
    "garment": ModelMetadata(data="jeans/", labels=("slim", "wide", "flared")),
    "clothes": ModelMetadata(recipe="mine", data="fashion-mnist"),
}


@needs_browser
@pytest.mark.parametrize(
    "kind",
    ["garment", "colored", *(pytest.param(k, marks=pytest.mark.slow) for k in ("two", "clothes"))],
)
def test_the_page_of_own_classes_is_about_them(kind: str, browser: Any, tmp_path: Path) -> None:
    info = OWN[kind]
    folder = own_page(tmp_path / "web", info)
    is_own, finds = kind != "clothes", info.crop == "garment"
    assert (folder / "segmentation.tflite").exists() == finds
    assert (folder / "samples.png").exists() == (not is_own)
    assert not (folder / "photo.tflite").exists()
    pixels = scene(300, 280, 0)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    [said] = predict_files(
        ModelRouter(load_predictor(folder / "model.tflite")), [tmp_path / "a.png"]
    )
    assert isinstance(said, Prediction)
    with served(folder) as address, visited(browser, address) as page:
        ready(page)
        name = info.data.strip("/") if is_own else "Which garment is this?"
        assert page.locator("#title").inner_text() == name and page.title().startswith(name)
        words = page.locator("body").inner_text()
        assert ("Fashion-MNIST" in words, "clothing" in words) == (not is_own, not is_own)
        assert ("garment" in words) == (not is_own) or finds
        assert info.data.strip("/") in words or not is_own
        assert page.locator("#invitation .picture").first.is_visible() == is_own
        assert page.locator("#invitation .garment").is_visible() != is_own
        assert page.locator("#draw").is_visible() == finds
        assert page.locator("#samples-box").is_visible() != is_own
        page.set_input_files("#file", tmp_path / "a.png")
        page.locator("#timing:has-text('Predicted')").wait_for()
        page.locator(f"#confidence:has-text('{100 * said.confidence:.1f} %')").wait_for()
        assert page.locator("#prediction").inner_text() == headline(said)
        rows = page.locator("#bars .name").all_inner_texts()
        wanted = sorted(said.probs, key=lambda label: -said.probs[label])
        assert rows == (wanted if is_own else list(info.labels))
        assert page.locator("#way").is_visible()
        assert (page.locator("#classes").get_attribute("tabindex") == "0") == (len(rows) > 12)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


SIMILARITY = """async ([text, side]) => {
  const { models, run } = await import(location.href + "models.js");
  const { resize } = await import(location.href + "preprocessing.js");
  const { similarityOf, squareImage } = await import(location.href + "ood_check.js");
  const image = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const square = resize(squareImage(image, side), models.ood_features.image_size, true);
  return similarityOf(await run("ood_features", square), models.default.ood_check)(1);
}"""


@needs_browser
def test_the_page_declines_what_resembles_no_training_image(browser: Any, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    image = generator.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    near = ood_features(image) + generator.normal(0, 0.05, 192)
    centers = unit_vectors(np.stack([-near, near]).astype(np.float32))
    check = OodCheck.of({"cat": centers[:1], "dog": centers[1:]}, 0.5, 100).to_json()
    info = dataclasses.replace(OWN["colored"], labels=("cat", "dog"), ood_check=check)
    folder = own_page(tmp_path / "web", info)
    Image.fromarray(image).save(tmp_path / "a.png")
    router = ModelRouter(load_predictor(folder / "model.tflite"))
    [said] = predict_files(router, [tmp_path / "a.png"], abstain_below=0.0)
    expected = similarity_of(image, info)
    assert isinstance(said, Prediction) and expected is not None and expected(1) > 0.9
    with served(folder) as address, visited(browser, address) as page:
        ready(page)
        got = page.evaluate(SIMILARITY, [packed(image), 40])
        assert got == pytest.approx(expected(1), abs=0.02)
        page.set_input_files("#file", tmp_path / "a.png")
        page.locator("#timing:has-text('Predicted')").wait_for()
        assert page.locator("#prediction").inner_text() == headline(said)
        assert (said.cause == "unfamiliar") == (said.label == "cat")


@needs_browser
def test_a_page_opened_as_a_file_says_that_it_needs_a_server(
    browser: Any, page: Any, tmp_path: Path
) -> None:
    """Modules do not run there, and the page was dead without a word."""
    assert page.locator("#from-disk").count() == 0  # served
    source = Path(web.__file__).parent / "offline_app/index.html"
    opened = browser.new_page()
    opened.goto(Path(shutil.copy(source, tmp_path)).as_uri())
    assert "python -m http.server" in opened.locator("#from-disk").inner_text()
    opened.close()


@needs_browser
def test_an_unreadable_image_is_reported(page: Any, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    page.set_input_files("#file", tmp_path / "a.png")
    page.locator("#prediction:has-text('no image that the browser can read')").wait_for()
    assert page.locator("#confidence").inner_text() == "a.png"
    assert page.locator("#invitation").is_visible()


@needs_browser
def test_a_drawing_is_classified_and_cleared(page: Any) -> None:
    page.click("#draw")
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    for x, y in ((60, 120), (120, 120), (120, 60), (60, 60)):
        page.mouse.move(box["x"] + x, box["y"] + y, steps=3)
    page.mouse.up()
    page.locator("#timing:has-text('Predicted')").wait_for()
    page.click("#clear")
    page.locator("#prediction:has-text('The image is of one color')").wait_for()


@needs_browser
def test_abstentions_are_marked(browser: Any, address: str, page_folder: Path) -> None:
    """With a threshold that no answer reaches."""
    described = json.loads((page_folder / "models.json").read_text())
    described["models"]["default"]["abstain_below"] = 1.1
    context = browser.new_context()
    page = context.new_page()
    page.route("**/models.json", lambda route: route.fulfill(json=described))
    page.goto(address)
    page.locator("#samples button").first.click()
    page.locator("#prediction:has-text('Not sure of T-shirt/top')").wait_for()
    said = page.locator("#confidence").inner_text().replace("\u00a0", " ")
    assert "answers only when it is at least 110.0 % sure" in said
    assert "or the image shows none of its classes" in said
    context.close()


@needs_browser
def test_the_page_works_without_a_network_after_the_first_visit(browser: Any, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    ready(page)
    context.set_offline(True)
    page.reload()
    ready(page)
    context.close()


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_overflows_and_nothing_is_inaccessible(
    browser: Any, address: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844})
    page = context.new_page()
    page.goto(address)
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("#example")
    page.locator("#timing:has-text('Predicted')").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert severe_faults(page) == []
    context.close()


def test_a_changed_page_is_refused(page_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(page_folder, tmp_path / "web")
    (tmp_path / "web/app.js").write_text("mine")
    with pytest.raises(ModelError, match=r"app\.js: damaged"):
        load_predictor(tmp_path / "web")


def test_the_page_holds_the_shipped_model(page_folder: Path) -> None:
    info = load_predictor(page_folder).info
    assert info.recipe == load_predictor(Path(catalog.PRETRAINED)).info.recipe
