"""The networks, against published parameter counts and hand-made answers."""

from dataclasses import fields, replace
from pathlib import Path

import keras
import numpy as np
import pytest

from ankleboot.core.errors import UsageError
from ankleboot.models import architectures
from ankleboot.models.layers import PIXEL_MEAN, PIXEL_STD, ComputePolicy, batch_norm, dct_patterns
from ankleboot.recipes.catalog import LEAKY, PLAIN, SPRINT
from ankleboot.recipes.recipe import OPTIONS, Recipe, override
from ankleboot.training import schedules
from ankleboot.training.optimizers.build import build_optimizer
from ankleboot.training.optimizers.muon import SGD_RATIO, orthogonalize

INPUTS = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)


def test_leaky_has_the_published_number_of_parameters() -> None:
    assert architectures.build_model(LEAKY).count_params() == 356_234


def test_leaky_without_same_padding_would_not() -> None:
    assert architectures.build_model(replace(LEAKY, padding="valid")).count_params() != 356_234


def test_plain_has_the_stated_number_of_parameters() -> None:
    # 3*3*1*32+32, 3*3*32*64+64, 5*5*64*128+128, 128*10+10
    assert (
        architectures.build_model(PLAIN).count_params() == 320 + 18_496 + 204_928 + 1_290 == 225_034
    )


def test_leaky_equals_the_network_written_by_hand() -> None:
    """The same weights in the ancestor's own words give the same answers."""
    layers = [keras.Input((28, 28, 1))]
    for filters in (32, 64, 128):
        layers += [
            keras.layers.Conv2D(filters, 3, padding="same"),
            keras.layers.LeakyReLU(negative_slope=0.1),
            keras.layers.MaxPooling2D(2, padding="same"),
        ]
    layers += [
        keras.layers.Flatten(),
        keras.layers.Dense(128),
        keras.layers.LeakyReLU(negative_slope=0.1),
        keras.layers.Dense(10, activation="softmax"),
    ]
    by_hand = keras.Sequential(layers)
    ours = architectures.build_model(LEAKY)
    by_hand.set_weights(ours.get_weights())
    np.testing.assert_allclose(ours(INPUTS), by_hand(INPUTS), atol=1e-6)


def kinds(recipe: Recipe) -> list[str]:
    return [type(layer).__name__ for layer in architectures.build_model(recipe).layers]


@pytest.mark.parametrize(
    ("settings", "kind", "count"),
    [
        ({"blocks": "1"}, "Conv2D", 1),
        ({"convs_per_block": "2"}, "Conv2D", 6),
        ({"pooling": "average"}, "AveragePooling2D", 3),
        ({"batch_norm": "true"}, "BatchNormalization", 3),
        ({"dropout": "0.2"}, "Dropout", 4),
        ({"activation": "relu"}, "ReLU", 4),
        ({"activation": "gelu"}, "Activation", 4),
        ({"input_scaling": "none"}, "Rescaling", 1),
    ],
)
def test_a_setting_changes_the_layers(settings: dict[str, str], kind: str, count: int) -> None:
    assert kinds(override(LEAKY, settings)).count(kind) == count


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("pooling", OPTIONS["pooling"].choices)
@pytest.mark.parametrize("size", [28, 27])
def test_maps_have_the_size_that_the_recipe_says(padding: str, pooling: str, size: int) -> None:
    recipe = replace(
        PLAIN, padding=padding, pooling=pooling, image_size=size, crop="none", filters=4
    )
    model = architectures.build_model(recipe)
    assert model.get_layer("flatten").input.shape[1] == recipe.feature_map_sizes()[-1]


def test_pooling_or_none_the_dense_layer_has_the_same_kernel() -> None:
    counts = {
        architectures.build_model(replace(LEAKY, pooling=one)).count_params()
        for one in OPTIONS["pooling"].choices
    }
    assert counts == {356_234}


