"""Files of other runtimes, with the batches, axes and outputs that exporters give them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ankleboot.core.errors import ModelError
from ankleboot.models.foreign import runtimes


def output(name: str, kind: str, *shape: int | str) -> Any:
    return SimpleNamespace(name=name, type=kind, shape=list(shape))


LABEL = output("label", "tensor(int64)", "n")


@pytest.mark.parametrize(
    "probs",
    [
        output("p", "tensor(float)", "n", 10),
        output("p", "tensor(double)", 8, 10),
        output("p", "tensor(float)", "n", 1, 10),
        output("p", "tensor(float16)", 1, 10, 1, 1),
    ],
)
def test_the_row_of_values_is_found_beside_the_label(probs: Any) -> None:
    assert runtimes._row_output([LABEL, probs]) is probs
    assert runtimes._row_output([probs]) is probs


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ([LABEL], r"gives labels alone \(label: tensor\(int64\) \['n'\]\); export the prob"),
        ([LABEL, output("p", "seq(map(int64,tensor(float)))")], r"zipmap': False"),
        ([output(name, "tensor(float)", "n", 10) for name in "ab"], "one output .* got a: .*b: "),
        ([output("p", "tensor(float)", "n", 7, 7)], "one row of values per image"),
        ([output("p", "tensor(float)", "n", "k")], "one row of values per image"),
    ],
)
def test_other_outputs_are_named_with_a_way_out(outputs: list[Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        runtimes._row_output(outputs)


class Session:
    """An ONNX session of 8 images at a time in float64, with a label beside the outputs."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def get_inputs(self) -> list[Any]:
        return [output("x", "tensor(double)", 8, 2, 2)]

    def get_outputs(self) -> list[Any]:
        return [LABEL, output("p", "tensor(double)", 8, 1, 4)]

    def run(self, names: list[str], feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        assert names == ["p"] and feeds["x"].dtype == np.float64 and len(feeds["x"]) == 8
        return [feeds["x"].reshape(8, 1, 4) * 2]


def test_a_batch_of_fixed_size_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    model = runtimes.load_content(b"", "onnx")
    assert model.signature.input_shape == (2, 2) and model.signature.num_outputs == 4
    x = np.random.default_rng(0).random((11, 2, 2)).astype(np.float32)
    np.testing.assert_allclose(model.predict(x), 2 * x.reshape(11, 4), rtol=1e-6)


def test_a_tflite_file_of_a_fixed_batch_gives_what_keras_gives(tmp_path: Path) -> None:
    """Its Reshape holds the batch size, so the interpreter cannot be resized to one image."""
    tf = pytest.importorskip("tensorflow")
    kernel = np.random.default_rng(0).normal(0, 1, (16, 3)).astype(np.float32)

    @tf.function(input_signature=[tf.TensorSpec((8, 4, 4, 1), tf.float32)])  # type: ignore[untyped-decorator]
    def network(x: Any) -> Any:
        return tf.reshape(x, (8, 16)) @ kernel

    converter = tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()])
    model = runtimes.load_content(converter.convert(), "tflite")
    x = np.random.default_rng(1).random((11, 4, 4, 1)).astype(np.float32)
    np.testing.assert_allclose(model.predict(x), x.reshape(11, 16) @ kernel, rtol=1e-4)


def test_a_keras_model_is_traced_once_for_all_batches() -> None:
    """Keras calls each layer by itself, which took most of the time of an adoption."""
    import keras

    traced: list[Any] = []

    class Noted(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            traced.append(x)
            return x

    layers = [keras.Input((2, 2, 1)), Noted(), keras.layers.Flatten(), keras.layers.Dense(3)]
    model = keras.Sequential(layers)
    images = np.random.default_rng(0).random((300, 2, 2, 1), np.float32)
    traced.clear()  # those of its construction
    found = runtimes.predict_function(model)(images)
    assert len(traced) == 1
    np.testing.assert_allclose(found, model(images), rtol=1e-6, atol=1e-6)
