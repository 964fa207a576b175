"""Explanation methods against hand-made models, axioms, and a network of random weights."""

import keras
import numpy as np
import pytest

from ankleboot.core import plugins
from ankleboot.core.errors import ModelError, NotApplicableError
from ankleboot.core.progress import watched_by
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.evaluation.explain import features
from ankleboot.evaluation.explain.gradients import class_gradients, integrated_gradients
from ankleboot.evaluation.explain.hires_cam import from_gradients, hires_cam
from ankleboot.evaluation.explain.occlusion import PATCH, occlusion
from ankleboot.inference.keras import KerasPredictor
from ankleboot.inference.load import load_predictor
from ankleboot.models import architectures
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import LEAKY, PLAIN, SPRINT

METHODS = {name: plugins.resolve("explanations", name) for name in plugins.names("explanations")}


@pytest.fixture(scope="module")
def network(bar_run: Run) -> keras.Model:
    """A reloaded model, as a user has it."""
    predictor = load_predictor(bar_run.folder)
    assert isinstance(predictor, KerasPredictor)
    return predictor.model


def test_hires_cam_by_hand() -> None:
    values = np.zeros((1, 2, 2, 2), np.float32)
    values[0, 0, 0] = (2, 0)
    values[0, 1, 1] = (1, 0)
    values[0, 0, 1] = (0, 5)
    gradients = np.empty_like(values)
    gradients[..., 0], gradients[..., 1] = 3.0, -1.0
    gradients[0, 1, 1] = 0.0  # nothing depends on this corner, which Grad-CAM marks
    (found,) = from_gradients(values, gradients, (28, 28))
    assert found.shape == (28, 28)
    assert found[0, 0] == 6.0 and found[27, 27] == 0.0
    assert found[0, 27] == -5.0  # what opposes the class is negative