def test_without_pooling_maps_are_averaged_once_at_the_end() -> None:
    model = architectures.build_model(replace(LEAKY, pooling="none", filters=4, blocks=2))
    before, after = model.get_layer("places").input, model.get_layer("places").output
    assert kinds(replace(LEAKY, pooling="none")).count("AveragePooling2D") == 1
    maps = np.asarray(keras.Model(model.input, before)(INPUTS))
    expected = maps.reshape(2, 7, 4, 7, 4, 8).mean(axis=(2, 4))
    np.testing.assert_allclose(keras.Model(model.input, after)(INPUTS), expected, atol=1e-6)


def test_a_strided_network_takes_every_second_place_of_its_convolutions() -> None:
    strided, whole = (
        architectures.build_model(
            replace(PLAIN, pooling=pooling, blocks=1, filters=4, convs_per_block=2)
        )
        for pooling in ("strided", "none")
    )
    assert [strided.get_layer(f"block1_conv{n}").strides for n in (1, 2)] == [(1, 1), (2, 2)]
    for name in ("block1_conv1", "block1_conv2"):
        whole.get_layer(name).set_weights(strided.get_layer(name).get_weights())
    outputs = [
        np.asarray(keras.Model(m.input, m.get_layer("block1_conv2_relu").output)(INPUTS))
        for m in (strided, whole)
    ]
    np.testing.assert_allclose(outputs[0], outputs[1][:, ::2, ::2], atol=1e-6)


def test_the_cosine_stem_wants_a_pooling() -> None:
    for pooling in ("strided", "none"):
        with pytest.raises(UsageError, match="set max or average"):
            replace(SPRINT, pooling=pooling)


def test_a_dense_network_is_the_one_written_by_hand() -> None:
    recipe = replace(
        PLAIN, architecture="mlp", dense_layers=2, dense_units=20, input_scaling="standard"
    )
    ours = architectures.build_model(recipe)
    assert ours.count_params() == 784 * 20 + 20 + 20 * 20 + 20 + 20 * 10 + 10
    x = (INPUTS.reshape(2, 784) - PIXEL_MEAN) / PIXEL_STD
    weights = ours.get_weights()
    for kernel, bias in zip(weights[0:4:2], weights[1:4:2], strict=True):
        x = np.maximum(x @ kernel + bias, 0)
    logits = x @ weights[4] + weights[5]
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(ours(INPUTS), raised / raised.sum(1, keepdims=True), atol=1e-5)


def test_a_dense_network_may_be_deep_dropped_out_and_normalised() -> None:
    recipe = replace(PLAIN, architecture="mlp", dense_layers=3, dropout=0.2, batch_norm=True)
    for arithmetic in (None, ComputePolicy("bfloat16", fused=True)):
        found = [
            type(layer).__name__ for layer in architectures.build_model(recipe, arithmetic).layers
        ]
        assert [found.count(k) for k in ("Dense", "Dropout", "BatchNormalization")] == [4, 3, 3]
    assert kinds(replace(LEAKY, dense_layers=2)).count("Dense") == 3


def test_filters_kernels_and_slope_reach_the_layers() -> None:
    model = architectures.build_model(
        override(
            LEAKY, {"filters": "8", "kernel_size": "5", "dense_units": "7", "negative_slope": "0.3"}
        )
    )
    shapes = [tuple(weight.shape) for weight in model.weights if len(weight.shape) == 4]
    assert shapes == [(5, 5, 1, 8), (5, 5, 8, 16), (5, 5, 16, 32)]
    assert model.get_layer("dense").units == 7
    assert model.get_layer("dense_leaky_relu").negative_slope == pytest.approx(0.3)


def test_l2_is_half_of_nothing_hidden() -> None:
    """Keras' L2 is the factor times the sum of squares, without a half."""
    model = architectures.build_model(replace(PLAIN, l2=0.01))
    kernels = [w for w in model.get_weights() if w.ndim > 1]
    expected = 0.01 * sum(float(np.square(kernel).sum()) for kernel in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("normalisation", "expected"),
    [
        ("none", INPUTS * 255),
        ("unit", INPUTS),
        ("standard", (INPUTS - PIXEL_MEAN) / PIXEL_STD),
    ],
)
def test_pixels_reach_the_network_as_asked(normalisation: str, expected: np.ndarray) -> None:
    model = architectures.build_model(replace(PLAIN, input_scaling=normalisation))
    seen = keras.Model(model.input, model.get_layer("block1_conv1").input)(INPUTS)
    np.testing.assert_allclose(seen, expected, rtol=1e-4, atol=1e-5)


