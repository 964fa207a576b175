"""The export for TensorFlow Lite Micro: integers throughout, and the same network as a C array."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.core.errors import ModelError
from ankleboot.data.dataset import Dataset
from ankleboot.export import micro
from ankleboot.export.deployable import DeployableModel
from ankleboot.inference.load import load_predictor
from ankleboot.models.files.checksums import read_verified_tflite
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import Run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(exported: Callable[[str], Path]) -> Path:
    return exported("litert-micro")


def c_array(source: str) -> bytes:
    return bytes(int(byte, 16) for byte in re.findall(r"0x([0-9a-f]{2})", source))


def untrained(activation: str, labels: tuple[str, ...]) -> DeployableModel:
    import keras

    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, activation=activation)(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    logits = keras.layers.Dense(len(labels), name="logits")(x)
    model = keras.Model(inputs, keras.layers.Softmax()(logits))
    info = ModelMetadata(labels=labels, image_size=16, color=True, crop="none", recipe="pets")
    images = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
    return DeployableModel(model, info, images)


def test_everything_is_an_integer_of_a_single_image(folder: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    network, info = read_verified_tflite(folder / "model.tflite")
    assert set(micro.operators_of(network)) <= {
        *("CONV_2D", "FULLY_CONNECTED", "MAX_POOL_2D", "MUL", "RESHAPE", "SOFTMAX")
    }
    interpreter = Interpreter(model_content=network)
    (input_,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert input_["dtype"] is output["dtype"] is np.int8
    assert input_["shape_signature"].tolist() == [1, 28, 28]
    assert input_["quantization"] == (pytest.approx(1 / 255), -128), "pixel - 128"
    assert output["quantization"] == (pytest.approx(1 / 256), -128)
    assert not any(d["dtype"] in (np.float32, np.uint8) for d in interpreter.get_tensor_details())
    assert info.format == "litert-micro" and info.temperature == 1.7


def test_a_microcontroller_predicts_as_the_loader_does(
    folder: Path, calibrated_run: Run, bar_data: Dataset
) -> None:
    reason = "needs tflite-micro, which is for Linux on x86-64 (pip install tflite-micro)"
    runtime = pytest.importorskip("tflite_micro", reason=reason).runtime
    interpreter = runtime.Interpreter.from_bytes(c_array((folder / "model.cc").read_text()))
    images = bar_data.test.images[:60]
    rows = []
    for image in images:
        interpreter.set_input((image[None].astype(int) - 128).astype(np.int8), 0)
        interpreter.invoke()
        rows.append((interpreter.get_output(0)[0].astype(int) + 128) / 256)
    ours = load_predictor(folder).predict(images)
    np.testing.assert_allclose(rows, ours, atol=2.5 / 256)  # other kernels round the other way
    keras = load_predictor(calibrated_run.folder).predict(images)
    assert (np.argmax(rows, axis=1) == keras.argmax(axis=1)).mean() >= 0.97
    np.testing.assert_allclose(ours.sum(axis=1), 1, atol=1e-6)


def test_the_c_array_is_the_network_and_the_header_describes_it(folder: Path) -> None:
    network, info = read_verified_tflite(folder / "model.tflite")
    assert c_array((folder / "model.cc").read_text()) == network
    header = (folder / "model.h").read_text()
    assert f"kModelBytes = {len(network)};" in header and "kImageSize = 28;" in header
    assert (
        '"T-shirt/top", "Trouser"' in header and f"kAbstainBelow = {info.abstain_below}" in header
    )
    assert header.count("resolver.Add") == len(micro.operators_of(network))


def test_a_changed_array_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "micro")
    (tmp_path / "micro/model.cc").write_text("mine")
    with pytest.raises(ModelError, match=r"model\.cc: damaged"):
        load_predictor(tmp_path / "micro")


def test_an_operator_that_microcontrollers_lack_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has no operator GELU in int8; train a network with"):
        micro.write(untrained("gelu", ("cat", "dog")), tmp_path / "micro")
    assert not (tmp_path / "micro").exists()


needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")

STUB = """
#pragma once
#include <cstddef>
#include <cstdint>
enum TfLiteStatus { kTfLiteOk };
struct TfLiteTensor { struct { int8_t* int8; } data; };
namespace tflite {
struct Model {};
const Model* GetModel(const void*);
template <int N> struct MicroMutableOpResolver {
  %s
};
struct MicroInterpreter {
  template <class R> MicroInterpreter(const Model*, R&, uint8_t*, size_t);
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  TfLiteTensor* input(int);
  TfLiteTensor* output(int);
};
}
"""
"""What the sketch uses of TensorFlow Lite Micro."""


@needs_compiler
def test_the_sketch_of_the_documents_compiles_with_any_labels(tmp_path: Path) -> None:
    labels = ("caf\u00e9", 'say "hi"', "back\\slash", "\u9d28", "??/")
    micro.write(untrained("leaky_relu", labels), tmp_path / "micro")
    (sketch,) = re.findall(r"```cpp\n(.*?)```", (ROOT / "docs/devices.md").read_text(), re.DOTALL)
    assert len([line for line in sketch.splitlines() if line.strip()]) <= 20
    stub = STUB % "\n  ".join(f"TfLiteStatus Add{method}();" for method in micro.METHODS)
    for name in re.findall(r"#include \"(tensorflow/.*?)\"", sketch):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(stub if name.endswith("micro_interpreter.h") else "")
    (tmp_path / "sketch.cc").write_text(sketch)
    (tmp_path / "labels.cc").write_text(PRINT_LABELS)
    for source in ("sketch.cc", "micro/model.cc"):
        run("g++", "-std=c++17", "-Wall", "-Werror", "-Imicro", "-I.", "-c", source, cwd=tmp_path)
    run("g++", "-std=c++17", "-Imicro", "labels.cc", "-o", "labels", cwd=tmp_path)
    assert run("./labels", cwd=tmp_path).split("\n")[:-1] == list(labels)


PRINT_LABELS = """
#include <cstdio>
#include "model.h"
int main() { for (auto label : ankleboot::kLabels) std::puts(label); }
"""


def test_metadata_cannot_leave_their_comment() -> None:
    info = ModelMetadata(recipe="a\n#error b\\", version="1\r\n#error c", labels=("\ud800", "b"))
    lines = list(micro._header(b"", [], info))
    assert not any(line.startswith("#error") or {"\n", "\r"} & set(line) for line in lines)


def run(*command: str, cwd: Path) -> str:
    done: Any = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)
