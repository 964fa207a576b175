"""Every runtime behind the one interface: same answers, any number of images, many threads."""

import io
import json
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import ModelError
from ankleboot.core.files import sha256_of
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.inference.batching import check_shapes
from ankleboot.inference.load import Predictor, load_predictor
from ankleboot.models.files.checksums import (
    add_folder_checksums,
    add_onnx_checksum,
    add_tflite_checksum,
    read_verified_onnx,
    read_verified_tflite,
)
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import Run

EXACT = ("litert", "onnx", "openvino", "saved-model", "playground")
FORMATS = (*EXACT, "litert-fp16", "litert-int8", "onnx-int8")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("number", [0, 1, 7, 8, 75])
def test_any_number_of_images_gets_the_answers_of_keras(
    format: str,
    number: int,
    exported: Callable[[str], Path],
    calibrated_run: Run,
    bar_data: Dataset,
) -> None:
    images = bar_data.test.images[:number]
    expected = load_predictor(calibrated_run.folder).predict(images)
    predictor = load_predictor(exported(format))
    assert isinstance(predictor, Predictor)
    got = predictor.predict(images)
    assert got.shape == (number, 10) and got.dtype == np.float32
    tolerance = 1e-5 if format in EXACT else 0.05
    np.testing.assert_allclose(got, expected, atol=tolerance)


@pytest.mark.parametrize("format", FORMATS)
def test_many_threads_get_their_own_answers(
    format: str, exported: Callable[[str], Path], bar_data: Dataset
) -> None:
    """One LiteRT interpreter shared by threads gives errors and silently wrong answers."""
    predictor = load_predictor(exported(format))
    images = bar_data.test.images
    alone = predictor.predict(images)

    def ask(thread: int) -> float:
        worst = 0.0
        for step in range(30):
            start = (7 * thread + 3 * step) % 90
            size = 1 + (thread + step) % 10
            got = predictor.predict(images[start : start + size])
            worst = max(worst, float(np.abs(got - alone[start : start + size]).max()))
        return worst

    with ThreadPoolExecutor(8) as pool:
        assert max(pool.map(ask, range(8))) < 1e-5


def test_the_run_itself_gives_calibrated_answers(
    bar_run: Run, calibrated_run: Run, bar_data: Dataset
) -> None:
    images = bar_data.test.images
    raw, calibrated = (load_predictor(r.folder) for r in (bar_run, calibrated_run))
    assert raw.info.temperature == 1 and calibrated.info.temperature == 1.7
    assert calibrated.info.abstain_below == 0.6
    logits = np.log(raw.predict(images).astype(np.float64) + 1e-38)
    expected = np.exp(logits / 1.7) / np.exp(logits / 1.7).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(calibrated.predict(images), expected, atol=1e-5)


@pytest.mark.parametrize("format", FORMATS)
def test_files_say_what_they_are(
    format: str, exported: Callable[[str], Path], calibrated_run: Run
) -> None:
    info = load_predictor(exported(format)).info
    origin = load_predictor(calibrated_run.folder).info
    assert (info.format, info.recipe, info.labels) == (format, "tiny", CLASS_NAMES)
    assert info == replace(origin, format=format, version=info.version) and info.version


def test_a_tflite_shows_its_labels_to_any_zip_reader(exported: Callable[[str], Path]) -> None:
    with zipfile.ZipFile(exported("litert")) as archive:
        assert archive.read("labels.txt").decode().split("\n")[:-1] == list(CLASS_NAMES)
        assert json.loads(archive.read("ankleboot.json"))["temperature"] == 1.7


def test_an_onnx_file_is_valid_and_names_its_classes(exported: Callable[[str], Path]) -> None:
    import onnx

    model = onnx.load(exported("onnx"))
    onnx.checker.check_model(model)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert properties["labels"].split("\n") == list(CLASS_NAMES)
    assert [value.name for value in model.graph.input] == ["images"]
    assert [value.name for value in model.graph.output] == ["probs"]


LIGHT = """
import sys
import numpy as np
from ankleboot.inference.load import load_predictor
from pathlib import Path
print(load_predictor(Path(sys.argv[1])).predict(np.zeros((3, 28, 28), np.uint8)).shape)
print(*sys.modules)
"""


def test_litert_needs_no_tensorflow() -> None:
    command = [sys.executable, "-c", LIGHT, "pretrained"]
    shape, modules = subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert shape == "(3, 10)"
    assert not {"tensorflow", "keras", "onnxruntime", "matplotlib"} & set(modules.split())


