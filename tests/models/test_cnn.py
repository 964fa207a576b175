"""Convolutional networks against published parameter counts and networks written by hand."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from ankleboot.core.errors import UsageError
from ankleboot.models import architectures
from ankleboot.models.layers import ComputePolicy, dct_patterns
from ankleboot.recipes.catalog import CNN10K, CNN50K, LEAKY, PLAIN, SPRINT
from ankleboot.recipes.conflicts import feature_map_sizes
from ankleboot.recipes.parse import override
from ankleboot.recipes.recipe import OPTIONS, Recipe

INPUTS = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)


def kinds(recipe: Recipe) -> list[str]:
    return [type(layer).__name__ for layer in architectures.build_model(recipe).layers]


def test_leaky_has_the_published_number_of_parameters() -> None:
    assert architectures.build_model(LEAKY).count_params() == 356_234


def test_leaky_with_valid_padding_has_another_number_of_parameters() -> None:
    assert architectures.build_model(replace(LEAKY, padding="valid")).count_params() != 356_234


@pytest.mark.parametrize("recipe", [CNN10K, CNN50K], ids=lambda recipe: recipe.name)
def test_a_recipe_by_size_keeps_its_limit(recipe: Recipe) -> None:
    limit = 1_000 * int(recipe.name.removeprefix("cnn").removesuffix("k"))
    assert 0.8 * limit < architectures.build_model(recipe).count_params() < limit


def test_plain_has_the_stated_number_of_parameters() -> None:
    # 3*3*1*32+32, 3*3*32*64+64, 5*5*64*128+128, 128*10+10
    assert (
        architectures.build_model(PLAIN).count_params() == 320 + 18_496 + 204_928 + 1_290 == 225_034
    )


def test_leaky_equals_the_network_written_by_hand() -> None:
    """The reference network with the same weights gives the same predictions."""
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
def test_feature_maps_have_the_size_that_the_recipe_computes(
    padding: str, pooling: str, size: int
) -> None:
    recipe = replace(
        PLAIN, padding=padding, pooling=pooling, image_size=size, crop="none", filters=4
    )
    model = architectures.build_model(recipe)
    assert model.get_layer("flatten").input.shape[1] == feature_map_sizes(recipe)[-1]


def test_every_pooling_gives_the_dense_layer_the_same_kernel() -> None:
    counts = {
        architectures.build_model(replace(LEAKY, pooling=pooling)).count_params()
        for pooling in OPTIONS["pooling"].choices
    }
    assert counts == {356_234}


def test_without_pooling_maps_are_averaged_once_at_the_end() -> None:
    model = architectures.build_model(replace(LEAKY, pooling="none", filters=4, blocks=2))
    before, after = model.get_layer("places").input, model.get_layer("places").output
    assert kinds(replace(LEAKY, pooling="none")).count("AveragePooling2D") == 1
    maps = np.asarray(keras.Model(model.input, before)(INPUTS))
    expected = maps.reshape(2, 7, 4, 7, 4, 8).mean(axis=(2, 4))
    np.testing.assert_allclose(keras.Model(model.input, after)(INPUTS), expected, atol=1e-6)


def test_strided_convolutions_compute_every_second_position() -> None:
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


def test_the_cosine_stem_needs_a_pooling() -> None:
    for pooling in ("strided", "none"):
        with pytest.raises(UsageError, match="set max or average"):
            replace(SPRINT, pooling=pooling)


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


def test_sprint_has_the_stated_number_of_parameters() -> None:
    # 4*4*16 frozen; 3*3 kernels of 16-32-64-64; 4 numbers of normalization each; 256*10+10
    kernels, norms = 9 * (16 * 32 + 32 * 64 + 64 * 64), 4 * (32 + 64 + 64)
    assert (
        architectures.build_model(SPRINT).count_params() == 256 + kernels + norms + 2_570 == 63_370
    )
    assert SPRINT.block_filters() == [16, 32, 64, 64]
    assert override(SPRINT, {"max_filters": "32"}).block_filters() == [16, 32, 32, 32]


def test_the_size_of_feature_maps_accounts_for_the_stem() -> None:
    recipe = override(PLAIN, {"stem": "dct", "filters": "256", "max_filters": "64"})
    assert feature_map_sizes(recipe) == [10, 4]  # 8 x 8 patterns: (28 - 7) // 2, (10 - 2) // 2
    assert architectures.build_model(recipe).get_layer("block2_pool").output.shape == (
        None,
        4,
        4,
        64,
    )


def test_the_cosine_stem_is_frozen_and_alone_in_its_block() -> None:
    model = architectures.build_model(override(LEAKY, {"stem": "dct", "filters": "9"}))
    names = [layer.name for layer in model.layers if layer.name.startswith("block1")]
    assert names == ["block1_cosines", "block1_pool"]
    assert not model.get_layer("block1_cosines").trainable_weights
    np.testing.assert_array_equal(
        model.get_layer("block1_cosines").get_weights()[0], dct_patterns(9)
    )


def test_the_block_order_puts_pooling_before_normalization() -> None:
    def order(value: str) -> list[str]:
        recipe = override(PLAIN, {"block_order": value, "batch_norm": "true", "blocks": "1"})
        return kinds(recipe)[1:5]

    first, last = "pool_norm_act", "norm_act_pool"
    assert order(first) == ["Conv2D", "MaxPooling2D", "BatchNormalization", "ReLU"]
    assert order(last) == ["Conv2D", "BatchNormalization", "ReLU", "MaxPooling2D"]


def test_without_dense_units_the_last_layer_reads_the_feature_maps() -> None:
    model = architectures.build_model(override(PLAIN, {"dense_units": "0"}))
    assert model.get_layer("logits").input.shape == (None, 1600)


@pytest.mark.parametrize(
    ("settings", "reordered"),
    [
        ({}, True),
        ({"activation": "relu", "convs_per_block": "2", "batch_norm": "true"}, True),
        ({"activation": "gelu"}, False),
        ({"pooling": "average"}, False),
    ],
)
def test_pooling_before_a_rising_activation_changes_no_prediction(
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


def test_separable_convolutions_equal_standard_ones_of_the_product_of_their_kernels() -> None:
    separable = architectures.build_model(replace(PLAIN, convolution="separable", filters=4))
    standard = architectures.build_model(replace(PLAIN, filters=4))
    assert "DepthwiseConv2D" not in kinds(replace(PLAIN, convolution="separable", blocks=1))
    depthwise = separable.get_layer("block2_conv1_depthwise").get_weights()[0]  # 3, 3, 4, 1
    pointwise, bias = separable.get_layer("block2_conv1").get_weights()  # 1, 1, 4, 8
    standard.get_layer("block2_conv1").set_weights([depthwise * pointwise, bias])
    for name in ("block1_conv1", "dense", "logits"):
        standard.get_layer(name).set_weights(separable.get_layer(name).get_weights())
    np.testing.assert_allclose(separable(INPUTS), standard(INPUTS), atol=1e-5)


def outputs(model: keras.Model, *names: str) -> list[np.ndarray]:
    layers = [model.get_layer(name).output for name in names]
    return [np.asarray(values) for values in keras.Model(model.input, layers)(INPUTS)]


def test_skip_connections_add_the_input_of_each_convolution_behind_the_first() -> None:
    recipe = replace(LEAKY, blocks=2, filters=4, convs_per_block=3, residual=True, batch_norm=True)
    model = architectures.build_model(recipe)
    pooled, norm2, second, norm3, third = outputs(
        model,
        "block1_pool",
        "block1_conv2_norm",
        "block1_conv2_leaky_relu",
        "block1_conv3_norm",
        "block1_conv3_leaky_relu",
    )
    assert pooled.shape == third.shape == (2, 14, 14, 4)  # the first convolution's maps are pooled
    for skipped, branch, result in ((pooled, norm2, second), (second, norm3, third)):
        total = skipped + branch
        np.testing.assert_allclose(result, np.maximum(total, 0.1 * total), atol=1e-6)
    assert kinds(recipe).count("Add") == 4
    with pytest.raises(UsageError, match="residual needs padding=same"):
        replace(recipe, padding="valid")
    with pytest.raises(UsageError, match="used with convs_per_block above 1"):
        replace(recipe, convs_per_block=1)


def test_squeeze_and_excitation_weights_channels_by_their_means() -> None:
    model = architectures.build_model(replace(PLAIN, filters=8, squeeze_excitation=True, blocks=1))
    maps, scaled = outputs(model, "block1_pool", "block1_scale")
    hidden, bias = model.get_layer("block1_reduce").get_weights()  # 1, 1, 8, 2
    excite, offset = model.get_layer("block1_excite").get_weights()
    means = maps.mean(axis=(1, 2))
    weights = np.maximum(means @ hidden[0, 0] + bias, 0) @ excite[0, 0] + offset
    expected = maps / (1 + np.exp(-weights))[:, None, None]
    np.testing.assert_allclose(scaled, expected, atol=1e-5)


def test_global_pooling_leaves_one_number_per_channel() -> None:
    for kind, reduce in (("average", np.mean), ("max", np.max)):
        model = architectures.build_model(
            replace(PLAIN, filters=4, global_pooling=kind, dense_units=0)
        )
        name = "mean" if kind == "average" else "max"
        maps, reduced = outputs(model, "block2_pool", name)
        np.testing.assert_allclose(reduced, reduce(maps, axis=(1, 2)), atol=1e-6)
        assert model.get_layer("logits").input.shape == (None, 8)
