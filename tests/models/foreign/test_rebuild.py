"""Models that Keras users build, rebuilt in our convention with the outputs that they had."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.core.errors import ModelError
from ankleboot.core.types import to_inputs
from ankleboot.models.foreign import saved_model
from ankleboot.models.foreign.candidates import candidates
from ankleboot.models.foreign.convention import Convention
from ankleboot.models.foreign.examine import output_kind
from ankleboot.models.foreign.rebuild import computes_in_half, rebuild, signature_of
from ankleboot.models.foreign.runtimes import load

keras = pytest.importorskip("keras")
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=np.uint8)


def check(model: Any, choice: str, tolerance: float = 1e-5) -> tuple[Any, Convention]:
    """Rebuild a model, and compare its probabilities with those of the original."""
    signature = signature_of(model, "keras")
    convention = candidates(signature, 28, choice, None)[0]
    outputs = np.asarray(model(convention.inputs(IMAGES)), np.float32)
    num = max(signature.num_outputs, 2)
    kind = output_kind(outputs, signature.outputs)
    convention = Convention(
        **vars(convention) | {"outputs": kind, "order": tuple(range(num))[::-1]}
    )
    rebuilt = rebuild(model, convention, (28, 28))
    np.testing.assert_allclose(
        rebuilt(to_inputs(IMAGES)), convention.probs(outputs), atol=tolerance
    )
    return rebuilt, convention


def small(activation: str | None = "softmax", units: int = 4) -> Any:
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(3, 5, strides=3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation),
        ]
    )


def test_an_adapted_normalization_keeps_its_statistics() -> None:
    layer = keras.layers.Normalization(axis=None)
    layer.adapt(IMAGES.astype(np.float32))
    check(keras.Sequential([keras.Input((28, 28, 1)), layer, *small().layers]), "byte")


@pytest.mark.parametrize(
    ("activation", "units", "kind"),
    [("softmax", 4, "softmax"), ("sigmoid", 4, "sigmoid"), ("sigmoid", 1, "binary-sigmoid")],
)
def test_an_average_of_probabilities_stays_one(
    activation: str, units: int, kind: str, tmp_path: Path
) -> None:
    """An ensemble ends in probabilities without an activation; they got a second softmax."""
    inputs = keras.Input((28, 28, 1))
    members = [small(activation, units)(inputs) for _ in range(3)]
    model = keras.Model(inputs, keras.layers.Average()(members))
    rebuilt, convention = check(model, "unit")
    assert convention.outputs == kind
    rebuilt.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(to_inputs(IMAGES)), rebuilt(to_inputs(IMAGES)))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_every_layer_is_rebuilt_in_float32(policy: str) -> None:
    """Formats of inference lack operations of 16 and 64 bits."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = small()
    finally:
        keras.config.set_dtype_policy(before)
    assert computes_in_half(model) == policy.startswith("mixed")
    rebuilt, _ = check(model, "unit", 0.05)
    assert {layer.dtype_policy.name for layer in rebuilt.layers} == {"float32"}


def test_a_saved_model_of_another_writer_keeps_its_variables(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    model = small()
    tf.saved_model.save(model, str(tmp_path / "saved"))
    saved_model.check_graph(tmp_path / "saved")
    saved_model.convert(tmp_path / "saved", tmp_path / "m.tflite")
    x = candidates(signature_of(model, "keras"), 28, "unit", None)[0].inputs(IMAGES)
    outputs = load(tmp_path / "m.tflite", "tflite").predict(x)
    np.testing.assert_allclose(outputs, model(x), atol=1e-5)
    with pytest.raises(ModelError, match="cannot be converted"):
        saved_model.convert(tmp_path / "gone", tmp_path / "m.tflite")


def test_axes_of_length_one_are_dropped() -> None:
    """A network of convolutions alone ends in 1 x 1 x classes."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(3, 28),
            keras.layers.Conv2D(4, 1, activation="softmax"),
        ]
    )
    signature = signature_of(model, "keras")
    assert signature.num_outputs == 4
    convention = replace(
        candidates(signature, 28, "unit", None)[0], outputs="softmax", order=(0, 1, 3, 2)
    )
    expected = np.asarray(model(convention.inputs(IMAGES)))[:, 0, 0][:, [0, 1, 3, 2]]
    rebuilt = rebuild(model, convention, (28, 28))
    np.testing.assert_allclose(rebuilt(to_inputs(IMAGES)), expected, atol=1e-5)


def test_several_inputs_are_refused_with_their_number() -> None:
    inputs = [keras.Input((28, 28, 1)) for _ in range(2)]
    model = keras.Model(inputs, small()(keras.layers.Add()(inputs)))
    with pytest.raises(ModelError, match="one input and one output, got 2 and 1"):
        signature_of(model, "keras")