def test_the_pixel_statistics_are_those_of_the_images() -> None:
    from ankleboot.data.load import load_data

    pixels = load_data("sample").train.images / 255
    assert pixels.mean() == pytest.approx(PIXEL_MEAN, abs=0.01)
    assert pixels.std() == pytest.approx(PIXEL_STD, abs=0.01)


def test_bfloat16_keeps_weights_and_probabilities_in_float32() -> None:
    model = architectures.build_model(PLAIN, ComputePolicy("bfloat16"))
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.get_layer("block1_conv1").compute_dtype == "bfloat16"
    assert model(INPUTS).dtype == "float32"
    exact = architectures.build_model(PLAIN)
    np.testing.assert_allclose(model(INPUTS), exact(INPUTS), atol=0.02)


SPRINT_LIKE = replace(SPRINT, precision="float32")


def test_sprint_has_the_stated_number_of_parameters() -> None:
    # 4*4*16 frozen; 3*3 kernels of 16-32-64-64; 4 numbers of normalisation each; 256*10+10
    kernels, norms = 9 * (16 * 32 + 32 * 64 + 64 * 64), 4 * (32 + 64 + 64)
    assert (
        architectures.build_model(SPRINT).count_params() == 256 + kernels + norms + 2_570 == 63_370
    )
    assert SPRINT.block_filters() == [16, 32, 64, 64]
    assert override(SPRINT, {"max_filters": "32"}).block_filters() == [16, 32, 32, 32]


def test_the_cosine_patterns_are_the_discrete_cosine_transform() -> None:
    """The oracle is SciPy's transform, scaled by frequency."""
    from scipy.fft import dctn

    patch = np.random.default_rng(1).normal(size=(4, 4))
    expected = dctn(patch, norm="ortho") * (1 + np.add.outer(np.arange(4), np.arange(4))) / 4
    answers = np.einsum("hw,hwcn->n", patch, dct_patterns(16))
    np.testing.assert_allclose(sorted(answers), sorted(expected.ravel()), atol=1e-5)
    assert dct_patterns(5).shape == (3, 3, 1, 5)
    assert np.ptp(dct_patterns(5)[..., 0]) < 1e-6  # the smoothest comes first


def test_the_cosine_stem_is_frozen_and_alone_in_its_block() -> None:
    model = architectures.build_model(override(LEAKY, {"stem": "dct", "filters": "9"}))
    names = [layer.name for layer in model.layers if layer.name.startswith("block1")]
    assert names == ["block1_cosines", "block1_pool"]
    assert not model.get_layer("block1_cosines").trainable_weights
    np.testing.assert_array_equal(
        model.get_layer("block1_cosines").get_weights()[0], dct_patterns(9)
    )


def test_the_stem_counts_in_what_is_left_of_the_image() -> None:
    recipe = override(PLAIN, {"stem": "dct", "filters": "256", "max_filters": "64"})
    assert recipe.feature_map_sizes() == [10, 4]  # 8 x 8 patterns: (28 - 7) // 2, (10 - 2) // 2
    assert architectures.build_model(recipe).get_layer("block2_pool").output.shape == (
        None,
        4,
        4,
        64,
    )


def test_the_block_order_puts_pooling_before_normalisation() -> None:
    def order(value: str) -> list[str]:
        recipe = override(PLAIN, {"block_order": value, "batch_norm": "true", "blocks": "1"})
        return kinds(recipe)[1:5]

    first, last = "pool_norm_act", "norm_act_pool"
    assert order(first) == ["Conv2D", "MaxPooling2D", "BatchNormalization", "ReLU"]
    assert order(last) == ["Conv2D", "BatchNormalization", "ReLU", "MaxPooling2D"]