def test_a_runtime_keeps_stderr_clean() -> None:
    command = [sys.executable, "-c", LIGHT, "pretrained"]
    assert subprocess.run(command, capture_output=True, check=True).stderr == b""


def flips(content: bytes, number: int) -> list[bytes]:
    """The content with one bit flipped, at `number` places."""
    chooser = random.Random(0)
    found = []
    for _ in range(number):
        place, bit = chooser.randrange(len(content)), chooser.randrange(8)
        found.append(content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :])
    return found


INFO = ModelMetadata(recipe="x", format="litert", temperature=1.3)


def test_every_flipped_bit_of_a_tflite_is_refused(tmp_path: Path) -> None:
    """Without a seal seven in ten load and answer wrongly."""
    path = tmp_path / "a.tflite"
    content = (catalog.FOLDER / catalog.LITERT).read_bytes()
    for damaged in flips(content, 1_000):
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match=r"a\.tflite: "):
            read_verified_tflite(path)


def test_a_description_of_another_layout_of_bytes_still_opens(tmp_path: Path) -> None:
    """Yesterday's files open whatever order and spacing today's code would write."""
    body = b"some flatbuffer"
    packed = io.BytesIO(body)
    document = INFO.to_json() | {"bytes": len(body), "sha256": sha256_of(body)}
    texts = {
        "labels.txt": "a\nb\n",
        "ankleboot.json": json.dumps(document, indent=1, sort_keys=True),
    }
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_STORED) as archive:
        for name, text in texts.items():
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3
            archive.writestr(entry, text)
    path = tmp_path / "old.tflite"
    path.write_bytes(packed.getvalue())
    assert read_verified_tflite(path) == (body, INFO)


def test_every_flipped_bit_of_the_seal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tflite"
    body = bytes(range(256))
    sealed = add_tflite_checksum(body, INFO)
    path.write_bytes(sealed)
    assert read_verified_tflite(path) == (body, INFO)
    for place in range(len(sealed)):
        path.write_bytes(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])
        with pytest.raises(ModelError):
            read_verified_tflite(path)


def test_every_flipped_bit_of_an_onnx_file_is_refused(
    tmp_path: Path, exported: Callable[[str], Path]
) -> None:
    path = tmp_path / "a.onnx"
    content = exported("onnx").read_bytes()
    for damaged in flips(content, 500) + flips(content[-90:], 200):
        path.write_bytes(damaged if len(damaged) > 90 else content[:-90] + damaged)
        with pytest.raises(ModelError, match=r"a\.onnx: damaged"):
            read_verified_onnx(path)