def pooled(side: int) -> keras.Model:
    """A network whose logits are a linear function of averaged feature maps."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(5, 3, padding="same", strides=28 // side),
            layers.ReLU(name="last"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, name="logits", bias_initializer="ones"),
            layers.Softmax(name="probs"),
        ]
    )


def test_hires_cam_adds_up_to_the_logit_below_average_pooling() -> None:
    model = pooled(14)
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    inputs, classes = images[..., None].astype(np.float32) / 255, np.array([0, 4, 9])
    values = np.asarray(keras.Model(model.inputs[0], model.get_layer("last").output)(inputs))
    logits = np.asarray(keras.Model(model.inputs[0], model.get_layer("logits").output)(inputs))
    gradients = class_gradients(model, model.get_layer("last").output, values, classes)
    sums = from_gradients(values, gradients, (14, 14)).sum(axis=(1, 2))
    np.testing.assert_allclose(sums, logits[range(3), classes] - 1, rtol=1e-4)


def test_maps_that_show_no_place_are_left_out() -> None:
    """Case: 2 x 2 positions were stretched over the image and marked empty corners."""
    image = np.zeros((1, 28, 28), np.uint8)
    assert hires_cam(pooled(7), image, np.array([0])).shape == (1, 28, 28)
    with pytest.raises(NotApplicableError, match="no layer has feature maps of 7 x 7"):
        hires_cam(pooled(4), image, np.array([0]))


def test_the_finest_of_the_late_layers_is_taken() -> None:
    """`sprint` ends in 2 x 2 positions, which say nothing about where."""
    model = architectures.build_model(SPRINT)
    maps = hires_cam(model, load_data("sample").test.images[:2], np.array([0, 1]))
    assert min(len(np.unique(each)) for each in maps) > 7 * 7


def test_nothing_that_supports_gives_zeros_and_no_nan() -> None:
    values = np.ones((2, 4, 4, 3), np.float32)
    found = from_gradients(values, np.zeros_like(values), (28, 28))
    assert (found == 0).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0, 255])
def test_maps_of_blank_images_are_finite(method: str, level: int, network: keras.Model) -> None:
    images = np.full((2, 28, 28), level, np.uint8)
    found = METHODS[method](network, images, np.array([0, 7]))
    assert found.shape == (2, 28, 28) and found.dtype == np.float32
    assert np.isfinite(found).all()


@pytest.mark.parametrize("method", ["occlusion", "integrated-gradients"])
def test_the_bar_is_what_counts(method: str, network: keras.Model, bar_data: Dataset) -> None:
    """The class of these images is the place of a bar, and nothing else."""
    images, labels = bar_data.test.images[:40], bar_data.test.labels[:40].astype(int)
    maps = METHODS[method](network, images, labels)
    inside = images > 200
    ratio = [
        np.abs(m)[bar].mean() / (np.abs(m)[~bar].mean() + 1e-9)
        for m, bar in zip(maps, inside, strict=True)
    ]
    assert np.median(ratio) > 1.5


def test_gradients_are_those_of_finite_differences(network: keras.Model) -> None:
    generator = np.random.default_rng(0)
    values = generator.random((1, 28, 28, 1)).astype(np.float32)
    got = class_gradients(network, network.inputs[0], values, np.array([3]))
    logits = keras.Model(network.inputs[0], network.get_layer("logits").output)
    for row, column in ((5, 5), (14, 9), (20, 20)):
        up, down = values.copy(), values.copy()
        up[0, row, column] += 0.01
        down[0, row, column] -= 0.01
        slope = (np.asarray(logits(up)) - np.asarray(logits(down)))[0, 3] / 0.02
        assert got[0, row, column, 0] == pytest.approx(slope, abs=0.05)


def test_integrated_gradients_are_complete(network: keras.Model, bar_data: Dataset) -> None:
    images, labels = bar_data.test.images[:10], bar_data.test.labels[:10].astype(int)
    logits = keras.Model(network.inputs[0], network.get_layer("logits").output)
    rows = np.arange(10)
    there = np.asarray(logits(images[..., None].astype(np.float32) / 255))[rows, labels]
    black = np.asarray(logits(np.zeros((1, 28, 28, 1), np.float32)))[0, labels]
    maps = integrated_gradients(network, images, labels, steps=200)
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), there - black, rtol=0.05, atol=0.1)


def by_one_pixel(images: np.ndarray) -> np.ndarray:
    """Says class 0 as surely as pixel (10, 12) is bright."""
    probs = np.zeros((len(images), 10), np.float32)
    probs[:, 0] = images[:, 10, 12] / np.float32(255)
    probs[:, 1] = 1 - probs[:, 0]
    return probs


def test_occlusion_finds_the_only_pixel_that_counts() -> None:
    images = np.full((1, 28, 28), 255, np.uint8)
    (found,) = occlusion(by_one_pixel, images, np.array([0]))
    assert found[10, 12] == 1.0 == found.max()
    rows, columns = np.nonzero(found)
    assert abs(rows - 10).max() < PATCH and abs(columns - 12).max() < PATCH
    (against,) = occlusion(by_one_pixel, images, np.array([1]))
    np.testing.assert_allclose(against, -found)


@pytest.mark.parametrize("method", ["occlusion", "integrated-gradients"])
def test_an_image_has_the_same_map_among_others(
    method: str, network: keras.Model, bar_data: Dataset
) -> None:
    """The number of images decides how many patches or steps a call takes."""
    images, labels = bar_data.test.images[:90], bar_data.test.labels[:90].astype(int)
    together = METHODS[method](network, images, labels)
    alone = METHODS[method](network, images[50:51], labels[50:51])
    assert np.abs(alone).max() > 0.01
    np.testing.assert_allclose(together[50], alone[0], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_maps_depend_on_what_was_learned(
    method: str, network: keras.Model, bar_run: Run, bar_data: Dataset
) -> None:
    """The sanity check of Adebayo et al. 2018: random weights give other maps."""
    images, labels = bar_data.test.images[:20], bar_data.test.labels[:20].astype(int)
    random = architectures.build_model(bar_run.recipe())
    learned, unlearned = (METHODS[method](m, images, labels) for m in (network, random))
    similar = [
        abs(np.corrcoef(a.ravel(), b.ravel())[0, 1])
        for a, b in zip(learned, unlearned, strict=True)
        if a.std() > 0 and b.std() > 0
    ]
    assert len(similar) > 10 and np.median(similar) < 0.6


def test_a_foreign_network_is_refused_in_one_line() -> None:
    foreign = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()])
    with pytest.raises(ModelError, match='no layer "logits"'):
        features.feature_extractor(foreign)


def test_hires_cam_points_at_the_bar(network: keras.Model, bar_data: Dataset) -> None:
    images, labels = bar_data.test.images[:40], bar_data.test.labels[:40].astype(int)
    maps = hires_cam(network, images, labels)
    ratio = [m[x > 200].mean() - m[x <= 200].mean() for m, x in zip(maps, images, strict=True)]
    assert np.median(ratio) > 0


def test_large_images_are_hidden_in_fewer_places() -> None:
    calls = []

    def predict(images: np.ndarray) -> np.ndarray:
        calls.append(len(images))
        return np.full((len(images), 2), 0.5, np.float32)

    for side in (28, 224):
        calls.clear()
        found = occlusion(predict, np.zeros((1, side, side), np.uint8), np.array([0]))
        assert found.shape == (1, side, side) and np.isfinite(found).all()
        assert sum(calls) == {28: 1 + 12**2, 224: 1 + 7**2}[side]
    calls.clear()
    found = occlusion(predict, np.zeros((1, 448, 224, 3), np.uint8), np.array([0]))
    assert found.shape == (1, 448, 224) and np.isfinite(found).all()
    assert sum(calls) == 1 + 7 * 14  # patches of the same size on both squares


def test_a_layer_that_is_not_there_is_named(network: keras.Model) -> None:
    image = np.zeros((1, 28, 28), np.uint8)
    with pytest.raises(
        ModelError, match="no layer 'conv9' with feature maps; valid: .*block1_conv1"
    ):
        hires_cam(network, image, np.array([0]), layer="conv9")
    dense = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()])
    with pytest.raises(ModelError, match="hires-cam needs one"):
        hires_cam(dense, image, np.array([0]))


def test_long_methods_report_their_progress(network: keras.Model, bar_data: Dataset) -> None:
    image, label = bar_data.test.images[:1], bar_data.test.labels[:1].astype(int)
    seen: set[tuple[str, int]] = set()
    with watched_by(lambda noun, done, total: seen.add((noun, total))):
        METHODS["occlusion"](network, image, label)
        METHODS["integrated-gradients"](network, image, label)
        features.nearest_training_images(network, image, bar_data.train.images, np.arange(640))
    assert seen == {("patches", 144), ("steps", 32), ("training images", 640)}


def test_receptive_fields_by_hand() -> None:
    plain = [
        (f.size, f.stride) for f in features.receptive_fields(architectures.build_model(PLAIN))
    ]
    assert plain == [(3, 1), (4, 2), (8, 2), (10, 4)]
    leaky = [
        (f.size, f.stride) for f in features.receptive_fields(architectures.build_model(LEAKY))
    ]
    assert leaky == [(3, 1), (4, 2), (8, 2), (10, 4), (18, 4), (22, 8)]


def test_filters_and_maps_have_their_shapes() -> None:
    model = architectures.build_model(SPRINT)
    filters = features.first_filters(model)
    assert filters is not None and filters.shape == (16, 4, 4)
    maps = features.feature_maps(model, np.zeros((2, 28, 28), np.uint8))
    assert maps["block1_pool"].shape == (2, 14, 14, 16)


def test_an_image_is_its_own_neighbor(network: keras.Model, bar_data: Dataset) -> None:
    images, labels = bar_data.train.images, bar_data.train.labels
    lengths = np.linalg.norm(features.feature_extractor(network)(images), axis=1)
    assert lengths == pytest.approx(1, abs=1e-5)
    found = features.nearest_training_images(
        network, images[:20], images, np.arange(len(images)), count=3
    )
    assert found[:, 0].tolist() == list(range(20))
    assert (labels[found[:, 1]] == labels[:20]).mean() > 0.9


def test_neighbors_are_those_with_the_highest_cosine(
    network: keras.Model, bar_data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oracle compares all features at once; the product goes on in blocks of 100 images."""
    monkeypatch.setattr(features, "BLOCK", 100)
    queries, known = bar_data.test.images[:20], bar_data.train.images
    candidates = np.random.default_rng(0).permutation(len(known))[:350]
    extract = features.feature_extractor(network)
    cosines = extract(queries) @ extract(known).T
    found = features.nearest_training_images(network, queries, known, candidates, count=5)
    assert found.shape == (20, 5) and np.isin(found, candidates).all()
    expected = -np.sort(-cosines[:, candidates], axis=1)[:, :5]
    assert np.take_along_axis(cosines, found, axis=1) == pytest.approx(expected, abs=1e-5)