def test_without_dense_units_the_last_layer_reads_the_feature_maps() -> None:
    model = architectures.build_model(override(PLAIN, {"dense_units": "0"}))
    assert model.get_layer("logits").input.shape == (None, 1600)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("training", [True, False])
def test_fused_normalisation_computes_what_keras_layer_does(dtype: str, training: bool) -> None:
    generator = np.random.default_rng(2)
    inputs = generator.normal(3, 2, (8, 5, 5, 4)).astype(np.float32)
    weights = [generator.random(4) for _ in range(4)]
    answers, statistics = [], []
    for fused in (True, False):
        layer = batch_norm("norm", ComputePolicy(dtype, fused))
        layer.build(inputs.shape)
        layer.set_weights(weights)
        answers.append(np.asarray(layer(keras.ops.cast(inputs, dtype), training=training), float))
        statistics.append(layer.get_weights())
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-5 if dtype == "float32" else 0.04)
    for fused_value, value in zip(*statistics, strict=True):
        np.testing.assert_allclose(fused_value, value, rtol=1e-4 if dtype == "float32" else 2e-2)


@pytest.mark.parametrize(
    ("settings", "reordered"),
    [
        ({}, True),
        ({"activation": "relu", "convs_per_block": "2", "batch_norm": "true"}, True),
        ({"activation": "gelu"}, False),
        ({"pooling": "average"}, False),
    ],
)
def test_pooling_before_a_rising_activation_changes_no_answer(
    settings: dict[str, str], reordered: bool
) -> None:
    recipe = override(LEAKY, settings)
    fast, plain = (
        architectures.build_model(recipe, ComputePolicy(fused=True)),
        architectures.build_model(recipe),
    )
    fast.set_weights(plain.get_weights())
    names = [[layer.name for layer in model.layers] for model in (fast, plain)]
    assert (names[0] != names[1]) is reordered and sorted(names[0]) == sorted(names[1])
    np.testing.assert_allclose(fast(INPUTS), plain(INPUTS), atol=1e-6)


def test_the_training_network_has_the_variables_of_the_portable_one() -> None:
    fast, portable = (
        architectures.build_model(SPRINT, ComputePolicy("bfloat16", True)),
        architectures.build_model(SPRINT),
    )
    for ours, theirs in zip(fast.weights, portable.weights, strict=True):
        assert (ours.path, ours.shape) == (theirs.path, theirs.shape)
    assert {layer.compute_dtype for layer in portable.layers} == {"float32"}
    assert all(type(layer).__module__.startswith("keras.") for layer in portable.layers)


def test_muon_makes_steps_orthogonal() -> None:
    """The oracle is U V^T of the singular value decomposition; the iteration stops near it."""
    for shape in ((12, 5), (5, 12)):
        matrix = np.random.default_rng(3).normal(size=shape).astype(np.float32)
        u, _, v = np.linalg.svd(matrix, full_matrices=False)
        ours = np.asarray(orthogonalize(matrix))
        singular = np.linalg.svd(ours, compute_uv=False)
        assert 0.6 < singular.min() <= singular.max() < 1.3
        cosine = (ours * (u @ v)).sum() / np.linalg.norm(ours) / np.linalg.norm(u @ v)
        assert cosine > 0.97


def test_muon_treats_kernels_and_the_rest_apart() -> None:
    model = architectures.build_model(SPRINT_LIKE)
    optimizer = build_optimizer(SPRINT)
    variables = model.trainable_variables
    optimizer.build(variables)
    optimizer.learning_rate.assign(0.1)
    before = [np.array(v) for v in variables]
    gradients = [np.random.default_rng(4).normal(size=v.shape).astype(np.float32) for v in before]
    optimizer.apply(gradients, variables)
    for variable, old, gradient in zip(variables, before, gradients, strict=True):
        step = old - np.array(variable)
        if "conv" in variable.path and "kernel" in variable.path:
            rows = step.reshape(-1, step.shape[-1])
            singular = np.linalg.svd(rows, compute_uv=False) / (
                0.1 * (rows.shape[0] / rows.shape[1]) ** 0.5
            )
            assert 0.6 < singular.min() <= singular.max() < 1.3
        else:  # the first step of Nesterov momentum is 1 + momentum times the gradient
            np.testing.assert_allclose(step, 0.1 * SGD_RATIO * 1.9 * gradient, atol=1e-5)