@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_truncated_and_foreign_files_are_refused(
    suffix: str, tmp_path: Path, exported: Callable[[str], Path]
) -> None:
    content = exported("litert" if suffix == ".tflite" else "onnx").read_bytes()
    path = tmp_path / f"a{suffix}"
    for size in range(0, len(content), max(1, len(content) // 50)):
        path.write_bytes(content[:size])
        with pytest.raises(ModelError):
            load_predictor(path)
    path.write_bytes(b"not a model at all" * 100)
    with pytest.raises(ModelError, match="ankleboot export"):
        load_predictor(path)


@pytest.mark.parametrize("format", ["openvino", "saved-model"])
def test_a_changed_file_in_a_folder_is_named(
    format: str, tmp_path: Path, exported: Callable[[str], Path]
) -> None:
    for victim in sorted(p for p in exported(format).rglob("*") if p.is_file()):
        name = victim.relative_to(exported(format))
        copy = tmp_path / "copy"
        shutil.copytree(exported(format), copy)
        content = (copy / name).read_bytes()
        (copy / name).write_bytes(content[:-1] + b"~")
        with pytest.raises(ModelError, match=name.name):
            load_predictor(copy)
        shutil.rmtree(copy)


def test_a_changed_digit_of_a_description_is_refused(
    tmp_path: Path, exported: Callable[[str], Path]
) -> None:
    shutil.copytree(exported("openvino"), tmp_path / "copy")
    path = tmp_path / "copy/ankleboot.json"
    path.write_text(path.read_text().replace('"temperature": 1.7', '"temperature": 1.8'))
    with pytest.raises(ModelError, match="damaged description"):
        load_predictor(tmp_path / "copy")


def test_a_seal_is_the_same_on_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    here = add_tflite_checksum(b"model", INFO)
    monkeypatch.setattr("sys.platform", "win32")
    assert add_tflite_checksum(b"model", INFO) == here


def test_sealed_nonsense_is_one_line(tmp_path: Path) -> None:
    """A seal says that nothing changed, not that there was sense in it."""
    (tmp_path / "a.tflite").write_bytes(add_tflite_checksum(b"TFL3 or not", INFO))
    (tmp_path / "a.onnx").write_bytes(add_onnx_checksum(b"onnx or not"))
    add_folder_checksums(tmp_path, replace(INFO, format="painting"))
    for path, said in (
        (tmp_path / "a.tflite", "LiteRT cannot run it"),
        (tmp_path / "a.onnx", "ONNX Runtime cannot run it"),
        (tmp_path, "'painting' is no format that can be run"),
    ):
        with pytest.raises(ModelError, match=said) as caught:
            load_predictor(path)
        assert "\n" not in str(caught.value)


def test_other_shapes_are_refused_by_name() -> None:
    check_shapes("x", ModelMetadata(), ((28, 28), "uint8"), ((10,), "float32"))
    with pytest.raises(ModelError, match=r"expected input .*28.*got .*\(32, 32\)"):
        check_shapes("x", ModelMetadata(), ((32, 32), "uint8"), ((10,), "float32"))
    with pytest.raises(ModelError, match="int8"):
        check_shapes("x", ModelMetadata(), ((28, 28), "uint8"), ((10,), "int8"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"layout": 9}, "a description of layout 9, expected 1"),
        ({"labels": ["a"]}, "damaged description"),
        ({"labels": ["a", "a"]}, "damaged description"),
        ({"image_size": 32}, "damaged description"),
        ({"surprise": 1}, "damaged description"),
        ({"abstain_below": None}, "damaged description"),
        ({"parameters": "many"}, "damaged description"),
        ({"labels": None}, "damaged description"),
    ],
)
def test_a_strange_description_is_refused(change: dict[str, object], said: str) -> None:
    assert ModelMetadata.from_json(INFO.to_json(), "here") == INFO
    with pytest.raises(ModelError, match=f"here: {said}"):
        ModelMetadata.from_json(INFO.to_json() | change, "here")


@pytest.mark.parametrize("name", ["a.h5", "a.pkl", "a.pt", "a.xml"])
def test_other_kinds_of_files_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelError, match="expected a run folder, a .keras, .tflite or .onnx"):
        load_predictor(tmp_path / name)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model"):
        load_predictor(tmp_path / "nothing.tflite")


def test_the_name_pretrained_means_the_shipped_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exported: Callable[[str], Path]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_predictor(Path("pretrained")).info.recipe == Run(catalog.FOLDER).recipe().name
    shutil.copytree(exported("openvino"), "pretrained")  # a folder of the user's own comes first
    assert load_predictor(Path("pretrained")).info.recipe == "tiny"


def test_the_shipped_model_is_as_accurate_as_it_says() -> None:
    """On the test images that ship along; a slow test has all 10,000."""
    test = load_data("sample").test
    stated = json.loads((catalog.FOLDER / "evaluation-sample.json").read_text())
    probs = load_predictor(Path("pretrained")).predict(test.images)
    right = (probs.argmax(axis=1) == test.labels).mean()
    assert right == pytest.approx(stated["accuracy"]) and stated["num_examples"] == 500
    assert right > 0.9


def test_the_shipped_files_are_small_and_belong_together() -> None:
    sizes = {path: path.stat().st_size for path in catalog.FOLDER.rglob("*") if path.is_file()}
    assert sum(sizes.values()) <= 10_000_000
    assert sizes[catalog.NAMES[catalog.PHOTO] / catalog.LITERT] <= 6_000_000
    assert sum(size for path, size in sizes.items() if path.name != "cut_out.tflite") <= 6_000_000
    run = Run(catalog.FOLDER)
    run.check_model()
    info = load_predictor(Path("pretrained")).info
    calibration = run.calibration()
    assert calibration is not None
    assert info.model_sha256 == run.result()["model_sha256"]
    assert info.temperature == calibration.temperature
    assert info.abstain_below == calibration.abstain_below
    text = "".join(p.read_text() for p in catalog.FOLDER.iterdir() if p.suffix in (".json", ".md"))
    assert '"/' not in text  # no path of the machine that made them
    card = (catalog.FOLDER / "README.md").read_text()
    stated = json.loads((catalog.FOLDER / "evaluation-test.json").read_text())
    assert f"{100 * stated['accuracy']:.2f} %" in card and info.model_sha256[:12] in card