def test_the_seed_decides_the_weights() -> None:
    first, again, other = (
        architectures.build_model(replace(PLAIN, seed=s)).get_weights() for s in (0, 0, 1)
    )
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert not (first[0] == other[0]).all()


@pytest.mark.parametrize("name", OPTIONS["optimizer"].choices)
def test_weight_decay_shrinks_kernels_and_spares_biases(name: str) -> None:
    kernel, bias = (
        keras.Variable(np.ones(2), name="kernel"),
        keras.Variable(np.ones(2), name="bias"),
    )
    optimizer = build_optimizer(replace(PLAIN, optimizer=name, weight_decay=0.1))
    optimizer.build([kernel, bias])
    optimizer.learning_rate.assign(0.5)
    optimizer.apply([np.zeros(2, np.float32)] * 2, [kernel, bias])
    np.testing.assert_allclose(kernel, 0.95)  # 1 - rate * decay
    np.testing.assert_allclose(bias, 1.0)


def test_momentum_reaches_the_optimizers_that_have_it() -> None:
    for name in ("sgd", "rmsprop"):
        assert build_optimizer(replace(PLAIN, optimizer=name, momentum=0.7)).momentum == 0.7


def test_schedules_start_and_end_where_they_should() -> None:
    def rates(schedule: str) -> np.ndarray:
        return schedules.learning_rates(replace(PLAIN, schedule=schedule, learning_rate=1.0), 1000)

    assert (rates("constant") == 1).all()
    cosine, one_cycle = rates("cosine"), rates("one_cycle")
    assert cosine[0] == 1 and cosine[500] == pytest.approx(0.5) and cosine[-1] < 1e-4
    assert one_cycle[0] == pytest.approx(1 / 25) and one_cycle[-1] < 1e-4
    assert one_cycle.argmax() == 300 and one_cycle[300] == 1
    assert np.all(np.diff(cosine) < 0) and np.all(np.diff(one_cycle[:300]) > 0)


def test_every_field_of_a_recipe_is_tried_in_some_test() -> None:
    """A new field needs a test that it does something."""
    tests = "".join(path.read_text() for path in Path(__file__).parents[1].glob("test_*.py"))
    names = {field.name for field in fields(Recipe)}
    assert {n for n in names if f'"{n}"' not in tests and f"{n}=" not in tests} == set()


@pytest.mark.parametrize("recipe", [PLAIN, LEAKY, SPRINT], ids=lambda one: one.name)
@pytest.mark.parametrize(("size", "color"), [(32, True), (64, False)])
def test_a_network_is_built_for_any_size_color_and_number_of_classes(
    recipe: Recipe, size: int, color: bool
) -> None:
    wanted = replace(recipe, image_size=size, color=color, crop="none")
    model = architectures.build_model(wanted, num_classes=3)
    assert model.input_shape == (None, size, size, 3 if color else 1)
    assert model.output_shape == (None, 3)
    inputs = np.random.default_rng(0).random((2, *model.input_shape[1:]), np.float32)
    np.testing.assert_allclose(np.asarray(model(inputs)).sum(axis=1), 1, atol=1e-6)


def test_cosine_patterns_in_color_are_grey_ones_in_other_mixtures() -> None:
    grey, color = dct_patterns(16), dct_patterns(16, color=True)
    assert grey.shape == (4, 4, 1, 16) and color.shape == (4, 4, 3, 16)
    # what is grey is seen as in grey
    np.testing.assert_allclose(color[..., 0].sum(axis=2), grey[:, :, 0, 0], atol=1e-6)
    opposed = np.abs(color.sum(axis=2)).max(axis=(0, 1)) < 1e-6
    assert 0 < opposed.sum() < 16
